//! `cargo xtask soak [--minutes N] [--streams N] [--clients N] [--kills N] [--seed S] [--part load|kills]`: the gateway's process under
//! load and over time, and conversations whose process is killed, as it is released. docs/SOAK.md has what came of it.

use crate::Failure;
use crate::run::{cargo, check, root};

pub(crate) fn run(args: &[String]) -> Result<(), Failure> {
    let build = ["build", "--locked", "--release", "--package"];
    check(cargo().args(build).arg("respair"))?;
    let run = ["run", "--locked", "--release", "--quiet", "--package"];
    check(
        cargo()
            .args(run)
            .args(["respair-soak", "--bin", "soak", "--"])
            .arg(root().join("target").join("release").join("respair"))
            .args(args),
    )
}
