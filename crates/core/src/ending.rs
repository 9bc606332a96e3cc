//! How a stream ended, and what its errors mean for a retry.

use std::fmt;
use std::time::Duration;

use crate::json::{self, Object};
use crate::rules;
use crate::violation::Code;

/// Why no more bytes came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EndOfBody {
    /// The peer ended the body properly.
    Eof,
    /// The connection broke.
    Reset,
    /// A watchdog gave up.
    Timeout,
    /// The caller stopped reading.
    Interrupted,
    /// After an `error` or a terminal event, `limits.drain` passed.
    Drained,
}

impl fmt::Display for EndOfBody {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Eof => "the upstream closed the stream",
            Self::Reset => "the connection broke",
            Self::Timeout => "the upstream went silent",
            Self::Interrupted => "reading was interrupted",
            Self::Drained => "the upstream held the stream open",
        })
    }
}

/// How a stream ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// The upstream completed the response.
    Completed {
        /// It holds neither text nor a call nor any other item.
        empty: bool,
    },
    /// The upstream ended the response before it was whole.
    Incomplete {
        /// `max_output_tokens`, `content_filter`, …
        reason: Option<String>,
    },
    /// The upstream said that it failed, or what it sent cannot be made whole honestly.
    Failed(ResponseError),
    /// Content came, and no terminal event.
    Truncated {
        /// How the body ended.
        cause: EndOfBody,
    },
    /// No content and no terminal event came.
    Empty {
        /// How the body ended.
        cause: EndOfBody,
    },
    /// The body is no event stream.
    NoStream(NoStream),
}

/// Who is at fault for an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorSource {
    /// The upstream said so.
    Upstream,
    /// respair did.
    Local,
}

/// Whether sending the same request again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RetryVerdict {
    /// It can, as long as nothing was delivered.
    Retry,
    /// It can not.
    Never,
}

/// An error within the stream, its fields merged from the flat and the nested shape.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResponseError {
    /// The error's code, as the upstream wrote it.
    pub code: Option<String>,
    /// What the upstream said.
    pub message: String,
    /// The error's type (`server_error`, `invalid_request_error`, …).
    pub kind: Option<String>,
    /// The request's parameter that it is about.
    pub param: Option<String>,
    /// Who is at fault.
    pub source: ErrorSource,
    /// How long the upstream asked to wait.
    pub retry_after: Option<Duration>,
}

impl ResponseError {
    /// An error that respair found itself.
    #[must_use]
    pub fn local(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: Some(code.to_owned()),
            message: message.into(),
            kind: None,
            param: None,
            source: ErrorSource::Local,
            retry_after: None,
        }
    }

    /// Reads an error object as raw JSON: `{"message": …, "code": …, "type": …}`, flat or under `error`, or a string.
    /// `None` when nothing in it says what went wrong.
    #[must_use]
    pub fn from_json(raw: &str) -> Option<Self> {
        if let Some(text) = json::unescape(raw) {
            return (!text.is_empty()).then(|| Self::upstream(None, text.into_owned(), None, None));
        }
        let flat = Object::parse(raw)?;
        Self::merge(flat.present("error"), &flat)
    }

    /// Nested fields first, flat ones where the nested object lacks them (DEVIATIONS 5.2).
    pub(crate) fn merge(nested: Option<&str>, flat: &Object<'_>) -> Option<Self> {
        let inner = nested.and_then(Object::parse).unwrap_or_default();
        let field = |name: &str| {
            let raw = inner.present(name).or_else(|| flat.present(name))?;
            match json::unescape(raw) {
                Some(text) => Some(text.into_owned()),
                None => raw
                    .as_bytes()
                    .first()
                    .is_some_and(u8::is_ascii_digit)
                    .then(|| raw.to_owned()),
            }
        };
        let kind = inner.filled("type").map(std::borrow::Cow::into_owned);
        let message = field("message")
            .or_else(|| {
                nested
                    .and_then(json::unescape)
                    .map(std::borrow::Cow::into_owned)
            })
            .or_else(|| flat.filled("detail").map(std::borrow::Cow::into_owned));
        let code = field("code");
        if message.is_none() && code.is_none() && kind.is_none() {
            return None;
        }
        let message = message.filter(|text| !text.is_empty());
        let message = message
            .or_else(|| code.clone().or_else(|| kind.clone()))
            .unwrap_or_default();
        Some(Self::upstream(code, message, kind, field("param")))
    }

    /// The upstream failed, and did not say why.
    pub(crate) fn unsaid() -> Self {
        Self::upstream(
            None,
            "the upstream failed without saying why".to_owned(),
            None,
            None,
        )
    }

    pub(crate) fn upstream(
        code: Option<String>,
        message: String,
        kind: Option<String>,
        param: Option<String>,
    ) -> Self {
        let retry_after = wait_in_text(&message);
        Self {
            code,
            message,
            kind,
            param,
            source: ErrorSource::Upstream,
            retry_after,
        }
    }

    /// Whether the same request may be sent again while nothing was delivered: on overload, rate limits and server
    /// errors; never on quota, authentication, context length, policy or an invalid request. Known words in the
    /// message count more than a type, which gateways mislabel (DEVIATIONS 5.7, 5.8).
    #[must_use]
    pub fn verdict(&self) -> RetryVerdict {
        let code = self
            .code
            .as_deref()
            .unwrap_or_default()
            .to_ascii_lowercase();
        let kind = self
            .kind
            .as_deref()
            .unwrap_or_default()
            .to_ascii_lowercase();
        let message = self.message.to_ascii_lowercase();
        let says = |words: &[&str]| {
            words
                .iter()
                .any(|word| code.contains(word) || kind.contains(word))
        };
        if says(FINAL_CODES) || FINAL_WORDS.iter().any(|word| message.contains(word)) {
            return RetryVerdict::Never;
        }
        if says(PASSING_CODES) || PASSING_WORDS.iter().any(|word| message.contains(word)) {
            return RetryVerdict::Retry;
        }
        RetryVerdict::Never
    }
}

