//! `compare --hermes FILE --respair FILE [--write FILE --commit C --date D] [--hermes-runs N] [--respair-runs N] [ROW…]`: both
//! agents at the same relay, one row a way to misbehave; docs/COMPARED.md has what came of it.
//!
//! Each run has a home of its own, made anew, but for the rows that say that an earlier run was remembered. A run starts its
//! own relay, so nothing of another's is in its counts.

mod arguments;
mod judge;
mod page;
mod program;
mod rows;
mod run;

use std::process::ExitCode;

use arguments::Arguments;
use judge::Judged;
use program::Program;
use rows::{ROWS, Row};
use run::Run;

/// What the two programs made of a row.
struct Result {
    row: &'static Row,
    hermes: Judged,
    respair: Judged,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match Arguments::read(std::env::args_os().skip(1)) {
        Ok(arguments) => arguments,
        Err(why) => {
            eprintln!("compare: {why}");
            return ExitCode::from(2);
        }
    };
    match compare(&arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("compare: {why}");
            ExitCode::FAILURE
        }
    }
}

async fn compare(arguments: &Arguments) -> std::result::Result<(), String> {
    let hermes = Program::hermes(&arguments.hermes);
    let respair = Program::respair(&arguments.respair);
    let mut results = Vec::new();
    for row in ROWS.iter().filter(|row| arguments.takes(row)) {
        results.push(Result {
            row,
            hermes: several(&hermes, row, arguments.hermes_runs).await?,
            respair: several(&respair, row, arguments.respair_runs).await?,
        });
    }
    let text = page::text(&results, arguments, &hermes.version().await?);
    match &arguments.write {
        None => print!("{text}"),
        Some(file) => page::write(file, &text)?,
    }
    Ok(())
}

async fn several(
    program: &Program,
    row: &'static Row,
    runs: usize,
) -> std::result::Result<Judged, String> {
    eprintln!("{}: {}", program.name, row.name);
    let mut came: Vec<Run> = Vec::with_capacity(runs);
    for _ in 0..runs {
        let run = run::run(program, row).await;
        came.push(run.map_err(|error| format!("{} at {}: {error}", program.name, row.name))?);
    }
    Ok(Judged::of(row, came))
}
