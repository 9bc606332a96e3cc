//! What a run has found, as the section of docs/PERFORMANCE.md.

use std::fmt::Write as _;
use std::fs;

use crate::Failure;
use crate::rounds::{Measured, Run};

const BEGIN: &str = "<!-- begin: cargo xtask bench gateway -->\n";
const END: &str = "<!-- end: cargo xtask bench gateway -->\n";

/// When and on what it was measured.
#[derive(Debug, Default)]
pub(crate) struct At<'a> {
    pub(crate) date: &'a str,
    pub(crate) commit: &'a str,
}

/// Columns of [`crate::rounds::NAMES`].
const DIRECT: usize = 0;
const NGINX: usize = 1;
const RESPAIR: usize = 2;

/// One line of progress.
pub(crate) fn say(round: usize, case: &str, target: &str, measured: &Measured) {
    let Measured {
        cpu,
        p50,
        p99,
        rate,
        lost,
    } = measured;
    eprintln!(
        "{round} {case:<20} {target:<8} {:>7.2} µs/event  p50 {:>7.0} µs  p99 {:>7.0} µs  {rate:>8.0}/s  lost {lost}",
        cpu / 1e3,
        p50 / 1e3,
        p99 / 1e3
    );
}

/// The whole section.
pub(crate) fn text(run: &Run, at: &At<'_>) -> String {
    let rounds = run.cases.first().map_or(0, |(_, rows)| rows.len());
    let (low, high) = range(&run.loads);
    let mut text = format!(
        "Measured on {} at commit `{}`: {rounds} rounds, load average {low:.1} to {high:.1}.\n",
        at.date, at.commit
    );
    // Writing into a String does not fail.
    for (name, rows) in &run.cases {
        let _ = write!(
            text,
            "\n| {name} | direct | nginx | respair | respair to nginx | aim |\n|---|---|---|---|---|---|\n"
        );
        let paced = name.starts_with("paced");
        let aim = if paced { "≤ 1.3 ×" } else { "≤ 2 ×" };
        let cpu = |at: usize| median(rows.iter().map(|row| row[at].cpu / 1e3));
        let (ratio, low, high) = ratio(rows, |row| row[RESPAIR].cpu / row[NGINX].cpu);
        let _ = writeln!(
            text,
            "| CPU time an event | | {:.2} µs | {:.2} µs | {ratio:.2} × ({low:.2} to {high:.2}) | {aim} |",
            cpu(NGINX),
            cpu(RESPAIR)
        );
        if paced {
            delays(&mut text, "p50", rows, |measured| measured.p50);
            delays(&mut text, "p99", rows, |measured| measured.p99);
        } else {
            let rate = |at: usize| median(rows.iter().map(|row| row[at].rate / 1e3));
            let (ratio, ..) = self::ratio(rows, |row| row[RESPAIR].rate / row[NGINX].rate);
            let _ = writeln!(
                text,
                "| events a second | {:.0} k | {:.0} k | {:.0} k | {ratio:.2} × | |",
                rate(DIRECT),
                rate(NGINX),
                rate(RESPAIR)
            );
        }
        let lost = |at: usize| rows.iter().map(|row| row[at].lost).sum::<u64>();
        let _ = writeln!(
            text,
            "| streams not whole | {} | {} | {} | | 0 |",
            lost(DIRECT),
            lost(NGINX),
            lost(RESPAIR)
        );
    }
    memory(&mut text, run);
    text
}

