//! `cargo xtask test`: the size of the dependency tree, the real clients and the documentation first, then every test of the
//! workspace, then what was skipped.

use std::path::PathBuf;

use crate::run::{cargo, check, root};
use crate::{Failure, clients, tree};

pub(crate) fn run(args: &[String]) -> Result<(), Failure> {
    tree::check()?;
    let mut skipped = clients::install()?;
    let skips = skips_file();
    // From an earlier run; absent is as good.
    let _ = std::fs::remove_file(&skips);
    // What is documented leads somewhere: no link to what is private or gone.
    check(
        cargo()
            .args(["doc", "--workspace", "--no-deps", "--locked", "--quiet"])
            .env("RUSTDOCFLAGS", "-D warnings"),
    )?;
    let outcome = check(
        cargo()
            .args(["test", "--workspace", "--no-fail-fast", "--locked"])
            .args(args)
            .env("RESPAIR_CLIENTS_DIR", clients::directory())
            .env("RESPAIR_SKIPS", &skips),
    );
    if let Ok(lines) = std::fs::read_to_string(&skips) {
        skipped.extend(lines.lines().map(str::to_owned));
    }
    skipped.sort();
    skipped.dedup();
    if skipped.is_empty() {
        eprintln!("xtask: nothing was skipped");
    }
    for line in skipped {
        eprintln!("xtask: SKIPPED {line}");
    }
    outcome
}

/// Where tests that cannot run here leave a line each (`respair_oracle::skip`).
fn skips_file() -> PathBuf {
    root().join("target").join("skipped-tests.txt")
}
