//! Streams written as JSON values: what a test sends, event by event.

use serde_json::{Value, json};

/// A body of these events, numbered from 0.
pub(crate) fn body(events: &[Value]) -> Vec<u8> {
    let frame = |(number, event): (usize, &Value)| {
        let mut event = event.clone();
        if event.get("sequence_number").is_none() {
            event["sequence_number"] = json!(number);
        }
        format!(
            "event: {}\ndata: {event}\n\n",
            event["type"].as_str().unwrap()
        )
    };
    events
        .iter()
        .enumerate()
        .map(frame)
        .collect::<String>()
        .into_bytes()
}

pub(crate) fn response(kind: &str, status: &str, output: Value) -> Value {
    json!({ "type": format!("response.{kind}"), "response": {
        "id": "resp_1", "object": "response", "created_at": 1, "model": "m", "status": status, "output": output } })
}

pub(crate) fn created() -> Value {
    response("created", "in_progress", json!([]))
}

pub(crate) fn completed(output: Value) -> Value {
    response("completed", "completed", output)
}

pub(crate) fn message(id: &str, text: &str) -> Value {
    json!({ "type": "message", "id": id, "role": "assistant", "status": "completed",
        "content": [{ "type": "output_text", "text": text, "annotations": [] }] })
}

pub(crate) fn call(id: &str, arguments: &str) -> Value {
    json!({ "type": "function_call", "id": id, "call_id": format!("call_{id}"), "name": "f", "status": "completed",
        "arguments": arguments })
}

pub(crate) fn added(index: u64, item: &Value) -> Value {
    let mut item = item.clone();
    item["status"] = json!("in_progress");
    match item["type"].as_str() {
        Some("message") => item["content"] = json!([]),
        _ => item["arguments"] = json!(""),
    }
    json!({ "type": "response.output_item.added", "output_index": index, "item": item })
}

pub(crate) fn done(index: u64, item: &Value) -> Value {
    json!({ "type": "response.output_item.done", "output_index": index, "item": item })
}

pub(crate) fn part(index: u64, id: &str, content_index: u64) -> Value {
    json!({ "type": "response.content_part.added", "output_index": index, "item_id": id, "content_index": content_index,
        "part": { "type": "output_text", "text": "", "annotations": [] } })
}

pub(crate) fn delta(index: u64, id: &str, text: &str) -> Value {
    json!({ "type": "response.output_text.delta", "output_index": index, "item_id": id, "content_index": 0, "delta": text,
        "logprobs": [] })
}

pub(crate) fn arguments(kind: &str, field: &str, text: &str) -> Value {
    json!({ "type": format!("response.function_call_arguments.{kind}"), field: text })
}
