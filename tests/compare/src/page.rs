//! The tables of docs/COMPARED.md.

use std::fmt::Write as _;
use std::time::Duration;

use crate::program::Run;
use crate::rows::Row;

/// Results, row by row, one program after the other.
pub(crate) fn tables(results: &[(&Row, &str, Run)]) -> String {
    let mut out = String::from(
        "| what the relay does | | came to | exit | requests (others) | bytes sent | start to request | start to first byte | whole run | memory |\n\
         |---|---|---|---|---|---|---|---|---|---|\n",
    );
    for (row, program, run) in results {
        // Writing to a string does not fail.
        let _ = writeln!(
            out,
            "| {} | {program} | {} | {} | {} ({}) | {} | {} | {} | {} | {} MiB |",
            row.summary,
            verdict(row, run),
            run.code.map_or("-".to_owned(), |code| code.to_string()),
            run.requests,
            run.others,
            run.sent,
            time(run.to_request),
            time(run.to_byte),
            time(Some(run.took)),
            run.memory / 1024,
        );
    }
    out
}

/// What the user gets: the words of the table.
fn verdict(row: &Row, run: &Run) -> String {
    let all = format!("{}{}", run.out, run.err);
    match (row.whole, run.code) {
        (_, None) => "**hangs**".to_owned(),
        (Some(whole), Some(0)) if run.out.contains(whole) => match run.out.matches(whole).count() {
            1 => "the answer".to_owned(),
            n => format!("**the answer {n} times**"),
        },
        (Some(whole), Some(code)) if run.out.contains(whole) => {
            format!("**the answer, exit {code}**")
        }
        (Some(_), Some(0)) => "**no answer, exit 0**".to_owned(),
        (Some(_), Some(_)) => "**no answer**".to_owned(),
        (None, Some(0)) => "**a failure, exit 0**".to_owned(),
        (None, Some(_)) if row.words.is_empty() => "told as cut".to_owned(),
        (None, Some(_)) if all.contains(row.words) => "the upstream's words".to_owned(),
        (None, Some(_)) => "**an error without the upstream's words**".to_owned(),
    }
}

fn time(time: Option<Duration>) -> String {
    match time {
        None => "-".to_owned(),
        Some(time) if time < Duration::from_secs(1) => format!("{} ms", time.as_millis()),
        Some(time) => format!("{:.1} s", time.as_secs_f64()),
    }
}
