//! Text that an item or a part is added with (DEVIATIONS 3.6): it comes out once, as deltas, whether the upstream says
//! it again or not.

use respair_core::{Ending, Profile};
use serde_json::{Value, json};

use crate::events::{arguments, body, call, completed, created, delta, done, message, part};
use crate::regressions::healed;
use crate::run::tolerant;

fn added_with(text: &str) -> Value {
    let mut item = message("msg_1", text);
    item["status"] = json!("in_progress");
    json!({ "type": "response.output_item.added", "output_index": 0, "item": item })
}

fn part_with(text: &str) -> Value {
    let mut event = part(0, "msg_1", 0);
    event["part"]["text"] = json!(text);
    event
}

fn text_done(text: &str) -> Value {
    json!({ "type": "response.output_text.done", "output_index": 0, "item_id": "msg_1", "content_index": 0, "text": text,
        "logprobs": [] })
}

/// A message whose events between `created` and `completed` are these, with this `output`.
fn stream(middle: &[Value], output: Value) -> Vec<Value> {
    let mut events = vec![created()];
    events.extend_from_slice(middle);
    events.push(completed(output));
    events
}

#[test]
fn text_comes_once() {
    let whole = message("msg_1", "Hello");
    let empty = || {
        let mut event = added_with("");
        event["item"]["content"] = json!([]);
        event
    };
    for (name, middle, output, text) in [
        (
            "the item, then its deltas",
            vec![
                added_with("Hello"),
                delta(0, "msg_1", "Hel"),
                delta(0, "msg_1", "lo"),
                done(0, &whole),
            ],
            json!([whole]),
            "Hello",
        ),
        (
            "item and part, then its delta",
            vec![
                added_with("Hello"),
                part_with("Hello"),
                delta(0, "msg_1", "Hello"),
                text_done("Hello"),
                done(0, &whole),
            ],
            json!([whole]),
            "Hello",
        ),
        (
            "the part, then its delta",
            vec![
                empty(),
                part_with("Hello"),
                delta(0, "msg_1", "Hello"),
                done(0, &whole),
            ],
            json!([]),
            "Hello",
        ),
        (
            "the part, which goes on",
            vec![
                empty(),
                part_with("Hello"),
                delta(0, "msg_1", " you"),
                text_done("Hello you"),
                done(0, &message("msg_1", "Hello you")),
            ],
            json!([]),
            "Hello you",
        ),
        (
            "the part, then more than it",
            vec![
                empty(),
                part_with("Hel"),
                delta(0, "msg_1", "Hello"),
                text_done("Hello"),
            ],
            json!([]),
            "Hello",
        ),
        (
            "the item alone",
            vec![added_with("Hello")],
            json!([]),
            "Hello",
        ),
        (
            "the item alone, listed",
            vec![added_with("Hello")],
            json!([whole]),
            "Hello",
        ),
        (
            "the item and its done",
            vec![added_with("Hello"), done(0, &whole)],
            json!([]),
            "Hello",
        ),
        (
            "the item, and a done without content",
            vec![
                added_with("Hello"),
                done(
                    0,
                    &json!({ "type": "message", "id": "msg_1", "role": "assistant", "status": "completed" }),
                ),
            ],
            json!([]),
            "Hello",
        ),
        (
            "the part, and a done without text",
            vec![empty(), part_with("Hello"), text_done("")],
            json!([]),
            "Hello",
        ),
    ] {
        let outcome = healed(&stream(&middle, output), text);
        let named = outcome
            .repairs
            .iter()
            .any(|repair| repair.code.as_str() == "prefilled-added");
        assert!(named, "{name}: {:?}", outcome.repairs);
        assert!(
            matches!(outcome.ending, Some(Ending::Completed { .. })),
            "{name}"
        );
    }
}

#[test]
fn reasoning_comes_once() {
    let item = json!({ "type": "reasoning", "id": "rs_1", "summary": [{ "type": "summary_text", "text": "Because." }] });
    let summary = |text: &str| {
        json!({ "type": "response.reasoning_summary_text.delta", "output_index": 0, "item_id": "rs_1",
        "summary_index": 0, "delta": text })
    };
    let added = json!({ "type": "response.output_item.added", "output_index": 0, "item": item });
    for middle in [
        vec![added.clone(), summary("Because."), done(0, &item)],
        vec![added.clone(), done(0, &item)],
        vec![added],
    ] {
        let outcome = healed(&stream(&middle, json!([])), "");
        assert_eq!(outcome.reasoning, "Because.");
    }
}

#[test]
fn arguments_come_once() {
    let whole = call("fc_1", r#"{"a":1}"#);
    let mut open = whole.clone();
    open["status"] = json!("in_progress");
    let added = json!({ "type": "response.output_item.added", "output_index": 0, "item": open });
    let some = |text: &str| {
        let mut event = arguments("delta", "delta", text);
        (event["item_id"], event["output_index"]) = (json!("fc_1"), json!(0));
        event
    };
    let mut begun = added.clone();
    begun["item"]["arguments"] = json!("{\"a\"");
    for (name, middle) in [
        (
            "then its deltas",
            vec![added.clone(), some("{\"a\""), some(":1}"), done(0, &whole)],
        ),
        ("then its done", vec![added.clone(), done(0, &whole)]),
        ("alone", vec![added]),
        (
            "begun, and going on",
            vec![begun, some(":1}"), done(0, &whole)],
        ),
    ] {
        let outcome = healed(&stream(&middle, json!([])), "");
        assert_eq!(outcome.arguments, r#"{"a":1}"#, "{name}");
        assert!(
            matches!(outcome.ending, Some(Ending::Completed { .. })),
            "{name}"
        );
    }
}

/// What waited is not lost when the stream is cut.
#[test]
fn a_cut_stream_keeps_it() {
    for middle in [
        vec![created(), added_with("Hello")],
        vec![created(), added_with("Hello"), part_with("Hello")],
    ] {
        let outcome = tolerant(Profile::Portable, &body(&middle));
        assert_eq!(outcome.text, "Hello");
        assert!(
            matches!(outcome.ending, Some(Ending::Truncated { .. })),
            "{:?}",
            outcome.ending
        );
    }
}
