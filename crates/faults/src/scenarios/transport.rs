//! Answers that are no stream, or do not say that they are: DEVIATIONS 1.2, 5.11, 6.8, 6.9.

use serde_json::{Value, json};

use super::Turn;
use crate::ev;
use crate::script::Script;

const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head>\n\
    <body><h1>Sign in to continue</h1></body></html>\n";

pub(super) fn html(_: &Turn) -> Script {
    Script::text(200, "text/html; charset=utf-8", PAGE)
}

pub(super) fn html_as_sse(_: &Turn) -> Script {
    Script::sse().send(PAGE)
}

pub(super) fn json(turn: &Turn) -> Script {
    Script::json(200, &turn.text().response().unwrap_or(Value::Null))
}

pub(super) fn json_error_200(_: &Turn) -> Script {
    let error = json!({"message": "The relay refuses on purpose.", "type": "invalid_request_error", "param": null, "code": null});
    Script::json(200, &json!({"error": error}))
}

pub(super) fn empty_200(_: &Turn) -> Script {
    Script::sse()
}

pub(super) fn comments_only(turn: &Turn) -> Script {
    Script::stream(
        &turn
            .stream()
            .push(ev::comment("keep-alive"))
            .push(ev::comment("keep-alive")),
    )
}

pub(super) fn content_type_json(turn: &Turn) -> Script {
    Script::stream(&turn.text()).set_header("content-type", "application/json")
}

pub(super) fn content_type_missing(turn: &Turn) -> Script {
    Script::stream(&turn.text()).without_header("content-type")
}
