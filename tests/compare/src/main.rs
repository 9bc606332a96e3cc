//! `compare HERMES RESPAIR`: both agents at the same relay, one row a way to misbehave; prints docs/COMPARED.md's tables.
//!
//! Each run has a home of its own, made anew, but for the rows that say that an earlier run was remembered. A row starts its
//! own relay, so nothing of another row's is in its counts.

mod page;
mod program;
mod rows;

use std::path::PathBuf;
use std::process::ExitCode;

use program::{Hermes, Program, Respair};
use rows::ROWS;

#[tokio::main]
async fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(hermes), Some(respair)) = (args.next(), args.next()) else {
        eprintln!("compare takes: HERMES RESPAIR [ROW…]");
        return ExitCode::from(2);
    };
    let wanted: Vec<String> = args.map(|row| row.display().to_string()).collect();
    let mut results = Vec::new();
    for row in ROWS {
        if !wanted.is_empty() && !wanted.iter().any(|name| name == row.name) {
            continue;
        }
        let programs: [&dyn Program; 2] = [&Hermes(&hermes), &Respair(&respair)];
        for program in programs {
            eprintln!("{}: {}", program.name(), row.name);
            match program::run(program, row).await {
                Ok(run) => results.push((row, program.name(), run)),
                Err(error) => {
                    eprintln!("{} at {}: {error}", program.name(), row.name);
                    return ExitCode::FAILURE;
                }
            }
        }
    }
    print!("{}", page::tables(&results));
    ExitCode::SUCCESS
}
