//! Conforming streams with random damage: events dropped, doubled, swapped; fields dropped, nulled, renamed, retyped.

use proptest::prelude::*;
use respair_faults::{
    Stream, conforming_reasoning_then_text, conforming_text, conforming_tool_call,
};
use serde_json::{Value, json};

/// One damage. Positions are taken modulo what there is.
#[derive(Debug, Clone)]
enum Damage {
    Drop(usize),
    Double(usize),
    Swap(usize),
    Cut(usize),
    DropField(usize, usize),
    SetField(usize, usize, usize),
    DropEverywhere(usize),
    Insert(usize, usize),
    Framing(usize),
}

const PATHS: &[&str] = &[
    "type",
    "sequence_number",
    "response",
    "item",
    "part",
    "delta",
    "text",
    "output_index",
    "content_index",
    "summary_index",
    "item_id",
    "response.id",
    "response.output",
    "response.status",
    "response.model",
    "item.id",
    "item.type",
    "item.content",
    "item.summary",
    "item.call_id",
    "item.name",
    "item.arguments",
    "item.status",
    "item.role",
    "part.type",
    "part.text",
    "arguments",
];

fn values() -> Vec<Value> {
    vec![
        Value::Null,
        json!(0),
        json!(1),
        json!(7),
        json!(""),
        json!("x"),
        json!("other"),
        json!([]),
        json!({}),
        json!("completed"),
        json!("incomplete"),
        json!("failed"),
        json!("function_call"),
        json!("message"),
        json!(-1),
        json!({"text": "t"}),
    ]
}

const INSERTS: &[&str] = &[
    "event: codex.rate_limits\ndata: {\"type\":\"codex.rate_limits\"}\n\n",
    "data: {\"type\":\"keepalive\"}\n\n",
    ": ping\n\n",
    "data: null\n\n",
    "data: oops\n\n",
    "event: error\ndata: {\"type\":\"error\",\"code\":\"server_error\",\"message\":\"boom\"}\n\n",
    "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\" late\"}\n\n",
    "event: response.function_call_arguments.delta\ndata: {\"type\":\"response.function_call_arguments.delta\",\"output_index\":4,\"delta\":\"{}\"}\n\n",
    "data: [DONE]\n\n",
];

fn base() -> impl Strategy<Value = Stream> {
    let several = || {
        Stream::new()
            .prelude()
            .reasoning(["Think", "ing."])
            .message(["One ", "two."])
            .call("look_up", ["{\"q\":", "\"x\"}"])
            .message(["Three."])
            .complete()
    };
    prop_oneof![
        Just(conforming_text(["The ", "answer ", "is 42."])),
        Just(conforming_reasoning_then_text(["Hm", "m."], ["Yes", "."])),
        Just(conforming_tool_call(
            "get_weather",
            ["{\"city\":", "\"Bern\"}"]
        )),
        Just(several()),
    ]
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = 0..64usize;
    let path = 0..PATHS.len();
    prop_oneof![
        at.clone().prop_map(Damage::Drop),
        at.clone().prop_map(Damage::Double),
        at.clone().prop_map(Damage::Swap),
        at.clone().prop_map(Damage::Cut),
        (at.clone(), path.clone()).prop_map(|(at, path)| Damage::DropField(at, path)),
        (at.clone(), path.clone(), 0..64usize)
            .prop_map(|(at, path, value)| Damage::SetField(at, path, value)),
        path.prop_map(Damage::DropEverywhere),
        (at.clone(), 0..INSERTS.len()).prop_map(|(at, which)| Damage::Insert(at, which)),
        (0..4usize).prop_map(Damage::Framing),
    ]
}

/// A body with up to five damages.
pub(crate) fn mutated() -> impl Strategy<Value = Vec<u8>> {
    (base(), proptest::collection::vec(damage(), 0..5))
        .prop_map(|(stream, damages)| apply(&stream, &damages))
}

fn apply(stream: &Stream, damages: &[Damage]) -> Vec<u8> {
    let mut frames: Vec<String> = stream
        .frames()
        .iter()
        .map(|frame| String::from_utf8(frame.to_vec()).unwrap())
        .collect();
    for damage in damages {
        if frames.is_empty() {
            break;
        }
        let count = frames.len();
        match damage {
            Damage::Drop(at) => drop(frames.remove(at % count)),
            Damage::Double(at) => frames.insert(at % count, frames[at % count].clone()),
            Damage::Swap(at) => frames.swap(at % count, (at + 1) % count),
            Damage::Cut(at) => frames.truncate(at % count + 1),
            Damage::DropField(at, path) => edit(&mut frames[at % count], PATHS[*path], None),
            Damage::SetField(at, path, value) => {
                let values = values();
                edit(
                    &mut frames[at % count],
                    PATHS[*path],
                    Some(values[value % values.len()].clone()),
                );
            }
            Damage::DropEverywhere(path) => frames
                .iter_mut()
                .for_each(|frame| edit(frame, PATHS[*path], None)),
            Damage::Insert(at, which) => frames.insert(at % count, INSERTS[*which].to_owned()),
            Damage::Framing(which) => {
                for frame in &mut frames {
                    *frame = match which {
                        0 => frame.replace('\n', "\r\n"),
                        1 => frame
                            .lines()
                            .filter(|line| !line.starts_with("event:"))
                            .map(|line| format!("{line}\n"))
                            .collect(),
                        2 => frame.replace("\n\n", "\n"),
                        _ => frame.replace('\n', "\r"),
                    };
                }
            }
        }
    }
    frames.concat().into_bytes()
}

/// Changes one field of the JSON in a frame, at most two levels deep.
fn edit(frame: &mut String, path: &str, value: Option<Value>) {
    let Some(start) = frame.find("data: ") else {
        return;
    };
    let end = frame[start..]
        .find(['\n', '\r'])
        .map_or(frame.len(), |step| start + step);
    let Ok(mut data) = serde_json::from_str::<Value>(&frame[start + 6..end]) else {
        return;
    };
    let (parent, key) = path
        .rsplit_once('.')
        .map_or((None, path), |(parent, key)| (Some(parent), key));
    let object = match parent {
        Some(parent) => data.get_mut(parent),
        None => Some(&mut data),
    };
    let Some(Value::Object(object)) = object else {
        return;
    };
    if !object.contains_key(key) {
        return;
    }
    match value {
        Some(value) => drop(object.insert(key.to_owned(), value)),
        None => drop(object.remove(key)),
    }
    frame.replace_range(start + 6..end, &data.to_string());
}
