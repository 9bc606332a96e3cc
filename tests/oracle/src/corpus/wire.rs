//! Conforming streams as lists of events, to be bent and then written.

use serde_json::{Value, json};

/// A stream as a list of events; numbered and framed when written.
#[derive(Clone)]
pub(crate) struct Wire {
    pub(crate) events: Vec<Value>,
}

impl Wire {
    /// The first event of that type.
    pub(crate) fn at(&mut self, kind: &str) -> &mut Value {
        let place = self.place(kind);
        &mut self.events[place]
    }

    /// Where the first event of that type is.
    pub(crate) fn place(&self, kind: &str) -> usize {
        let found = self.events.iter().position(|event| event["type"] == kind);
        found.unwrap_or_else(|| panic!("no {kind}"))
    }

    pub(crate) fn remove(&mut self, kind: &str) -> Value {
        let place = self.place(kind);
        self.events.remove(place)
    }

    /// Removes every event of that type.
    pub(crate) fn without(&mut self, kind: &str) {
        self.events.retain(|event| event["type"] != kind);
    }

    /// Puts an event behind the first of that type.
    pub(crate) fn after(&mut self, kind: &str, event: Value) {
        let place = self.place(kind);
        self.events.insert(place + 1, event);
    }

    /// Takes a field from every event that has it.
    pub(crate) fn strip(&mut self, field: &str) {
        for event in &mut self.events {
            event.as_object_mut().unwrap().remove(field);
        }
    }

    /// The events without a `sequence_number` get theirs; a null stands for none.
    pub(crate) fn numbered(&self) -> Vec<Value> {
        let mut events = self.events.clone();
        for (number, event) in events.iter_mut().enumerate() {
            let Some(fields) = event.as_object_mut() else {
                continue;
            };
            match fields.get("sequence_number") {
                None => drop(fields.insert("sequence_number".to_owned(), json!(number))),
                Some(Value::Null) => drop(fields.remove("sequence_number")),
                Some(_) => {}
            }
        }
        events
    }

    pub(crate) fn write(&self) -> String {
        let block = |event: &Value| {
            format!(
                "event: {}\ndata: {event}\n\n",
                event["type"].as_str().unwrap_or("none")
            )
        };
        self.numbered().iter().map(block).collect()
    }
}

/// A response object.
pub(crate) fn response(status: &str, output: &[Value]) -> Value {
    json!({"id": "resp_1", "object": "response", "created_at": 1_700_000_000, "model": "m", "status": status,
        "output": output, "error": null, "incomplete_details": null, "parallel_tool_calls": true,
        "tool_choice": "auto", "tools": [], "usage": null})
}

fn lifecycle(kind: &str, status: &str, output: &[Value]) -> Value {
    json!({"type": format!("response.{kind}"), "response": response(status, output)})
}

pub(crate) fn message(id: &str, text: &str) -> Value {
    json!({"id": id, "type": "message", "status": "completed", "role": "assistant",
        "content": [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}]})
}

fn added_and_done(index: u64, done: &Value, body: Vec<Value>) -> Vec<Value> {
    let mut added = done.clone();
    for (field, empty) in [
        ("status", json!("in_progress")),
        ("content", json!([])),
        ("summary", json!([])),
    ] {
        if done.get(field).is_some() {
            added[field] = empty;
        }
    }
    for field in ["arguments", "input"] {
        if done[field].is_string() {
            added[field] = json!("");
        }
    }
    let mut events =
        vec![json!({"type": "response.output_item.added", "output_index": index, "item": added})];
    events.extend(body);
    events.push(json!({"type": "response.output_item.done", "output_index": index, "item": done}));
    events
}

/// A part's events: added, deltas, text done, part done.
fn part(index: u64, id: &str, kind: &str, pieces: &[&str]) -> Vec<Value> {
    let (family, at, field, part_family) = match kind {
        "summary_text" => (
            "reasoning_summary_text",
            "summary_index",
            "text",
            "reasoning_summary_part",
        ),
        "refusal" => ("refusal", "content_index", "refusal", "content_part"),
        other => (other, "content_index", "text", "content_part"),
    };
    let whole = pieces.concat();
    let mut events = vec![
        json!({"type": format!("response.{part_family}.added"), "part": {"type": kind, field: ""}}),
    ];
    events.extend(
        pieces
            .iter()
            .map(|delta| json!({"type": format!("response.{family}.delta"), "delta": delta})),
    );
    events.push(json!({"type": format!("response.{family}.done"), field: whole}));
    events.push(json!({"type": format!("response.{part_family}.done"), "part": {"type": kind, field: whole}}));
    for event in &mut events {
        event["item_id"] = json!(id);
        event["output_index"] = json!(index);
        event[at] = json!(0);
        if kind == "output_text" {
            if event["part"].is_object() {
                event["part"]["annotations"] = json!([]);
                event["part"]["logprobs"] = json!([]);
            } else {
                event["logprobs"] = json!([]);
            }
        }
    }
    events
}

pub(crate) fn text_item(index: u64, id: &str, pieces: &[&str]) -> (Value, Vec<Value>) {
    let done = message(id, &pieces.concat());
    let events = added_and_done(index, &done, part(index, id, "output_text", pieces));
    (done, events)
}

fn reasoning_item(index: u64, id: &str, kind: &str, pieces: &[&str]) -> (Value, Vec<Value>) {
    let mut done =
        json!({"id": id, "type": "reasoning", "summary": [], "encrypted_content": "opaque"});
    let list = if kind == "summary_text" {
        "summary"
    } else {
        "content"
    };
    done[list] = json!([{"type": kind, "text": pieces.concat()}]);
    let events = added_and_done(index, &done, part(index, id, kind, pieces));
    (done, events)
}

