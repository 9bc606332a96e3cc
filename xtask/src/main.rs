//! Development tasks, run as `cargo xtask TASK`.
//!
//! Each task is one module that takes the arguments after its name. A task either does its whole work or is not listed.

mod bench;
mod clients;
mod hazard;
mod hermes;
mod matrix;
mod run;
mod soak;
mod test;
mod tree;

use std::process::ExitCode;

/// A task's name, what it does in a line, and its function.
type Task = (
    &'static str,
    &'static str,
    fn(&[String]) -> Result<(), Failure>,
);

const TASKS: &[Task] = &[
    (
        "test",
        "install the real clients, then every test of the workspace [arguments for cargo test]",
        test::run,
    ),
    (
        "clients",
        "clients install [--all]: put the pinned third-party clients that tests run (all: of the matrix, too) under target/clients",
        clients::run,
    ),
    (
        "matrix",
        "[--clients A,B] [--scenarios X,Y] [--jobs N] [--write | --page]: real clients over every scenario, direct and through the gateway",
        matrix::run,
    ),
    (
        "bench",
        "every benchmark of the workspace [NAME…] [arguments for it]",
        bench::run,
    ),
    (
        "soak",
        "[--minutes N] [--streams N] [--clients N] [--seed S]: the gateway under load and over time (docs/SOAK.md)",
        soak::run,
    ),
    (
        "hermes",
        "[--hermes-runs N] [--respair-runs N] [ROW…]: the real Hermes and respair at the same relay (docs/COMPARED.md)",
        hermes::run,
    ),
    (
        "mutate",
        "N [--seed S] [--show CASE]: N damaged streams before the oracle, the real clients and typed events",
        hazard::mutate,
    ),
    (
        "fuzz",
        "[TARGET] [--seconds N]: cargo-fuzz, every target or one (docs/FUZZING.md)",
        hazard::fuzz,
    ),
];

/// Why a task stopped, which decides the exit code.
enum Failure {
    /// Wrong arguments: exit 2.
    Usage(String),
    /// The task itself failed: exit 1.
    Task(String),
}

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let name = args.next().unwrap_or_default();
    let rest: Vec<String> = args.collect();
    let outcome = match TASKS.iter().find(|(task, ..)| *task == name) {
        Some((_, _, run)) => run(&rest),
        None if matches!(name.as_str(), "help" | "--help" | "-h") => {
            print!("{}", usage());
            return ExitCode::SUCCESS;
        }
        None => Err(Failure::Usage(unknown(&name))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Task(message)) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
        Err(Failure::Usage(message)) => {
            eprintln!("xtask: {message}");
            eprint!("{}", usage());
            ExitCode::from(2)
        }
    }
}

fn usage() -> String {
    let mut text = String::from("usage: cargo xtask TASK\n");
    for (name, summary, _) in TASKS {
        text.push_str(&format!("  {name:<8} {summary}\n"));
    }
    text
}

fn unknown(name: &str) -> String {
    if name.is_empty() {
        return "no task given".to_owned();
    }
    let nearest = TASKS
        .iter()
        .map(|(task, ..)| (distance(name, task), *task))
        .min()
        .filter(|(distance, _)| *distance <= 2);
    match nearest {
        Some((_, task)) => format!("no task `{name}`; did you mean `{task}`?"),
        None => format!("no task `{name}`"),
    }
}

/// Levenshtein distance, over bytes: task names are ASCII.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.bytes().enumerate() {
            let substitute = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_miss_is_suggested() {
        assert_eq!(unknown("tests"), "no task `tests`; did you mean `test`?");
        assert_eq!(
            unknown("client"),
            "no task `client`; did you mean `clients`?"
        );
        assert_eq!(unknown("deploy"), "no task `deploy`");
    }

    #[test]
    fn distances() {
        for (left, right, expected) in [
            ("", "abc", 3),
            ("abc", "abc", 0),
            ("bench", "bnech", 2),
            ("test", "text", 1),
        ] {
            assert_eq!(distance(left, right), expected, "{left} {right}");
        }
    }
}