impl fmt::Display for ResponseError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.code {
            Some(code) if *code != self.message => write!(out, "{code}: {}", self.message),
            _ => out.write_str(&self.message),
        }
    }
}

const FINAL_CODES: &[&str] = &[
    "insufficient_quota",
    "quota_exceeded",
    "usage_limit",
    "usage_not_included",
    "billing",
    "context_length",
    "invalid_prompt",
    "invalid_api_key",
    "authentication",
    "permission",
    "content_filter",
    "content_policy",
    "policy_violation",
    "model_not_found",
    "invalid_encrypted_content",
    "unsupported",
];
const FINAL_WORDS: &[&str] = &[
    "quota",
    "usage limit",
    "billing",
    "context length",
    "context window",
    "maximum context",
    "api key",
    "content policy",
];
const PASSING_CODES: &[&str] = &[
    "rate_limit",
    "overloaded",
    "slow_down",
    "server_error",
    "internal_error",
    "service_unavailable",
    "temporarily_unavailable",
    "timeout",
    "try_again",
    "empty_stream",
    "408",
    "429",
    "500",
    "502",
    "503",
    "504",
    "529",
];
const PASSING_WORDS: &[&str] = &[
    "overloaded",
    "at capacity",
    "rate limit",
    "too many requests",
    "temporarily unavailable",
    "try again in",
];

/// The wait in "try again in 6.57s", "… 120ms", "… 2 minutes".
fn wait_in_text(message: &str) -> Option<Duration> {
    let lower = message.to_ascii_lowercase();
    let rest = lower.split_once("try again in ")?.1.trim_start();
    let digits = rest
        .find(|at: char| !at.is_ascii_digit() && at != '.')
        .unwrap_or(rest.len());
    let amount: f64 = rest[..digits].trim_end_matches('.').parse().ok()?;
    let unit = rest[digits..].trim_start();
    let seconds = match unit {
        _ if unit.starts_with("ms") || unit.starts_with("milli") => amount / 1000.0,
        _ if unit.starts_with('m') => amount * 60.0,
        _ if unit.starts_with('h') => amount * 3600.0,
        _ => amount,
    };
    Duration::try_from_secs_f64(seconds).ok()
}

/// A body that is no event stream.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NoStream {
    /// What it looks like.
    pub kind: NoStreamKind,
    /// Its beginning, on one line, at most 4,000 characters; for HTML its title where it has one. Who shows it cuts it
    /// shorter, and takes secrets out before: their beginning is not known again.
    pub excerpt: String,
    /// The upstream's error, where the body is a JSON error.
    pub error: Option<ResponseError>,
}

/// What a body that is no event stream looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NoStreamKind {
    /// One JSON response object: the upstream did not stream.
    JsonResponse,
    /// A JSON error.
    JsonError,
    /// Other JSON.
    Json,
    /// HTML.
    Html,
    /// Other text.
    Prose,
    /// The event stream of another API: Chat Completions.
    ChatCompletions,
}

impl NoStreamKind {
    /// The code of this finding.
    #[must_use]
    pub fn code(self) -> Code {
        match self {
            Self::JsonResponse | Self::JsonError | Self::Json => rules::JSON_INSTEAD_OF_SSE.code,
            Self::Html => rules::HTML_INSTEAD_OF_SSE.code,
            Self::Prose => rules::NO_STREAM.code,
            Self::ChatCompletions => rules::CHAT_COMPLETION_CHUNKS.code,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn waits_are_read_from_messages() {
        for (text, seconds) in [
            ("Please try again in 6.57s.", 6.57),
            ("try again in 120ms", 0.12),
            ("Try again in 2 minutes", 120.0),
            ("try again in 3.", 3.0),
        ] {
            assert_eq!(
                wait_in_text(text),
                Some(Duration::from_secs_f64(seconds)),
                "{text}"
            );
        }
        assert_eq!(wait_in_text("try again later"), None);
    }

    #[test]
    fn errors_are_merged_from_both_shapes() {
        let raw = r#"{"type":"error","code":"flat","message":"outer","error":{"message":"inner","type":"server_error"}}"#;
        let error = ResponseError::from_json(raw).unwrap();
        assert_eq!(
            (
                error.code.as_deref(),
                error.message.as_str(),
                error.kind.as_deref()
            ),
            (Some("flat"), "inner", Some("server_error"))
        );
        assert!(ResponseError::from_json(r#"{"id":"resp_1","output":[]}"#).is_none());
        assert_eq!(
            ResponseError::from_json(r#"{"error":"nope"}"#)
                .unwrap()
                .message,
            "nope"
        );
    }

    #[test]
    fn verdicts() {
        use RetryVerdict::{Never, Retry};
        for (code, message, verdict) in [
            ("rate_limit_exceeded", "Please try again in 1s", Retry),
            ("server_is_overloaded", "", Retry),
            ("server_error", "", Retry),
            (
                "insufficient_quota",
                "You exceeded your current quota",
                Never,
            ),
            ("rate_limit_exceeded", "Monthly usage limit reached", Never),
            ("context_length_exceeded", "too long", Never),
            ("invalid_request_error", "The service is at capacity", Retry),
            ("invalid_request_error", "Unknown parameter", Never),
        ] {
            let error = ResponseError::upstream(Some(code.into()), message.into(), None, None);
            assert_eq!(error.verdict(), verdict, "{code} {message}");
        }
    }
}
