//! `cargo xtask hermes [ROW…]`: the real Hermes and respair at the same relay. docs/COMPARED.md has what came of it.

use crate::Failure;
use crate::clients;
use crate::run::{cargo, check, root};

pub(crate) fn run(args: &[String]) -> Result<(), Failure> {
    let hermes = clients::install_hermes()?;
    let build = ["build", "--locked", "--release", "--package"];
    check(cargo().args(build).arg("respair"))?;
    let run = ["run", "--locked", "--release", "--quiet", "--package"];
    check(
        cargo()
            .args(run)
            .args(["respair-compare", "--"])
            .arg(hermes.join("bin").join("hermes"))
            .arg(root().join("target").join("release").join("respair"))
            .args(args),
    )
}
