//! Every bound of a turn, with its reason.

use std::time::Duration;

/// The bounds of one turn of the user's. Passing one ends the turn with a sentence that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Requests that one turn may need, recovery not counted (`agent.max_steps`, 90).
    pub steps: u32,
    /// Tokens that one turn may use, as the upstreams count them (`agent.max_tokens`; 0 is no bound).
    pub tokens: u64,
    /// How often each response that is truncated is asked for again (`agent.retry_truncated`, 1): never after a tool of it
    /// ran, and within the endpoint's `recovery.max_requests`.
    pub retry_truncated: u32,
    /// How often an incomplete response is continued (`agent.continue_incomplete`, 3).
    pub continuations: u32,
    /// Steps in a row in which no call could be run: unknown tools, arguments that are no object.
    pub failed_steps: u32,
    /// Responses in a row with the same calls and results: then the model is told, and after one more the turn ends. Calls
    /// that take turns, none of them with a new result, may do so for twice as many.
    pub repeats: u32,
    /// Calls that run at the same time, where their tools allow it.
    pub parallel: usize,
    /// Calls of one response. A model that asks for more is told so.
    pub calls: usize,
    /// How long an endpoint that was limited, unpaid or down is left alone, where it does not ask for longer.
    pub cool_down: Duration,
    /// How long it is left alone at most: a quota may be raised before the day that the upstream names.
    pub longest_rest: Duration,
    /// How long an endpoint that asks to be left alone is waited for where another one can be asked at once. The last one is
    /// waited for as `run` does.
    pub patience: Duration,
    /// Exchanges that a compaction keeps as they are.
    pub kept_exchanges: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            steps: 90,
            tokens: 0,
            retry_truncated: 1,
            continuations: 3,
            failed_steps: 3,
            repeats: 5,
            parallel: 8,
            calls: 256,
            cool_down: Duration::from_secs(60),
            longest_rest: Duration::from_secs(3600),
            // As long as our own pace makes a wait at most.
            patience: Duration::from_secs(8),
            kept_exchanges: 2,
        }
    }
}
