//! What has to come of each of the relay's scenarios, behind the gateway.

use respair_faults::{Ends, Holds, Scenario, Words, scenarios};

/// Those that conform, as they are sent: byte for byte.
const SAME: [&str; 14] = [
    "text",
    "reasoning",
    "reasoning-text",
    "tool-call",
    "queued",
    "done-sentinel",
    "endpoint",
    "tool-choice-ignored",
    "limit-completed",
    "refused-in-stream",
    "sse-for-json",
    "buffered",
    "hold-after-terminal",
    "cut-after-terminal",
];

/// Those whose 8 MB say little that a shorter one does not, and cost a hundred times as much, begin so.
const HUGE: &str = "huge-";

/// A scenario and how it may come out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) scenario: &'static Scenario,
    /// It conforms.
    pub(crate) same: bool,
    /// Silence ends it: it needs an upstream with short timeouts.
    pub(crate) silent: bool,
    /// It may end earlier than its script says: by a timeout, or by a reset that takes along what was not sent yet.
    pub(crate) early: bool,
}

impl Row {
    pub(crate) fn name(&self) -> &'static str {
        self.scenario.name()
    }

    /// What it holds, said in these words.
    pub(crate) fn holds(&self, words: &Words) -> Holds {
        self.scenario.holds_of(words)
    }

    /// There is nothing to begin a stream with: an HTTP error.
    pub(crate) fn is_refusal(&self, holds: &Holds) -> bool {
        holds.text.is_empty() && !holds.call && matches!(holds.ends, Ends::Failed | Ends::Cut)
    }
}

/// Every scenario.
pub(crate) fn rows() -> Vec<Row> {
    let row = |scenario: &'static Scenario| {
        let name = scenario.name();
        let silent =
            name.starts_with("stall-") || matches!(name, "comments-forever" | "endless-frame");
        Row {
            scenario,
            same: SAME.contains(&name),
            silent,
            early: silent || name.starts_with("reset-"),
        }
    };
    let those = scenarios()
        .iter()
        .filter(|row| !row.name().starts_with(HUGE));
    those.map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_conforms_is_there() {
        let same = rows().iter().filter(|row| row.same).count();
        assert_eq!(same, SAME.len());
    }
}
