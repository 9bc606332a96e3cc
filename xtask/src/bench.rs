//! `cargo xtask bench [NAME…] [ARGUMENT…]`: every benchmark target of the workspace, or those that are named, one after the
//! other. The growth benchmark draws `docs/growth.svg` with it.
//!
//! `gateway` is not criterion's: it is a program of its own that compares the binary with nginx (bench/src/main.rs) and writes what
//! it finds into docs/PERFORMANCE.md.
//!
//! The others are named one by one because a plain `cargo bench` also starts the unit tests' harness, which does not know
//! criterion's arguments.

use std::process::Command;

use serde_json::Value;

use crate::Failure;
use crate::run::{cargo, check, read, root};

/// The comparison with nginx.
const GATEWAY: &str = "gateway";

/// Where its tables go.
const TABLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/PERFORMANCE.md");

/// Where the plot of growth goes.
const PLOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/growth.svg");

pub(crate) fn run(args: &[String]) -> Result<(), Failure> {
    if let Some((GATEWAY, args)) = args.split_first().map(|(name, rest)| (name.as_str(), rest)) {
        return gateway(args);
    }
    let metadata =
        read(cargo().args(["metadata", "--format-version", "1", "--no-deps", "--locked"]))?;
    let metadata: Value = serde_json::from_str(&metadata)
        .map_err(|error| Failure::Task(format!("cargo metadata: {error}")))?;
    let benches = benches(&metadata);
    if benches.is_empty() {
        return Err(Failure::Task("the workspace has no benchmark".to_owned()));
    }
    let known = |name: &String| benches.iter().any(|(_, bench)| bench == name);
    let (named, args) = args.split_at(args.iter().take_while(|arg| known(arg)).count());
    for (package, bench) in &benches {
        if !named.is_empty() && !named.contains(bench) {
            continue;
        }
        let plot: &[&str] = if bench == "growth" {
            &["--svg", PLOT]
        } else {
            &[]
        };
        check(
            cargo()
                .args([
                    "bench",
                    "--locked",
                    "--package",
                    package,
                    "--bench",
                    bench,
                    "--",
                ])
                .args(plot)
                .args(args),
        )?;
    }
    if named.is_empty() {
        gateway(&[])?;
    }
    Ok(())
}

/// Builds the binary as it is released, and the program that measures it; what is only a part of the run is not written down.
fn gateway(args: &[String]) -> Result<(), Failure> {
    for package in ["respair", "respair-bench"] {
        check(cargo().args(["build", "--release", "--locked", "--package", package]))?;
    }
    let read_line = |command: &mut Command| read(command).map(|line| line.trim().to_owned());
    let git = |args: &[&str]| read_line(Command::new("git").current_dir(root()).args(args));
    let release = root().join("target/release");
    let mut measured = Command::new(release.join("respair-bench"));
    measured
        .arg(GATEWAY)
        .arg("--respair")
        .arg(release.join("respair"));
    if !args.iter().any(|arg| arg == "--only") {
        measured
            .args(["--write", TABLES])
            .args(["--commit", &git(&["rev-parse", "--short", "HEAD"])?])
            .args([
                "--date",
                &read_line(Command::new("date").args(["-u", "+%F"]))?,
            ]);
    }
    check(measured.args(args))
}

/// Package and target name of each benchmark.
fn benches(metadata: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        for target in package["targets"].as_array().into_iter().flatten() {
            let is_bench = target["kind"]
                .as_array()
                .is_some_and(|kinds| kinds.iter().any(|kind| kind == "bench"));
            if let (true, Some(package), Some(name)) =
                (is_bench, package["name"].as_str(), target["name"].as_str())
            {
                found.push((package.to_owned(), name.to_owned()));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_benchmarks_are_found() {
        let metadata = serde_json::json!({"packages": [{"name": "a", "targets": [
            {"kind": ["lib"], "name": "a"}, {"kind": ["bench"], "name": "line"}]}]});
        assert_eq!(benches(&metadata), [("a".to_owned(), "line".to_owned())]);
    }
}
