//! Which probes there are, and which of them are sent.

use std::fmt;

/// One question to an endpoint, and what a good answer to it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Probe {
    /// A text of some length, streamed: the stream itself, and whether it is live.
    Text,
    /// A function call that `tool_choice` forces.
    ToolCall,
    /// A text that runs into `max_output_tokens`.
    OutputLimit,
    /// `stream: false`: one JSON object.
    NotStreamed,
    /// Two function calls at once.
    ParallelCalls,
    /// Reasoning with a summary.
    Reasoning,
    /// A model that does not exist.
    WrongModel,
    /// A key that does not exist.
    WrongKey,
    /// `GET /models`.
    Models,
}

impl Probe {
    /// Every probe, the most telling first: what is left out under a bound is the end of this list.
    pub const ALL: &'static [Self] = &[
        Self::Text,
        Self::ToolCall,
        Self::OutputLimit,
        Self::NotStreamed,
        Self::ParallelCalls,
        Self::Reasoning,
        Self::WrongModel,
        Self::WrongKey,
        Self::Models,
    ];

    /// Its stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::ToolCall => "tool-call",
            Self::OutputLimit => "output-limit",
            Self::NotStreamed => "stream-false",
            Self::ParallelCalls => "parallel-calls",
            Self::Reasoning => "reasoning",
            Self::WrongModel => "wrong-model",
            Self::WrongKey => "wrong-key",
            Self::Models => "models",
        }
    }

    /// Whether an event stream is the answer to it.
    #[must_use]
    pub fn is_streamed(self) -> bool {
        matches!(
            self,
            Self::Text | Self::ToolCall | Self::OutputLimit | Self::ParallelCalls | Self::Reasoning
        )
    }

    /// Whether an HTTP error is the answer to it.
    #[must_use]
    pub fn is_wrong(self) -> bool {
        matches!(self, Self::WrongModel | Self::WrongKey)
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What is sent, and what is not. One probe is one request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plan {
    /// In the order of sending.
    pub probes: Vec<Probe>,
    /// What did not fit.
    pub left_out: Vec<Probe>,
}

impl Plan {
    /// The probes that `requests` are enough for. Where the model has to be asked for first, that is one of them.
    #[must_use]
    pub fn within(requests: usize, asks_for_model: bool) -> Self {
        let mut probes = Probe::ALL.to_vec();
        if asks_for_model {
            // The list comes first, and what it gives is judged as it stands.
            probes.rotate_right(1);
        }
        let left_out = probes.split_off(requests.min(probes.len()));
        Self { probes, left_out }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_leaves_out_the_least_telling() {
        let plan = Plan::within(3, false);
        assert_eq!(
            plan.probes,
            [Probe::Text, Probe::ToolCall, Probe::OutputLimit]
        );
        assert_eq!(plan.left_out.len(), Probe::ALL.len() - 3);
        assert!(Plan::within(99, false).left_out.is_empty());
        assert!(Plan::within(0, false).probes.is_empty());
    }

    #[test]
    fn the_model_is_asked_for_first() {
        let plan = Plan::within(2, true);
        assert_eq!(plan.probes, [Probe::Models, Probe::Text]);
        assert_eq!(Plan::within(99, true).probes.len(), Probe::ALL.len());
    }

    #[test]
    fn names_are_told_apart() {
        let mut names: Vec<&str> = Probe::ALL.iter().map(|probe| probe.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Probe::ALL.len());
    }
}
