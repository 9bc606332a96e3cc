//! `cargo xtask hermes [--hermes-runs N] [--respair-runs N] [ROW…]`: the real Hermes and respair at the same relay. The whole of
//! it is written into docs/COMPARED.md; a part of it is printed.

use std::process::Command;

use crate::Failure;
use crate::clients;
use crate::run::{cargo, check, read, root};

/// Where its tables go.
const TABLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/COMPARED.md");

pub(crate) fn run(args: &[String]) -> Result<(), Failure> {
    let hermes = clients::install_hermes()?;
    for package in ["respair", "respair-compare"] {
        check(cargo().args(["build", "--locked", "--release", "--package", package]))?;
    }
    let read_line = |command: &mut Command| read(command).map(|line| line.trim().to_owned());
    let git = |args: &[&str]| read_line(Command::new("git").current_dir(root()).args(args));
    let release = root().join("target").join("release");
    let mut compare = Command::new(release.join("respair-compare"));
    compare
        .arg("--hermes")
        .arg(hermes.join("bin").join("hermes"))
        .arg("--respair")
        .arg(release.join("respair"))
        .args(["--commit", &git(&["rev-parse", "--short", "HEAD"])?])
        .args([
            "--date",
            &read_line(Command::new("date").args(["-u", "+%F"]))?,
        ]);
    if args.is_empty() {
        compare.args(["--write", TABLES]);
    }
    check(compare.args(args))
}
