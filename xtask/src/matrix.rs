//! `cargo xtask matrix`: the real clients over every scenario of the relay, direct and through the gateway.

use crate::run::{cargo, check};
use crate::{Failure, clients};

/// Installs every client, then runs `respair-matrix` (tests/matrix) with the same arguments.
pub(crate) fn run(args: &[String]) -> Result<(), Failure> {
    for client in clients::install_all()? {
        eprintln!("xtask: SKIPPED client {client}");
    }
    check(
        cargo()
            .args([
                "run",
                "--locked",
                "--quiet",
                // What is measured is what people run, and 8 MB in one event take a debug build as long as a cell may.
                "--release",
                "--package",
                "respair-matrix",
                "--",
            ])
            .args(args)
            .env("RESPAIR_CLIENTS_DIR", clients::directory()),
    )
}
