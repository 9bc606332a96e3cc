//! What a turn gives: its events while it runs, and the [`Outcome`] at the end.

use std::time::Duration;

use respair_core::{Code, Repair, Violation};
use serde_json::value::RawValue;

use crate::TurnError;

/// One thing that happened in a turn, in order. [`TurnEvent::Finished`] comes exactly once, last.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TurnEvent {
    /// The turn begins; always the first event.
    #[non_exhaustive]
    Started {
        /// The model asked for.
        model: String,
        /// The base URL, without user name, password and query.
        endpoint: String,
        /// The provider's name as configured.
        provider: String,
    },
    /// A piece of the answer, as soon as its bytes came.
    Text(String),
    /// A piece of what the model says while it works: text of a message whose phase is `commentary` or `analysis`. It is
    /// never a part of the answer.
    Commentary(String),
    /// A piece of the reasoning, or of its summary.
    Reasoning(String),
    /// An output item was opened: a call has its name from here on, its arguments follow.
    #[non_exhaustive]
    ItemAdded {
        /// The item, as it came.
        item: Box<RawValue>,
        /// Its place in the output.
        output_index: u64,
    },
    /// A piece of a call's arguments, or of a custom call's input.
    #[non_exhaustive]
    Arguments {
        /// The text that was added.
        text: String,
        /// The place of its item in the output.
        output_index: u64,
    },
    /// An output item is whole.
    ItemDone(Box<RawValue>),
    /// Something went wrong and the turn goes on.
    #[non_exhaustive]
    Recovery {
        /// What is done about it.
        action: RecoveryAction,
        /// The rule's or the error's code.
        code: Option<String>,
        /// The rule's or the error's sentence, on one line.
        message: Option<String>,
        /// The HTTP status of an answer that was no success.
        status: Option<u16>,
        /// The position of the event that broke the rule.
        event: Option<u64>,
        /// The request that the action concerns, counted from 1: the next one for a retry, the one in hand otherwise.
        attempt: u32,
        /// How many requests the turn may make.
        max_requests: u32,
        /// How long the retry waits.
        wait: Option<Duration>,
    },
    /// A remark for the user.
    Notice(String),
    /// The turn is over.
    Finished(Box<Outcome>),
}

/// What a [`TurnEvent::Recovery`] does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecoveryAction {
    /// The request is sent again.
    Retry,
    /// A violated prelude came again: the tolerant reading begins, in the stream in hand or with one more request.
    Fallback,
    /// Another rule was broken: the tolerant reading goes on in place.
    Takeover,
    /// An earlier turn learnt that this endpoint breaks the protocol: this one reads tolerantly from its first byte.
    Remembered,
    /// The upstream refused a field of the request by name: the request goes out again without it, here and later.
    FieldDropped,
}

impl RecoveryAction {
    /// The word used in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Fallback => "fallback",
            Self::Takeover => "takeover",
            Self::Remembered => "remembered",
            Self::FieldDropped => "field_dropped",
        }
    }
}

/// How a turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TurnStatus {
    /// The upstream completed its response.
    Completed,
    /// The upstream's own `response.incomplete`.
    Incomplete,
    /// An error, the upstream's or ours.
    Failed,
    /// Content came, but no terminal event.
    Truncated,
    /// Cancelled by the caller.
    Interrupted,
}

impl TurnStatus {
    /// The word used in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Incomplete => "incomplete",
            Self::Failed => "failed",
            Self::Truncated => "truncated",
            Self::Interrupted => "interrupted",
        }
    }
}

/// Which reading gave the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// Strict, to the end.
    Strict,
    /// Tolerant, from the first byte or from the event where it took over.
    Tolerant,
}

impl Path {
    /// The word used in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Tolerant => "tolerant",
        }
    }
}

/// The result of a turn. Text and items are what was delivered, also when the turn did not complete.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// How it ended.
    pub status: TurnStatus,
    /// The response's id.
    pub response_id: Option<String>,
    /// The upstream's own id, where it came only after one had been made up.
    pub upstream_response_id: Option<String>,
    /// The model that the upstream names.
    pub model: Option<String>,
    /// The answer: text of messages whose phase is not `commentary` or `analysis`.
    pub text: String,
    /// What the model said while it worked.
    pub commentary: String,
    /// The reasoning.
    pub reasoning: String,
    /// The output items, as sent or backfilled.
    pub output: Vec<Box<RawValue>>,
    /// The usage as the upstream reports it; never made up.
    pub usage: Option<Box<RawValue>>,
    /// Why it did not complete. `None` for completed and incomplete turns, and for interrupted ones.
    pub error: Option<TurnError>,
    /// The upstream's reason for `response.incomplete`.
    pub incomplete_reason: Option<String>,
    /// The upstream completed a response that holds nothing.
    pub empty_completion: bool,
    /// How many requests were made.
    pub upstream_requests: u32,
    /// How many of them were given up for breaking the protocol: the user may pay for those.
    pub discarded_requests: u32,
    /// The reading that gave the result.
    pub path: Path,
    /// The turn started tolerant because of an earlier one.
    pub remembered: bool,
    /// Events came. Without any there was nothing to read, and `path` says only how it would have been read.
    pub stream_read: bool,
    /// The rules that were switched off ([`Recovery::without`](crate::Recovery::without)): what they demand was not looked
    /// at, and is not guaranteed.
    pub without: Vec<Code>,
    /// The rules that were broken, those of discarded requests first.
    pub violations: Vec<Violation>,
    /// The repairs that were made.
    pub repairs: Vec<Repair>,
}
