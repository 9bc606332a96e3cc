//! Errors, in the stream and as HTTP: DEVIATIONS group 5.

use serde_json::{Value, json};

use super::Turn;
use crate::ev;
use crate::script::Script;

const CODE: &str = "server_error";
const MESSAGE: &str = "The relay failed on purpose.";
/// What no retry can change: for errors that come first, which else might be retried.
const FINAL_CODE: &str = "invalid_prompt";
const FINAL_MESSAGE: &str = "The relay refuses this prompt on purpose.";

/// 5.2.
pub(super) fn flat(turn: &Turn) -> Script {
    Script::stream(&turn.half().push(ev::error_flat(CODE, MESSAGE)))
}

/// 5.2.
pub(super) fn nested(turn: &Turn) -> Script {
    Script::stream(&turn.half().push(ev::error_nested(CODE, MESSAGE)))
}

/// As xAI sends it.
pub(super) fn first_flat(turn: &Turn) -> Script {
    Script::stream(
        &turn
            .stream()
            .push(ev::error_flat(FINAL_CODE, FINAL_MESSAGE)),
    )
}

pub(super) fn first_nested(turn: &Turn) -> Script {
    Script::stream(
        &turn
            .stream()
            .push(ev::error_nested(FINAL_CODE, FINAL_MESSAGE)),
    )
}

/// As the native service ends a response that it cannot answer.
pub(super) fn then_failed(turn: &Turn) -> Script {
    let stream = turn
        .stream()
        .prelude()
        .push(ev::error_nested(FINAL_CODE, FINAL_MESSAGE));
    Script::stream(&stream.push(ev::failed(FINAL_CODE, FINAL_MESSAGE)))
}

pub(super) fn failed(turn: &Turn) -> Script {
    Script::stream(&turn.half().push(ev::failed(CODE, MESSAGE)))
}

pub(super) fn failed_error_null(turn: &Turn) -> Script {
    let failed = ev::failed(CODE, MESSAGE).with("response.error", Value::Null);
    Script::stream(&turn.half().push(failed))
}

/// Only what says that it failed, and why.
pub(super) fn failed_minimal(turn: &Turn) -> Script {
    let response = json!({"status": "failed", "error": {"code": CODE, "message": MESSAGE}});
    let failed = ev::failed(CODE, MESSAGE).with("response", response);
    Script::stream(&turn.half().push(failed))
}

/// 5.2: what is in the frame is an error, and nothing says so but its field.
pub(super) fn first_nested_no_type(turn: &Turn) -> Script {
    let error = ev::error_nested(FINAL_CODE, FINAL_MESSAGE);
    let bare = error
        .no_event_line()
        .without("type")
        .without("sequence_number");
    Script::stream(&turn.stream().push(bare))
}

pub(super) fn failed_first(turn: &Turn) -> Script {
    Script::stream(&turn.stream().push(ev::failed(FINAL_CODE, FINAL_MESSAGE)))
}

/// 5.1 and 5.7: safe to retry, since nothing was delivered.
pub(super) fn overloaded_once(turn: &Turn) -> Script {
    let overloaded = ev::failed(
        "server_is_overloaded",
        "The relay is overloaded on purpose.",
    );
    let stream = if turn.is_first() {
        turn.stream().prelude().push(overloaded)
    } else {
        turn.text()
    };
    Script::stream(&stream)
}

/// 5.10, and an answer that depends on the request.
pub(super) fn http_400_store(turn: &Turn) -> Script {
    if turn.body.get("store").is_none() {
        return Script::stream(&turn.text());
    }
    let code = Some("unsupported_parameter");
    Script::error(
        400,
        "invalid_request_error",
        code,
        "Unsupported parameter: 'store' is not supported by this relay.",
    )
}

pub(super) fn http_401(_: &Turn) -> Script {
    Script::error(
        401,
        "invalid_request_error",
        Some("invalid_api_key"),
        "Incorrect API key provided.",
    )
}

pub(super) fn http_404(_: &Turn) -> Script {
    Script::error(
        404,
        "invalid_request_error",
        Some("unknown_url"),
        "Unknown request URL.",
    )
}

/// 5.4.
pub(super) fn http_429(_: &Turn) -> Script {
    let message = "Rate limit reached for requests. Please try again in 1s.";
    Script::error(429, "requests", Some("rate_limit_exceeded"), message).header("retry-after", "1")
}

pub(super) fn http_429_once(turn: &Turn) -> Script {
    once(turn, http_429)
}

/// 5.5.
pub(super) fn http_429_quota(_: &Turn) -> Script {
    let kind = "insufficient_quota";
    Script::error(
        429,
        kind,
        Some(kind),
        "You exceeded your current quota, please check your plan and billing details.",
    )
}

pub(super) fn http_500(_: &Turn) -> Script {
    Script::error(500, CODE, None, MESSAGE)
}

pub(super) fn http_500_once(turn: &Turn) -> Script {
    once(turn, http_500)
}

pub(super) fn http_503(_: &Turn) -> Script {
    Script::error(
        503,
        CODE,
        Some("server_is_overloaded"),
        "The relay is overloaded on purpose.",
    )
}

fn once(turn: &Turn, bad: fn(&Turn) -> Script) -> Script {
    if turn.is_first() {
        bad(turn)
    } else {
        Script::stream(&turn.text())
    }
}
