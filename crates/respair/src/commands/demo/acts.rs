//! What the demonstration shows, and what each turn must come to.

use respair_client::{Path, ProviderKind, RecoveryAction, TurnStatus};

use super::Seen;

/// The sentence of the seed's error.
const SENTENCE: &str = "Expected to have received `response.created` before `response.in_progress`";
const ANSWER: &str = "Hello from the relay.";
const REASONING: &str = "Thinking about it.";

/// One turn.
pub(super) struct Act {
    pub(super) title: &'static str,
    /// The relay's scenario. Turns with the same one go to the same relay.
    pub(super) scenario: &'static str,
    pub(super) kind: ProviderKind,
    pub(super) expected: fn(&Seen) -> bool,
}

pub(super) const ACTS: &[Act] = &[
    Act {
        title: "A relay that conforms",
        scenario: "reasoning",
        kind: ProviderKind::Custom,
        expected: |seen| {
            seen.whole(1)
                && seen.reasoning == REASONING
                && seen.outcome.path == Path::Strict
                && seen.recoveries.is_empty()
        },
    },
    Act {
        title: "A relay that never sends response.created",
        scenario: "no-created",
        kind: ProviderKind::Custom,
        expected: |seen| {
            seen.whole(2)
                && seen.reasoning == REASONING
                && seen.outcome.path == Path::Tolerant
                && seen.recoveries == [RecoveryAction::Retry, RecoveryAction::Fallback]
                && seen
                    .outcome
                    .violations
                    .iter()
                    .any(|v| v.message == SENTENCE)
        },
    },
    Act {
        title: "The same relay again: remembered, one request",
        scenario: "no-created",
        kind: ProviderKind::Custom,
        expected: |seen| seen.whole(1) && seen.reasoning == REASONING && seen.outcome.remembered,
    },
    Act {
        title: "A relay that sends codex.rate_limits first",
        scenario: "rate-limits-first",
        kind: ProviderKind::Custom,
        expected: |seen| seen.whole(2) && seen.outcome.path == Path::Tolerant,
    },
    Act {
        title: "A relay that hangs up in the middle of the answer",
        scenario: "cut-mid-text",
        kind: ProviderKind::Custom,
        expected: |seen| {
            seen.outcome.status == TurnStatus::Truncated
                && seen.asked == 1
                && !seen.text.is_empty()
                && seen.text != ANSWER
                && ANSWER.starts_with(&seen.text)
        },
    },
    Act {
        title: "No response.created from a native provider: its error, unchanged",
        scenario: "no-created",
        kind: ProviderKind::Native,
        expected: |seen| {
            seen.outcome.status == TurnStatus::Failed
                && seen.asked == 1
                && seen.text.is_empty()
                && seen
                    .outcome
                    .error
                    .as_ref()
                    .is_some_and(|error| error.message == SENTENCE)
        },
    },
];

impl Seen {
    /// Completed, with the whole answer shown once, in this many requests.
    fn whole(&self, requests: usize) -> bool {
        self.outcome.status == TurnStatus::Completed
            && self.text == ANSWER
            && self.outcome.text == ANSWER
            && self.asked == requests
            && usize::try_from(self.outcome.upstream_requests) == Ok(requests)
    }
}
