//! What the kills found, as a table.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use super::judge::Judged;
use super::process::{Fall, Killed};

/// What a run found. `Display` gives Markdown.
#[derive(Debug, Default)]
pub struct Kills {
    seed: u64,
    kills: usize,
    aimed: BTreeMap<&'static str, usize>,
    /// The last thing that was told before.
    met: BTreeMap<&'static str, usize>,
    broken: usize,
    items_lost: usize,
    in_flight: usize,
    resumed: usize,
    nothing: usize,
    failures: Vec<String>,
}

impl Kills {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            ..Self::default()
        }
    }

    pub(super) fn missed(&mut self, number: usize) {
        let what = format!("kill {number}: the process was over each time");
        self.failures.push(what);
    }

    pub(super) fn add(&mut self, number: usize, fall: Fall, killed: &Killed, judged: Judged) {
        self.kills += 1;
        *self.aimed.entry(fall.words()).or_default() += 1;
        *self.met.entry(met(&killed.told)).or_default() += 1;
        self.broken += usize::from(judged.broken);
        self.items_lost += judged.items_lost;
        self.in_flight += usize::from(judged.in_flight);
        self.resumed += usize::from(judged.resumed);
        self.nothing += usize::from(!judged.resumed && judged.failures.is_empty());
        let failures = judged.failures.into_iter();
        self.failures
            .extend(failures.map(|what| format!("kill {number}, {fall:?}: {what}")));
    }

    /// How many there were.
    #[must_use]
    pub fn count(&self) -> usize {
        self.kills
    }

    /// What is wrong; none, when all is well.
    #[must_use]
    pub fn failures(&self) -> &[String] {
        &self.failures
    }
}

/// What the process was at when it was killed, by what it told last.
fn met(told: &[Value]) -> &'static str {
    match told.last().and_then(|line| line["type"].as_str()) {
        None => "before anything was told",
        Some("turn.started" | "step.started" | "recovery") => "waiting for an answer",
        Some("reasoning.delta") => "amid reasoning",
        Some("text.delta") => "amid an answer",
        Some("item.done") => "between items",
        Some("tool.started" | "tool.progress") => "amid a tool",
        Some("tool.ended" | "step.ended") => "between steps",
        Some("response.broke_off" | "notice" | "response.continued") => {
            "behind an answer that broke off"
        }
        _ => "behind the end of the turn",
    }
}

impl fmt::Display for Kills {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "| kills, seed {} | {} |\n|---|---|",
            self.seed, self.kills
        )?;
        for (what, count) in &self.aimed {
            writeln!(out, "| · aimed: {what} | {count} |")?;
        }
        for (what, count) in &self.met {
            writeln!(out, "| · met: {what} | {count} |")?;
        }
        writeln!(
            out,
            "| items that were told, and not kept | {} |",
            self.items_lost
        )?;
        writeln!(
            out,
            "| the event in flight was told, and not kept | {} |",
            self.in_flight
        )?;
        writeln!(out, "| databases not whole | {} |", self.broken)?;
        writeln!(
            out,
            "| conversations that went on / that had not begun | {} / {} |",
            self.resumed, self.nothing
        )?;
        write!(out, "| anything else wrong | {} |", self.failures.len())
    }
}
