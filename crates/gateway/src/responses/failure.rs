//! What a failure is downstream as long as nothing was sent: the HTTP answer that it stands for (DEVIATIONS 1.8, 5.1).

use std::time::Duration;

use bytes::Bytes;
use hyper::header::HeaderMap;
use hyper::{Response, StatusCode};
use respair_client::TurnError;
use respair_client::wire::{self, Happened, Redactor};
use respair_core::{EndOfBody, Ending, ErrorSource, ResponseError, RetryVerdict};

use crate::ongoing::Ongoing;
use crate::reply::{Body, Refusal, whole};
use crate::{Finish, headers, request};

/// A request that led to no response.
pub(super) struct Failure {
    /// What may be done about it.
    pub(super) happened: Happened,
    /// What the upstream says was wrong with the request, and the status it says it with, or would have.
    pub(super) said: Option<(StatusCode, Bytes)>,
    message: String,
    finish: Finish,
    code: Option<String>,
    answer: Answer,
}

enum Answer {
    /// The upstream's own, with its status and body.
    Theirs {
        status: StatusCode,
        headers: HeaderMap,
        body: Bytes,
    },
    Ours(Refusal),
}

impl Failure {
    /// The upstream refused.
    pub(super) fn refused(
        status: StatusCode,
        headers: &HeaderMap,
        body: Bytes,
        error: &TurnError,
    ) -> Self {
        Self {
            happened: Happened::Failed {
                verdict: error.retry,
                wait: error.retry_after,
            },
            finish: Finish::Failed,
            code: error
                .code
                .clone()
                .or_else(|| Some(format!("http_{}", status.as_u16()))),
            said: Some((status, body.clone())),
            message: error.message.clone(),
            answer: Answer::Theirs {
                status,
                headers: headers::downstream_of_read(headers),
                body,
            },
        }
    }

    /// No connection, no answer in time, or a stream that ended before any output.
    pub(super) fn ours(happened: Happened, finish: Finish, refusal: Refusal) -> Self {
        Self {
            happened,
            finish,
            code: refusal.code.clone(),
            said: None,
            message: refusal.message.clone(),
            answer: Answer::Ours(refusal),
        }
    }

    /// The upstream could not be asked.
    pub(super) fn unreachable(error: &TurnError) -> Self {
        let code = error.code.as_deref().unwrap_or("upstream_unreachable");
        let refusal = Refusal::new(StatusCode::BAD_GATEWAY, code, &error.message);
        let happened = Happened::Failed {
            verdict: error.retry,
            wait: error.retry_after,
        };
        Self::ours(happened, Finish::Failed, refusal)
    }

    /// A stream ended, and nothing of it can be sent.
    pub(super) fn of_ending(ending: &Ending, why: Option<&str>, redactor: &Redactor) -> Self {
        match ending {
            Ending::Failed(error) => Self::of_error(error, Finish::Failed, redactor),
            Ending::NoStream(found) => match &found.error {
                Some(error) => Self::of_error(error, Finish::Failed, redactor),
                None => {
                    let error = wire::no_stream(found, redactor);
                    let message = match &error.hint {
                        Some(hint) => format!("{} ({hint})", error.message),
                        None => error.message.clone(),
                    };
                    let message = redactor.text(&wire::one_line(&message));
                    let code = error.code.as_deref().unwrap_or("no_stream");
                    let happened = Happened::Failed {
                        verdict: RetryVerdict::Never,
                        wait: None,
                    };
                    Self::ours(
                        happened,
                        Finish::NoStream,
                        Refusal::new(StatusCode::BAD_GATEWAY, code, message),
                    )
                }
            },
            Ending::Empty { cause } | Ending::Truncated { cause } => {
                let (code, finish) = match ending {
                    Ending::Truncated { .. } => ("upstream_truncated", Finish::Truncated),
                    _ => ("empty_stream", Finish::Empty),
                };
                let what = if finish == Finish::Truncated {
                    "its end"
                } else {
                    "any output"
                };
                let status = match cause {
                    EndOfBody::Timeout => StatusCode::GATEWAY_TIMEOUT,
                    EndOfBody::Interrupted => StatusCode::SERVICE_UNAVAILABLE,
                    _ => StatusCode::BAD_GATEWAY,
                };
                let message = match why {
                    Some(why) => format!("the upstream's response broke off before {what}: {why}"),
                    None => format!("the upstream's response broke off before {what}: {cause}"),
                };
                let happened = match cause {
                    EndOfBody::Interrupted => Happened::Failed {
                        verdict: RetryVerdict::Never,
                        wait: None,
                    },
                    _ => Happened::Empty,
                };
                Self::ours(happened, finish, Refusal::new(status, code, message))
            }
            _ => {
                let message = "the upstream's response ended in a way that is not known here";
                let happened = Happened::Failed {
                    verdict: RetryVerdict::Never,
                    wait: None,
                };
                Self::ours(
                    happened,
                    Finish::Failed,
                    Refusal::new(StatusCode::BAD_GATEWAY, "unknown_ending", message),
                )
            }
        }
    }

