//! The result of a turn.

use respair_client::{Outcome, TurnError};
use serde::Deserialize;
use serde_json::value::RawValue;

/// How a turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnswerStatus {
    /// The upstream completed its last response, and nothing is left to call.
    Completed,
    /// The upstream's own `response.incomplete`, after every continuation.
    Incomplete,
    /// An error, the upstream's or ours.
    Failed,
    /// Content came, but no terminal event.
    Truncated,
    /// The user interrupted it.
    Interrupted,
    /// A limit was reached: steps, tokens, calls that fail or repeat themselves.
    Stopped,
}

impl AnswerStatus {
    /// The word used in JSON and in sessions.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Incomplete => "incomplete",
            Self::Failed => "failed",
            Self::Truncated => "truncated",
            Self::Interrupted => "interrupted",
            Self::Stopped => "stopped",
        }
    }
}

/// The result of a turn.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Answer {
    /// How it ended.
    pub status: AnswerStatus,
    /// The answer: text of the last response, and of those that it continues. Never commentary.
    pub text: String,
    /// Why it did not complete.
    pub error: Option<TurnError>,
    /// What ended it, in a sentence, where that is no error of a response: a limit.
    pub message: Option<String>,
    /// The steps that were taken.
    pub steps: u32,
    /// What it took.
    pub totals: Totals,
    /// The items that the turn added, calls and outputs included.
    pub items: Vec<Box<RawValue>>,
    /// The last response's outcome; `None` when no request was made.
    pub last: Option<Box<Outcome>>,
}

/// What turns took, as the upstreams count it. Nothing is estimated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Totals {
    /// Requests that were made.
    pub requests: u32,
    /// Of those, the ones that were given up for breaking the protocol: the user may pay for them.
    pub discarded: u32,
    /// Tokens that went in.
    pub input_tokens: u64,
    /// Tokens that came out.
    pub output_tokens: u64,
    /// Of those, tokens of reasoning.
    pub reasoning_tokens: u64,
    /// Tokens of the last request and its answer whose usage was told: what the context held then.
    pub context_tokens: u64,
    /// Responses whose usage the upstream did not tell.
    pub uncounted: u32,
}

#[derive(Default, Deserialize)]
struct Usage {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    #[serde(default)]
    output_tokens_details: Option<OutputDetails>,
}

#[derive(Default, Deserialize)]
struct OutputDetails {
    reasoning_tokens: Option<u64>,
}

impl Totals {
    /// Adds a response.
    pub fn add(&mut self, outcome: &Outcome) {
        self.requests += outcome.upstream_requests;
        self.discarded += outcome.discarded_requests;
        let usage: Option<Usage> = outcome
            .usage
            .as_ref()
            .and_then(|raw| serde_json::from_str(raw.get()).ok());
        let Some(usage) = usage else {
            // What was refused, or never came, is no response.
            self.uncounted += u32::from(outcome.stream_read);
            return;
        };
        let (input, output) = (
            usage.input_tokens.unwrap_or(0),
            usage.output_tokens.unwrap_or(0),
        );
        self.input_tokens += input;
        self.output_tokens += output;
        let details = usage.output_tokens_details.unwrap_or_default();
        self.reasoning_tokens += details.reasoning_tokens.unwrap_or(0);
        self.context_tokens = input + output;
    }

    /// What was taken since these were counted.
    pub(crate) fn since(&self, before: &Self) -> Self {
        Self {
            requests: self.requests - before.requests,
            discarded: self.discarded - before.discarded,
            input_tokens: self.input_tokens - before.input_tokens,
            output_tokens: self.output_tokens - before.output_tokens,
            reasoning_tokens: self.reasoning_tokens - before.reasoning_tokens,
            context_tokens: self.context_tokens,
            uncounted: self.uncounted - before.uncounted,
        }
    }

    /// Adds another turn.
    pub fn add_turn(&mut self, turn: &Self) {
        self.requests += turn.requests;
        self.discarded += turn.discarded;
        self.input_tokens += turn.input_tokens;
        self.output_tokens += turn.output_tokens;
        self.reasoning_tokens += turn.reasoning_tokens;
        self.uncounted += turn.uncounted;
        if turn.context_tokens > 0 {
            self.context_tokens = turn.context_tokens;
        }
    }
}
