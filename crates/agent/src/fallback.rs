//! What kind of trouble an error is, as far as an agent can do something about it.

use std::time::Duration;

use respair_client::{ErrorSource, RetryVerdict, TurnError};

/// What can be done about an error, by the class of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Encrypted reasoning that this endpoint cannot read: it is asked once without (DEVIATIONS 8.1).
    Reasoning,
    /// The conversation does not fit: it is compacted once.
    Context,
    /// Another endpoint may do it: this one is limited, unpaid or down. How long it asked to be left alone.
    Elsewhere(Option<Duration>),
    /// Nothing.
    Final,
}

/// How upstreams say that the conversation is too long.
const TOO_LONG: &[&str] = &[
    "context_length",
    "context length",
    "context window",
    "maximum context",
    "prompt is too long",
    "too many tokens",
];

/// How they say that it is paid for no more.
const UNPAID: &[&str] = &[
    "insufficient_quota",
    "billing",
    "usage limit",
    "quota",
    "credit",
];

pub(crate) fn trouble(error: &TurnError) -> Trouble {
    let code = error.code.as_deref().unwrap_or_default();
    let words = format!("{code} {}", error.message).to_ascii_lowercase();
    let says = |list: &[&str]| list.iter().any(|word| words.contains(word));
    if error.source != ErrorSource::Upstream {
        // What we say ourselves: it could not be reached, it sent nothing.
        return match error.retry {
            RetryVerdict::Retry => Trouble::Elsewhere(error.retry_after),
            _ => Trouble::Final,
        };
    }
    if words.contains("invalid_encrypted_content")
        || (words.contains("encrypted")
            && ["verified", "decrypt", "parsed"]
                .iter()
                .any(|w| words.contains(w)))
    {
        return Trouble::Reasoning;
    }
    if says(TOO_LONG) {
        return Trouble::Context;
    }
    let status = error.status.unwrap_or(0);
    if matches!(status, 402 | 429 | 500..) || says(UNPAID) || error.retry == RetryVerdict::Retry {
        return Trouble::Elsewhere(error.retry_after);
    }
    Trouble::Final
}
