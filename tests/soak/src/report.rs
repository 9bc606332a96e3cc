//! What a run found, as a table.

use std::fmt;
use std::time::Duration;

use crate::Options;
use crate::many::Many;
use crate::mixed::Mixed;

/// How long an upstream's connection may outlive the client that left.
const CLOSED: Duration = Duration::from_millis(100);

/// How much more memory may be resident behind the traffic than before it.
const GROWTH: f64 = 1.10;

/// What a run found. `Display` gives Markdown.
#[derive(Debug)]
pub struct Report {
    options: Options,
    many: Many,
    mixed: Mixed,
}

impl Report {
    pub(crate) fn new(options: &Options, many: Many, mixed: Mixed) -> Self {
        Self {
            options: options.clone(),
            many,
            mixed,
        }
    }

    /// What is wrong; none, when all is well. Times and memory are judged only where the options say so.
    #[must_use]
    pub fn failures(&self) -> Vec<String> {
        let (many, mixed) = (&self.many, &self.mixed);
        let mut failures: Vec<String> = many
            .failures
            .iter()
            .chain(&mixed.failures)
            .cloned()
            .collect();
        let mut expect = |holds: bool, what: String| {
            if !holds {
                failures.push(what);
            }
        };
        for (when, before, after) in [
            ("slow streams", many.before, many.after),
            ("mixed traffic", mixed.before, mixed.after),
        ] {
            expect(
                after.descriptors <= before.descriptors,
                format!(
                    "{when}: {} descriptors, and {} before",
                    after.descriptors, before.descriptors
                ),
            );
            expect(
                after.threads <= before.threads,
                format!(
                    "{when}: {} threads, and {} before",
                    after.threads, before.threads
                ),
            );
        }
        if self.options.judge_measures {
            expect(
                self.growth() <= GROWTH,
                format!("memory grew by {:.1} %", (self.growth() - 1.0) * 100.0),
            );
            let last = mixed.closed_alone.last().copied().unwrap_or_default();
            expect(
                last < CLOSED,
                format!("an upstream's connection outlived its client by {last:?}"),
            );
        }
        failures
    }

    fn growth(&self) -> f64 {
        self.mixed.after.memory as f64 / self.mixed.before.memory.max(1) as f64
    }
}

fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

fn milliseconds(sorted: &[Duration], percent: usize) -> String {
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    let value = sorted.get(at).copied().unwrap_or_default();
    format!("{:.1} ms", value.as_secs_f64() * 1000.0)
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (many, mixed) = (&self.many, &self.mixed);
        let row = |out: &mut fmt::Formatter<'_>, name: &str, value: &str| {
            writeln!(out, "| {name} | {value} |")
        };
        writeln!(out, "| slow streams, all at once | |\n|---|---|")?;
        row(
            out,
            "streams open at the same time",
            &many.streams.to_string(),
        )?;
        row(
            out,
            "descriptors that a process may have",
            &many.descriptors.to_string(),
        )?;
        row(
            out,
            "whole and in order, byte for byte",
            &(many.streams - many.failures.len()).to_string(),
        )?;
        row(
            out,
            "events / bytes",
            &format!("{} / {}", many.events, many.bytes),
        )?;
        let held = [many.before, many.during, many.after];
        let descriptors = held.map(|held| held.descriptors.to_string()).join(" / ");
        row(out, "descriptors before / open / after", &descriptors)?;
        row(
            out,
            "resident before / open / after",
            &held.map(|held| mib(held.memory)).join(" / "),
        )?;
        let each =
            many.during.memory.saturating_sub(many.before.memory) / many.streams.max(1) as u64;
        row(
            out,
            "resident for each open stream",
            &format!("{:.1} KiB", each as f64 / 1024.0),
        )?;
        let cases: usize = mixed.outcomes.values().sum();
        let title = format!(
            "mixed traffic, {} s, seed {}",
            self.options.mixed.as_secs(),
            self.options.seed
        );
        writeln!(out, "\n| {title} | |\n|---|---|")?;
        row(out, "requests", &cases.to_string())?;
        for (outcome, count) in &mixed.outcomes {
            row(out, &format!("· {}", outcome.words()), &count.to_string())?;
        }
        row(
            out,
            "lost, mixed up, or ended otherwise",
            &mixed.failures.len().to_string(),
        )?;
        row(
            out,
            "restarts of an upstream / reloads",
            &format!("{} / {}", mixed.restarts, mixed.reloads),
        )?;
        for (how, left) in [
            ("amid the traffic", &mixed.closed_amid),
            ("with nothing else under way", &mixed.closed_alone),
        ] {
            let closed = [50, 99, 100].map(|percent| milliseconds(left, percent));
            let name = format!(
                "{} clients left {how}: upstream closed after, p50 / p99 / longest",
                left.len()
            );
            row(out, &name, &closed.join(" / "))?;
        }
        let (before, after) = (mixed.before, mixed.after);
        row(
            out,
            "resident before / after",
            &format!(
                "{} / {} ({:+.1} %)",
                mib(before.memory),
                mib(after.memory),
                (self.growth() - 1.0) * 100.0
            ),
        )?;
        row(
            out,
            "descriptors before / after",
            &format!("{} / {}", before.descriptors, after.descriptors),
        )?;
        row(
            out,
            "threads before / after",
            &format!("{} / {}", before.threads, after.threads),
        )?;
        row(
            out,
            "streams / connections open at the end",
            &format!("{} / {}", after.open.0, after.open.1),
        )
    }
}
