//! Server-sent events and JSON; and what every event carries.

use serde_json::json;

use super::{DELTA, Mutation, bent, framed, says};
use crate::corpus::wire::{self};

pub(super) fn framing() -> Vec<Mutation> {
    vec![
        (
            "byte order mark",
            "bom",
            "",
            framed(|body| format!("\u{feff}{body}")),
        ),
        (
            "byte order mark before data",
            "bom",
            "created-missing",
            framed(|body| {
                format!(
                    "\u{feff}{}",
                    body.replacen("event: response.created\n", "", 1)
                )
            }),
        ),
        (
            "crlf",
            "crlf",
            "",
            framed(|body| body.replace('\n', "\r\n")),
        ),
        ("cr", "bare-cr", "", framed(|body| body.replace('\n', "\r"))),
        (
            "duplicate key",
            "duplicate-key",
            "",
            framed(|body| body.replacen("\"delta\":\"Hel\"", "\"delta\":1,\"delta\":\"Hel\"", 1)),
        ),
        (
            "lone surrogate",
            "lone-surrogate",
            "",
            framed(|body| body.replace("🌍", "\\ud83c")),
        ),
        ("not UTF-8", "invalid-utf8", "invalid-utf8", {
            let mut body = framed(|body| body);
            let at = body.windows(3).position(|three| three == b"Hel").unwrap();
            body[at] = 0xff;
            body
        }),
        (
            "garbage",
            "data-not-json",
            "data-not-json",
            framed(|body| body.replacen("\n\n", "\n\ndata: garbage\n\n", 1)),
        ),
        (
            "empty data",
            "data-empty",
            "data-empty",
            framed(|body| body.replacen("\n\n", "\n\ndata:\n\n", 1)),
        ),
        (
            "only an event name",
            "data-empty",
            "data-empty",
            framed(|body| body.replacen("\n\n", "\n\nevent: ping\n\n", 1)),
        ),
        (
            "only retry",
            "data-empty",
            "data-empty",
            framed(|body| format!("retry: 3000\n\n{body}")),
        ),
        (
            "only an id",
            "data-empty",
            "data-empty",
            framed(|body| format!("id: 1\n\n{body}")),
        ),
        (
            "a comment after an id",
            "data-empty",
            "data-empty",
            framed(|body| format!("id: 1\n{body}: ping\n\n")),
        ),
        (
            "ids alone",
            "",
            "",
            framed(|body| body.replace("event:", "id: 1\nevent:")),
        ),
        (
            "null",
            "data-null",
            "data-null",
            framed(|body| body.replacen("\n\n", "\n\ndata: null\n\n", 1)),
        ),
        (
            "a list",
            "data-not-object",
            "data-not-object",
            framed(|body| body.replacen("\n\n", "\n\ndata: []\n\n", 1)),
        ),
        (
            "a number",
            "data-not-object",
            "data-not-object",
            framed(|body| body.replacen("\n\n", "\n\ndata: 1\n\n", 1)),
        ),
        (
            "no blank line between two",
            "blank-line-missing",
            "data-not-json",
            framed(|body| body.replacen("\n\n", "\n", 1)),
        ),
        (
            "no blank line at the end",
            "final-blank-line-missing",
            "",
            framed(|body| body.trim_end().to_owned()),
        ),
    ]
}

pub(super) fn every_event() -> Vec<Mutation> {
    use wire::text;
    vec![
        (
            "no sequence numbers",
            "sequence-missing",
            "",
            bent(text(), |w| {
                for event in &mut w.events {
                    event["sequence_number"] = json!(null);
                }
            }),
        ),
        (
            "sequence number a string",
            "sequence-missing",
            "",
            says(text(), DELTA, "/sequence_number", json!("4")),
        ),
        (
            "sequence number repeated",
            "sequence-not-increasing",
            "",
            says(text(), DELTA, "/sequence_number", json!(3)),
        ),
        (
            "sequence number zero in the middle",
            "sequence-not-increasing",
            "",
            says(text(), DELTA, "/sequence_number", json!(0)),
        ),
        (
            "wrong event names",
            "event-name-mismatch",
            "",
            framed(|body| body.replace("event: response.created", "event: message")),
        ),
        (
            "no event names",
            "event-name-mismatch",
            "",
            framed(|body| {
                body.lines()
                    .filter(|line| !line.starts_with("event:"))
                    .map(|line| format!("{line}\n"))
                    .collect()
            }),
        ),
        (
            "unknown event",
            "unknown-event",
            "",
            bent(text(), |w| w.after(DELTA, json!({"type": "keepalive"}))),
        ),
        (
            "unknown reasoning event",
            "unknown-event",
            "",
            bent(text(), |w| {
                w.after(
                    DELTA,
                    json!({"type": "response.reasoning.delta", "delta": "hm", "output_index": 7}),
                );
            }),
        ),
    ]
}
