//! An independent judge of Responses API streams, and the real clients beside it. For tests only.
//!
//! Nothing here imports respair's own reading: the oracle is written from the grammar and the profiles alone, so that a
//! mistake in the model or in a rule does not hide itself.
//!
//! - [`judge`]: a whole response body, judged under a [`Profile`];
//! - [`clients`]: pinned third-party clients, asked about a batch of streams;
//! - [`corpus`]: streams to try readers on, conforming and not;
//! - [`skip`]: says that something could not run here.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write as _;

pub mod clients;
pub mod corpus;
mod json;
mod open_responses;
mod openai_sdk;
mod portable;
mod sse;
mod vocabulary;

/// A set of demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// What openai-python 3.54.0's `responses.stream()` raises, endings aside, and changed identities of
    /// `tool_search_call` aside, which the native service makes. Judging stops at the first fault, as the SDK does.
    OpenAiSdk,
    /// What all strict readers need at once. Every fault is given.
    Portable,
    /// The public schema and the MUSTs of the Open Responses specification. Every fault is given.
    OpenResponses,
}

/// Something that the profile does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fault {
    /// The rule's code.
    pub code: &'static str,
    /// Which event, counted from 0 over the blocks that carry data.
    pub event: usize,
    /// What is wrong, for a person.
    pub message: String,
}

impl Fault {
    fn new(code: &'static str, event: usize, message: impl Into<String>) -> Self {
        Self {
            code,
            event,
            message: message.into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} at event {}: {}",
            self.code, self.event, self.message
        )
    }
}

/// How a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terminal {
    /// `response.completed`.
    Completed,
    /// `response.incomplete`.
    Incomplete,
    /// `response.failed`.
    Failed,
    /// An error in the stream, and no terminal event after it.
    Error,
}

/// What an accepted stream said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// The output text deltas, in the order they came.
    pub text: String,
    /// The reasoning text and reasoning summary deltas, in the order they came.
    pub reasoning: String,
    /// The argument (or input) deltas of each call, by its `call_id`.
    pub arguments: BTreeMap<String, String>,
    /// How it ended; `None` for a stream that just stops (never under `portable`).
    pub terminal: Option<Terminal>,
}

/// Judges a whole response body.
///
/// # Errors
/// What the profile does not allow, in the order found; never empty.
pub fn judge(bytes: &[u8], profile: Profile) -> Result<Summary, Vec<Fault>> {
    match profile {
        Profile::OpenAiSdk => openai_sdk::judge(bytes).map_err(|fault| vec![fault]),
        Profile::Portable => portable::judge(bytes),
        Profile::OpenResponses => open_responses::judge(bytes),
    }
}

/// Says that a test, or a part of it, could not run here, and why: on standard error past the test harness's capture,
/// and in the file that `RESPAIR_SKIPS` names, which `cargo xtask test` shows at its end.
pub fn skip(reason: &str) {
    // A message that cannot be written is no reason to fail.
    let _ = writeln!(std::io::stderr(), "SKIPPED {reason}");
    if let Some(path) = std::env::var_os("RESPAIR_SKIPS") {
        let file = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(path);
        let _ = file.map(|mut file| writeln!(file, "{reason}"));
    }
}