fn delays(text: &mut String, name: &str, rows: &[[Measured; 3]], of: fn(&Measured) -> f64) {
    let delay = |at: usize| median(rows.iter().map(|row| of(&row[at]) / 1e6));
    let added = |at: usize| {
        median(
            rows.iter()
                .map(|row| (of(&row[at]) - of(&row[DIRECT])) / 1e6),
        )
    };
    let (compared, aim) = match name {
        "p50" => {
            let more = median(
                rows.iter()
                    .map(|row| (of(&row[RESPAIR]) - of(&row[NGINX])) / 1e6),
            );
            (format!("{more:+.3} ms"), "≤ + 0.1 ms")
        }
        _ => {
            // Of the whole delay: what is added to the slowest hundredth is too little of it to be divided.
            let (ratio, low, high) = ratio(rows, |row| of(&row[RESPAIR]) / of(&row[NGINX]));
            (format!("{ratio:.2} × ({low:.2} to {high:.2})"), "≤ 1.5 ×")
        }
    };
    let _ = writeln!(
        text,
        "| delay, {name} (added) | {:.3} ms | {:.3} ms ({:.3}) | {:.3} ms ({:.3}) | {compared} | {aim} |",
        delay(DIRECT),
        delay(NGINX),
        added(NGINX),
        delay(RESPAIR),
        added(RESPAIR)
    );
}

fn memory(text: &mut String, run: &Run) {
    if run.memory.is_empty() && run.lost.is_none() {
        return;
    }
    text.push_str("\n| memory | nginx | respair | aim |\n|---|---|---|---|\n");
    if !run.memory.is_empty() {
        let idle = |at: usize| median(run.memory.iter().map(|row| row[at].idle / 1024.0));
        let stream = |at: usize| median(run.memory.iter().map(|row| row[at].stream));
        let _ = writeln!(
            text,
            "| idle RSS | {:.1} MiB | {:.1} MiB | ≤ 12 MB |",
            idle(0),
            idle(1)
        );
        let _ = writeln!(
            text,
            "| a stream, at 1,000 | {:.1} KiB | {:.1} KiB | ≤ 24 KB |",
            stream(0),
            stream(1)
        );
    }
    if let Some([nginx, respair]) = run.lost {
        let _ = writeln!(
            text,
            "| streams not whole, of 5,000 | {nginx} | {respair} | 0 |"
        );
    }
}

/// Puts the section into the document, in the place of the one before.
pub(crate) fn write(file: &str, text: &str) -> Result<(), Failure> {
    let document = fs::read_to_string(file)?;
    let (before, rest) = document
        .split_once(BEGIN)
        .ok_or("no mark where the section begins")?;
    let (_, behind) = rest
        .split_once(END)
        .ok_or("no mark where the section ends")?;
    fs::write(file, format!("{before}{BEGIN}{text}{END}{behind}"))?;
    Ok(())
}

/// Median, least and most of a ratio taken within each round.
fn ratio(rows: &[[Measured; 3]], of: impl Fn(&[Measured; 3]) -> f64) -> (f64, f64, f64) {
    let ratios: Vec<f64> = rows.iter().map(of).collect();
    let (low, high) = range(&ratios);
    (median(ratios.into_iter()), low, high)
}

fn range(values: &[f64]) -> (f64, f64) {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (least, most)
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => f64::midpoint(values[n / 2 - 1], values[n / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_of_ratios_within_a_round() {
        let row = |nginx, respair| {
            let cpu = |cpu| Measured {
                cpu,
                ..Measured::default()
            };
            [cpu(0.0), cpu(nginx), cpu(respair)]
        };
        // The machine was twice as slow in the second round: the ratio is not.
        let rows = [row(10.0, 12.0), row(20.0, 22.0), row(10.0, 13.0)];
        let (ratio, low, high) = ratio(&rows, |row| row[RESPAIR].cpu / row[NGINX].cpu);
        assert_eq!((ratio, low, high), (1.2, 1.1, 1.3));
        let run = Run {
            cases: vec![("paced", rows.to_vec())],
            loads: vec![0.5, 1.5, 1.0],
            ..Run::default()
        };
        let text = text(
            &run,
            &At {
                date: "2026-01-01",
                commit: "abc",
            },
        );
        assert!(
            text.contains(
                "| CPU time an event | | 0.01 µs | 0.01 µs | 1.20 × (1.10 to 1.30) | ≤ 1.3 × |"
            ),
            "{text}"
        );
    }

    #[test]
    fn an_even_number_has_its_median_between() {
        assert_eq!(median([4.0, 1.0, 2.0, 3.0].into_iter()), 2.5);
    }
}
