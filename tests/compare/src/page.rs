//! The tables of docs/COMPARED.md.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use crate::Result;
use crate::arguments::Arguments;
use crate::judge::Judged;
use crate::rows::Right;

const BEGIN: &str = "<!-- begin: cargo xtask hermes -->\n";
const END: &str = "<!-- end: cargo xtask hermes -->\n";

/// Rows whose times and sizes are shown: the others differ from these in what they come to, not in what they take.
const SHOWN: &[&str] = &[
    "conforming",
    "no-created",
    "no-created-again",
    "tool",
    "tool-broken-again",
];

/// The tables, with when and on what they were measured.
pub(crate) fn text(results: &[Result], arguments: &Arguments, hermes: &str) -> String {
    let mut text = format!(
        "Measured on {} at commit `{}`, with {hermes}; {} runs of Hermes a row, {} of respair, load average {}.\n\n",
        arguments.date,
        arguments.commit,
        arguments.hermes_runs,
        arguments.respair_runs,
        load()
    );
    came(&mut text, results);
    took(&mut text, results);
    aims(&mut text, results);
    text
}

// Writing into a String does not fail: what `write!` gives is left alone below.

fn came(text: &mut String, results: &[Result]) {
    text.push_str(
        "| what the relay does | Hermes | exit | requests | respair | exit | requests |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for Result {
        row,
        hermes,
        respair,
    } in results
    {
        let _ = writeln!(
            text,
            "| {} | {} | {} |",
            row.summary,
            cells(hermes),
            cells(respair)
        );
    }
    let right = |judged: fn(&Result) -> &Judged| {
        results
            .iter()
            .filter(|&result| judged(result).right)
            .count()
    };
    let _ = writeln!(
        text,
        "| **right, of {}** | **{}** | | | **{}** | | |\n",
        results.len(),
        right(|result| &result.hermes),
        right(|result| &result.respair)
    );
}

fn cells(judged: &Judged) -> String {
    let words = match judged.right {
        true => judged.words.clone(),
        false => format!("**{}**", judged.words),
    };
    let code = judged
        .code
        .map_or_else(|| "-".to_owned(), |code| code.to_string());
    format!("{words} | {code} | {}", judged.requests)
}

fn took(text: &mut String, results: &[Result]) {
    text.push_str(
        "| | | start to request | start to the answer | whole run | bytes sent | probes | memory |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for Result {
        row,
        hermes,
        respair,
    } in results
    {
        if !SHOWN.contains(&row.name) {
            continue;
        }
        for (name, judged) in [("Hermes", hermes), ("respair", respair)] {
            let _ = writeln!(
                text,
                "| {} | {name} | {} | {} | {} | {} | {} | {} |",
                row.summary,
                time(judged.to_request),
                time(judged.to_answer),
                time(Some(judged.took)),
                judged.sent,
                judged.others,
                mebibytes(judged.memory),
            );
        }
    }
    text.push('\n');
}

fn aims(text: &mut String, results: &[Result]) {
    let respair = |name: &str| {
        let found = results.iter().find(|result| result.row.name == name);
        found.map(|result| &result.respair)
    };
    let most = results.iter().map(|result| result.respair.memory).max();
    let answers = results
        .iter()
        .filter(|result| matches!(result.row.right, Right::Answer(_)));
    let alone = answers
        .clone()
        .filter(|result| result.respair.alone)
        .count();
    text.push_str("| respair's aims | aim | measured |\n|---|---|---|\n");
    let to_request = respair("conforming").and_then(|judged| judged.to_request);
    let _ = writeln!(
        text,
        "| start to request, with a session | ≤ 30 ms | {} |",
        time(to_request)
    );
    let _ = writeln!(
        text,
        "| memory, the most of any row | ≤ 25 MB | {} |",
        mebibytes(most.unwrap_or(0))
    );
    let steps = respair("tool-broken-again").map_or(0, |judged| judged.requests);
    let _ = writeln!(
        text,
        "| requests for two steps at a relay that is remembered | 2 | {steps} |"
    );
    let right = results.iter().filter(|result| result.respair.right).count();
    let _ = writeln!(
        text,
        "| rows with the right ending and a true exit code | {} | {right} |",
        results.len()
    );
    let _ = writeln!(
        text,
        "| answers that are alone on standard output | {} | {alone} |",
        answers.count()
    );
}

fn time(time: Option<Duration>) -> String {
    match time {
        None => "-".to_owned(),
        Some(time) if time < Duration::from_secs(1) => format!("{} ms", time.as_millis()),
        Some(time) => format!("{:.1} s", time.as_secs_f64()),
    }
}

fn mebibytes(kib: u64) -> String {
    format!("{} MiB", kib.div_ceil(1024))
}

/// The load of the last minute.
fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().unwrap_or("unknown").to_owned()
}

/// Puts the tables between their marks.
pub(crate) fn write(file: &Path, tables: &str) -> std::result::Result<(), String> {
    let name = file.display();
    let page = std::fs::read_to_string(file).map_err(|error| format!("{name}: {error}"))?;
    let (Some(begin), Some(end)) = (page.find(BEGIN), page.find(END)) else {
        return Err(format!("{name} has no place for the tables"));
    };
    let page = [&page[..begin + BEGIN.len()], tables, &page[end..]].concat();
    std::fs::write(file, page).map_err(|error| format!("{name}: {error}"))
}
