//! `cargo xtask mutate` and `cargo xtask fuzz`: more damage than the tests have time for.

use std::process::Command;

use crate::run::{cargo, check, root};
use crate::{Failure, clients};

/// N damaged streams before every judge.
pub(crate) fn mutate(args: &[String]) -> Result<(), Failure> {
    for client in clients::install()? {
        eprintln!("xtask: SKIPPED client {client}");
    }
    check(
        cargo()
            .args([
                "run",
                "--locked",
                "--quiet",
                "--package",
                "respair-mutations",
                "--bin",
                "mutate",
                "--",
            ])
            .args(args)
            .env("RESPAIR_CLIENTS_DIR", clients::directory()),
    )
}

/// The targets, each a function of `respair_mutations::properties`.
const TARGETS: [&str; 5] = ["decoder", "event", "line", "accumulator", "chunking"];

/// Every fuzz target, or one, for so many seconds each (60). Needs `cargo install cargo-fuzz` and a nightly toolchain.
pub(crate) fn fuzz(args: &[String]) -> Result<(), Failure> {
    let (mut targets, mut seconds) = (TARGETS.to_vec(), 60);
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let known = TARGETS.iter().find(|target| *target == arg);
        match (arg.as_str(), known) {
            ("--seconds", _) => seconds = number(args.next())?,
            (_, Some(target)) => targets = vec![target],
            _ => {
                let known = TARGETS.join(", ");
                return Err(Failure::Usage(format!(
                    "no fuzz target `{arg}`; there are {known}"
                )));
            }
        }
    }
    for target in targets {
        // No sanitizer: core has no unsafe code, and runs are five times as fast without.
        let mut command = Command::new("cargo");
        command
            .current_dir(root())
            .args([
                "+nightly",
                "fuzz",
                "run",
                "--sanitizer",
                "none",
                target,
                "--",
            ])
            .arg(format!("-max_total_time={seconds}"))
            .args([
                "-max_len=1024",
                "-len_control=0",
                "-print_final_stats=1",
                "-timeout=20",
            ]);
        // The toolchain is named: what the outer cargo set for its own must not reach this one.
        for name in ["CARGO", "RUSTUP_TOOLCHAIN", "RUSTC", "RUSTDOC"] {
            command.env_remove(name);
        }
        check(&mut command)?;
    }
    Ok(())
}

fn number(word: Option<&String>) -> Result<u64, Failure> {
    let number = word.and_then(|word| word.parse().ok());
    number.ok_or_else(|| Failure::Usage("`--seconds` takes a number".to_owned()))
}
