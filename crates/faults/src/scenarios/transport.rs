//! Answers that are no stream, or do not say that they are: DEVIATIONS 1.2, 5.11, 6.8, 6.9.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::Turn;
use crate::ev::{self, CREATED_AT};
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

/// The same as an event stream.
pub(super) fn sse_ct_json_error(turn: &Turn) -> Script {
    json_error_200(turn).set_header("content-type", "text/event-stream")
}

/// 6.6: another protocol.
pub(super) fn chat_chunks(turn: &Turn) -> Script {
    let chunk = |delta: Value, finish: Value| {
        ev::data(
            &json!({
                "id": "chatcmpl-relay", "object": "chat.completion.chunk", "created": CREATED_AT, "model": turn.model,
                "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
            })
            .to_string(),
        )
    };
    let said = turn
        .words
        .text()
        .map(|text| chunk(json!({"content": text}), Value::Null));
    let evs = [chunk(json!({"role": "assistant"}), Value::Null)]
        .into_iter()
        .chain(said);
    let end = [chunk(json!({}), "stop".into()), ev::done_sentinel()];
    Script::stream(&turn.stream().extend(evs.chain(end)))
}

/// The conforming stream compressed, whether or not the request allows it.
pub(super) fn gzip_sse(turn: &Turn) -> Script {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // Writing into a vector does not fail.
    let _ = encoder.write_all(&turn.text().to_bytes());
    let body = encoder.finish().unwrap_or_default();
    Script::sse().header("content-encoding", "gzip").send(body)
}

pub(super) fn content_type_plain(turn: &Turn) -> Script {
    Script::stream(&turn.text()).set_header("content-type", "text/plain; charset=utf-8")
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
