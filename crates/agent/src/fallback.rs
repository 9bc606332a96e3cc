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

/// How upstreams say that the conversation is too long: OpenAI and what copies it, then llama.cpp, then what stands behind bridges.
const TOO_LONG: &[&str] = &[
    "context_length",
    "context length",
    "context window",
    "maximum context",
    "too many tokens",
    "context size",
    "exceed_context",
    "context_exceeded",
    "context limit",
    "prompt is too long",
    "input is too long",
    "input token count",
    "maximum prompt length",
    "max_prompt_tokens",
    "prompt token count",
    "model token limit",
];

/// How they say that it is paid for no more.
const UNPAID: &[&str] = &[
    "insufficient_quota",
    "billing",
    "usage limit",
    "usage_limit",
    "quota",
    "credit",
    "balance",
];

/// What an error is to an agent, by its status and code first: words mean something only where those leave it open. A limit
/// of tokens a minute is not one of the context, and a function that is called `get_quota` is no bill.
pub(crate) fn trouble(error: &TurnError) -> Trouble {
    let code = error
        .code
        .as_deref()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let words = format!("{code} {}", error.message.to_ascii_lowercase());
    let says = |list: &[&str], text: &str| list.iter().any(|word| text.contains(word));
    if error.source != ErrorSource::Upstream {
        // What we say ourselves: it could not be reached, it sent nothing.
        return match error.retry {
            RetryVerdict::Retry => Trouble::Elsewhere(error.retry_after),
            _ => Trouble::Final,
        };
    }
    let unreadable =
        words.contains("encrypted") && says(&["verified", "decrypt", "parsed"], &words);
    if words.contains("invalid_encrypted_content") || unreadable {
        return Trouble::Reasoning;
    }
    let elsewhere = Trouble::Elsewhere(error.retry_after);
    let limited = error.status == Some(429) || code.contains("rate_limit");
    if !limited && (error.status == Some(413) || says(TOO_LONG, &words)) {
        return Trouble::Context;
    }
    // In a stream there is no status, and 402, 403 and 429 are what unpaid accounts are answered.
    let open = matches!(error.status, None | Some(402 | 403 | 429));
    if says(UNPAID, if open { &words } else { &code }) {
        return elsewhere;
    }
    match (error.status, error.retry) {
        (Some(402 | 429 | 500..), _) | (_, RetryVerdict::Retry) => elsewhere,
        _ => Trouble::Final,
    }
}