fn call_item(index: u64, kind: &str, pieces: &[&str]) -> (Value, Vec<Value>) {
    let (field, family) = match kind {
        "function_call" => ("arguments", "function_call_arguments"),
        _ => ("input", "custom_tool_call_input"),
    };
    let id = format!("fc_{index}");
    let done = json!({"id": id, "type": kind, "status": "completed", "name": "f", "call_id": format!("call_{index}"),
        field: pieces.concat()});
    let mut body: Vec<Value> = pieces
        .iter()
        .map(|delta| json!({"type": format!("response.{family}.delta"), "delta": delta}))
        .collect();
    body.push(
        json!({"type": format!("response.{family}.done"), field: pieces.concat(), "name": "f"}),
    );
    for event in &mut body {
        event["item_id"] = json!(id);
        event["output_index"] = json!(index);
    }
    let events = added_and_done(index, &done, body);
    (done, events)
}

/// `created`, `in_progress`, the items one after the other, the terminal.
pub(crate) fn whole(terminal: &str, items: Vec<(Value, Vec<Value>)>) -> Wire {
    let output: Vec<Value> = items.iter().map(|(done, _)| done.clone()).collect();
    let mut events = vec![
        lifecycle("created", "in_progress", &[]),
        lifecycle("in_progress", "in_progress", &[]),
    ];
    events.extend(items.into_iter().flat_map(|(_, events)| events));
    events.push(lifecycle(terminal, terminal, &output));
    Wire { events }
}

/// One message.
pub(crate) fn text() -> Wire {
    whole("completed", vec![text_item(0, "msg_0", &["Hel", "lo 🌍"])])
}

/// Two messages.
pub(crate) fn two() -> Wire {
    whole(
        "completed",
        vec![
            text_item(0, "msg_0", &["one"]),
            text_item(1, "msg_1", &["two"]),
        ],
    )
}

/// A reasoning summary, reasoning text, a message.
pub(crate) fn reasoning() -> Wire {
    whole(
        "completed",
        vec![
            reasoning_item(0, "rs_0", "summary_text", &["think", "ing"]),
            reasoning_item(1, "rs_1", "reasoning_text", &["hard"]),
            text_item(2, "msg_2", &["so"]),
        ],
    )
}

/// A function call, then a custom call.
pub(crate) fn calls() -> Wire {
    whole(
        "completed",
        vec![
            call_item(0, "function_call", &["{\"a\"", ":1}"]),
            call_item(1, "custom_tool_call", &["ls", " -l"]),
        ],
    )
}

/// Two function calls.
pub(crate) fn function_calls() -> Wire {
    whole(
        "completed",
        vec![
            call_item(0, "function_call", &["{}"]),
            call_item(1, "function_call", &["{", "}"]),
        ],
    )
}

/// A refusal.
pub(crate) fn refusal() -> Wire {
    let done = json!({"id": "msg_0", "type": "message", "status": "completed", "role": "assistant",
        "content": [{"type": "refusal", "refusal": "no"}]});
    let events = added_and_done(0, &done, part(0, "msg_0", "refusal", &["n", "o"]));
    whole("completed", vec![(done, events)])
}

/// A hosted tool's item, then a message with an annotation.
pub(crate) fn hosted() -> Wire {
    let call = json!({"id": "ws_0", "type": "web_search_call", "status": "completed"});
    let status = |kind: &str| json!({"type": format!("response.web_search_call.{kind}"), "item_id": "ws_0", "output_index": 0});
    let events = added_and_done(
        0,
        &call,
        vec![
            status("in_progress"),
            status("searching"),
            status("completed"),
        ],
    );
    let mut wire = whole(
        "completed",
        vec![(call, events), text_item(1, "msg_1", &["found"])],
    );
    let annotation = json!({"type": "response.output_text.annotation.added", "item_id": "msg_1", "output_index": 1,
        "content_index": 0, "annotation_index": 0, "annotation": {"type": "url_citation"}});
    wire.after("response.output_text.delta", annotation);
    wire
}

/// Two messages whose events interleave, closed in the other order.
pub(crate) fn interleaved() -> Wire {
    let mut wire = two();
    let first_done = wire.remove("response.output_item.done");
    let last = wire.events.len() - 1;
    wire.events.insert(last, first_done);
    wire
}

/// Cut short by a limit, and said so.
pub(crate) fn incomplete() -> Wire {
    let mut wire = whole("incomplete", vec![text_item(0, "msg_0", &["Hel"])]);
    wire.at("response.incomplete")["response"]["incomplete_details"] =
        json!({"reason": "max_output_tokens"});
    wire
}

/// An error in both shapes, then `response.failed`, with an item left open.
pub(crate) fn failed() -> Wire {
    let mut wire = whole("failed", vec![text_item(0, "msg_0", &["Hel"])]);
    for kind in [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
    ] {
        wire.remove(kind);
    }
    let failed = wire.at("response.failed");
    failed["response"]["output"] = json!([]);
    failed["response"]["error"] = json!({"code": "server_error", "message": "sorry"});
    let error = json!({"type": "error", "code": "server_error", "message": "sorry", "param": null,
        "error": {"type": "server_error", "code": "server_error", "message": "sorry", "param": null}});
    wire.after("response.output_text.delta", error);
    wire
}

/// Every conforming stream, by name.
pub(crate) fn conforming() -> Vec<(&'static str, Wire)> {
    vec![
        ("text", text()),
        ("two", two()),
        ("reasoning", reasoning()),
        ("calls", calls()),
        ("function calls", function_calls()),
        ("refusal", refusal()),
        ("hosted", hosted()),
        ("interleaved", interleaved()),
        ("incomplete", incomplete()),
        ("failed", failed()),
        ("nothing", whole("completed", Vec::new())),
    ]
}