    /// An error in the stream, or in a JSON body that claims success.
    fn of_error(error: &ResponseError, finish: Finish, redactor: &Redactor) -> Self {
        let status = status_of(error);
        let code = error.code.clone().or_else(|| error.kind.clone());
        let verdict = match error.source {
            ErrorSource::Upstream => error.verdict(),
            // What is wrong with the stream is wrong again the next time.
            _ => RetryVerdict::Never,
        };
        let refusal = Refusal {
            kind: error.kind.as_ref().map(|kind| redactor.text(kind)),
            code: code.map(|code| redactor.text(&code)),
            param: error.param.as_ref().map(|param| redactor.text(param)),
            retry_after: error.retry_after,
            ..Refusal::new(status, "", redactor.text(&error.message))
        };
        let happened = Happened::Failed {
            verdict,
            wait: error.retry_after,
        };
        let said = (error.source == ErrorSource::Upstream)
            .then(|| (StatusCode::BAD_REQUEST, request::refusal_of(error)));
        Self {
            said,
            ..Self::ours(happened, finish, refusal)
        }
    }

    /// One sentence about it.
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// Told to the client.
    pub(super) fn response(self, mut ongoing: Ongoing) -> Response<Body> {
        ongoing.record.finish = self.finish;
        ongoing.record.error = self.code;
        match self.answer {
            Answer::Ours(refusal) => {
                let status = refusal.status.as_u16();
                ongoing.copies.answered(status, refusal.json().as_bytes());
                let mut response = refusal.response();
                headers::say_mends(response.headers_mut(), &ongoing.record.request);
                ongoing.told(response)
            }
            Answer::Theirs {
                status,
                headers,
                body,
            } => {
                ongoing.record.bytes = body.len() as u64;
                ongoing.copies.answered(status.as_u16(), &body);
                let mut response = Response::new(whole(body));
                *response.status_mut() = status;
                *response.headers_mut() = headers;
                headers::say_mends(response.headers_mut(), &ongoing.record.request);
                ongoing.told(response)
            }
        }
    }

    /// How long the upstream asks to wait.
    pub(super) fn asked_wait(&self) -> Option<Duration> {
        match self.happened {
            Happened::Failed { wait, .. } => wait,
            _ => None,
        }
    }
}

/// The status that an error in a stream stands for. Known words count more than a type, which relays mislabel
/// (DEVIATIONS 5.7, 5.8).
fn status_of(error: &ResponseError) -> StatusCode {
    if error.source == ErrorSource::Local {
        return StatusCode::BAD_GATEWAY;
    }
    let lower = |text: &Option<String>| text.as_deref().unwrap_or_default().to_ascii_lowercase();
    let (code, kind, message) = (
        lower(&error.code),
        lower(&error.kind),
        error.message.to_ascii_lowercase(),
    );
    let numeric = code
        .parse::<u16>()
        .ok()
        .filter(|status| (400..600).contains(status));
    if let Some(status) = numeric.and_then(|status| StatusCode::from_u16(status).ok()) {
        return status;
    }
    let says = |words: &[&str]| {
        words
            .iter()
            .any(|word| code.contains(word) || kind.contains(word))
    };
    let tells = |words: &[&str]| words.iter().any(|word| message.contains(word));
    let number = if says(&["overloaded", "slow_down", "unavailable", "at_capacity"])
        || tells(&["at capacity", "overloaded"])
    {
        503
    } else if says(&[
        "rate_limit",
        "quota",
        "usage_limit",
        "usage_not_included",
        "billing",
        "too_many_requests",
    ]) {
        429
    } else if says(&["invalid_api_key", "authentication", "unauthorized"]) {
        401
    } else if says(&["permission", "forbidden"]) {
        403
    } else if says(&["model_not_found", "not_found"]) {
        404
    } else if says(&["timeout"]) {
        504
    } else if says(&[
        "context_length",
        "invalid",
        "unsupported",
        "content_filter",
        "content_policy",
        "policy_violation",
    ]) {
        400
    } else if tells(&["rate limit", "too many requests"]) {
        429
    } else {
        500
    };
    StatusCode::from_u16(number).unwrap_or(StatusCode::BAD_GATEWAY)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn status(error: &str) -> u16 {
        status_of(&ResponseError::from_json(error).unwrap()).as_u16()
    }

    #[test]
    fn errors_stand_for_statuses() {
        for (error, expected) in [
            (r#"{"code":"server_is_overloaded","message":"x"}"#, 503),
            (r#"{"code":"slow_down","message":"x"}"#, 503),
            (
                r#"{"error":{"type":"invalid_request_error","message":"The service is at capacity"}}"#,
                503,
            ),
            (
                r#"{"code":"rate_limit_exceeded","message":"try again in 6.57s"}"#,
                429,
            ),
            (r#"{"code":"insufficient_quota","message":"x"}"#, 429),
            (r#"{"code":"invalid_api_key","message":"x"}"#, 401),
            (
                r#"{"error":{"type":"permission_error","message":"x"}}"#,
                403,
            ),
            (r#"{"code":"model_not_found","message":"x"}"#, 404),
            (r#"{"code":"context_length_exceeded","message":"x"}"#, 400),
            (r#"{"code":"invalid_prompt","message":"x"}"#, 400),
            (r#"{"code":529,"message":"x"}"#, 529),
            (r#"{"code":"server_error","message":"x"}"#, 500),
            (r#"{"message":"something else"}"#, 500),
        ] {
            assert_eq!(status(error), expected, "{error}");
        }
        assert_eq!(
            status_of(&ResponseError::local("oversized", "x")).as_u16(),
            502
        );
    }
}
