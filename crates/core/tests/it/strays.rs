//! Text under names that nobody knows, and said once more where it belongs: it goes out once.

use respair_core::{Ending, Profile};
use serde_json::{Value, json};

use crate::events::{added, arguments, body, call, completed, created, delta, done, message, part};
use crate::regressions::healed;
use crate::run::tolerant;

fn text_done(index: u64, id: &str, text: &str) -> Value {
    json!({ "type": "response.output_text.done", "output_index": index, "item_id": id, "content_index": 0, "text": text,
        "logprobs": [] })
}

fn part_done(index: u64, id: &str, content_index: u64, text: &str) -> Value {
    json!({ "type": "response.content_part.done", "output_index": index, "item_id": id, "content_index": content_index,
        "part": { "type": "output_text", "text": text, "annotations": [] } })
}

fn end(text: &str) -> [Value; 3] {
    [
        part_done(0, "msg_1", 0, text),
        done(0, &message("msg_1", text)),
        completed(json!([message("msg_1", text)])),
    ]
}

fn stream(middle: Vec<Value>, text: &str) -> Vec<Value> {
    let mut events = vec![
        created(),
        added(0, &message("msg_1", "")),
        part(0, "msg_1", 0),
    ];
    events.extend(middle);
    events.extend(end(text));
    events
}

#[test]
fn deltas_that_name_no_item_are_the_ones_that_the_done_event_says() {
    let stray = vec![delta(7, "other", "Hello"), text_done(0, "msg_1", "Hello")];
    healed(&stream(stray, "Hello"), "Hello");
    // Only the last of them went astray.
    let stray = vec![
        delta(0, "msg_1", "Hel"),
        delta(7, "other", "lo"),
        text_done(0, "msg_1", "Hello"),
    ];
    healed(&stream(stray, "Hello"), "Hello");
    // Its item says it for the first time.
    let events = [
        created(),
        added(0, &message("msg_1", "")),
        delta(7, "other", "Hello"),
        done(0, &message("msg_1", "Hello")),
        completed(json!([message("msg_1", "Hello")])),
    ];
    healed(&events, "Hello");
}

#[test]
fn deltas_of_an_unknown_part_are_the_ones_that_the_done_event_says() {
    let mut stray = delta(0, "msg_1", "Hello");
    stray["content_index"] = json!(7);
    healed(
        &stream(vec![stray, text_done(0, "msg_1", "Hello")], "Hello"),
        "Hello",
    );
}

#[test]
fn a_calls_deltas_that_name_none_are_the_ones_that_its_done_event_says() {
    let item = call("fc_1", "{}");
    let mut stray = arguments("delta", "delta", "{}");
    stray["output_index"] = json!(7);
    let mut whole = arguments("done", "arguments", "{}");
    whole["output_index"] = json!(0);
    whole["item_id"] = json!("fc_1");
    let events = [
        created(),
        added(0, &item),
        stray,
        whole,
        done(0, &item),
        completed(json!([item])),
    ];
    let outcome = healed(&events, "");
    assert_eq!(outcome.arguments, "{}");
    assert!(matches!(outcome.ending, Some(Ending::Completed { .. })));
}

#[test]
fn the_same_words_in_an_item_of_their_own_are_said_again() {
    let second = [
        added(1, &message("msg_2", "")),
        part(1, "msg_2", 0),
        delta(1, "msg_2", "OK"),
        text_done(1, "msg_2", "OK"),
        part_done(1, "msg_2", 0, "OK"),
        done(1, &message("msg_2", "OK")),
    ];
    let mut events = vec![
        created(),
        added(0, &message("msg_1", "")),
        done(0, &message("msg_1", "OK")),
    ];
    events.extend(second);
    events.push(completed(json!([
        message("msg_1", "OK"),
        message("msg_2", "OK")
    ])));
    healed(&events, "OKOK");
}

#[test]
fn deltas_behind_the_item_that_said_them_are_dropped_whatever_form_they_have() {
    let late = [
        json!({ "type": "response.output_text.delta", "output_index": 0, "item_id": "msg_1", "content_index": 0,
            "delta": { "text": "Hello" }, "logprobs": [] }),
        delta(7, "other", "Hello"),
    ];
    for late in late {
        let events = [
            created(),
            added(0, &message("msg_1", "")),
            part(0, "msg_1", 0),
            done(0, &message("msg_1", "Hello")),
            late,
            completed(json!([message("msg_1", "Hello")])),
        ];
        healed(&events, "Hello");
    }
}

#[test]
fn a_part_that_is_added_again_while_it_is_open_is_the_same_part() {
    for text in ["", "Hello"] {
        let mut again = part(0, "msg_1", 0);
        again["part"]["text"] = json!(text);
        let before_done = vec![
            delta(0, "msg_1", "Hello"),
            again.clone(),
            text_done(0, "msg_1", "Hello"),
        ];
        healed(&stream(before_done, "Hello"), "Hello");
        let behind_done = vec![
            delta(0, "msg_1", "Hello"),
            text_done(0, "msg_1", "Hello"),
            again,
        ];
        healed(&stream(behind_done, "Hello"), "Hello");
    }
}

#[test]
fn a_part_done_under_a_wrong_index_is_the_open_part_that_says_its_words() {
    let events = [
        created(),
        added(0, &message("msg_1", "")),
        part(0, "msg_1", 0),
        delta(0, "msg_1", "Hello"),
        text_done(0, "msg_1", "Hello"),
        part_done(0, "msg_1", 7, "Hello"),
        done(0, &message("msg_1", "Hello")),
        completed(json!([message("msg_1", "Hello")])),
    ];
    healed(&events, "Hello");
}

#[test]
fn what_an_item_was_taken_for_it_stays() {
    // No index, and two ids for what could only be one message: its done event does not say it again.
    let mut events = vec![
        created(),
        delta(0, "msg_1", "One"),
        delta(0, "msg_2", "Two"),
        done(0, &message("msg_1", "One")),
        done(0, &message("msg_2", "Two")),
        completed(json!([message("msg_1", "One"), message("msg_2", "Two")])),
    ];
    for event in &mut events {
        event.as_object_mut().unwrap().remove("output_index");
    }
    healed(&events, "OneTwo");
}

#[test]
fn a_refusals_part_that_is_added_as_null_is_a_refusal() {
    let refused = json!({ "type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
        "content": [{ "type": "refusal", "refusal": "No." }] });
    let place = json!({ "output_index": 0, "item_id": "msg_1", "content_index": 0 });
    let with = |kind: &str, field: &str, value: Value| {
        let mut event = place.clone();
        event["type"] = json!(format!("response.{kind}"));
        event[field] = value;
        event
    };
    let events = [
        created(),
        added(0, &refused),
        with("content_part.added", "part", Value::Null),
        with("refusal.delta", "delta", json!("No.")),
        with("refusal.done", "refusal", json!("No.")),
        with(
            "content_part.done",
            "part",
            json!({ "type": "refusal", "refusal": "No." }),
        ),
        done(0, &refused),
        completed(json!([refused])),
    ];
    let outcome = tolerant(Profile::Portable, &body(&events));
    let out = String::from_utf8_lossy(&outcome.out).into_owned();
    assert!(!out.contains("output_text"), "{out}");
    let said = out.matches("\"delta\":\"No.\"").count();
    assert_eq!((outcome.text.as_str(), said), ("No.", 1), "{out}");
}

#[test]
fn a_failed_responses_output_is_put_in_order() {
    let mut failed = crate::events::response(
        "failed",
        "failed",
        json!([
            message("msg_2", "Two"),
            { "type": "message", "id": "msg_1", "content": [{ "type": "output_text", "text": "One" }] }
        ]),
    );
    failed["response"]["error"] = json!({ "code": "server_error", "message": "no" });
    let mut events = vec![created()];
    for (index, id, text) in [(0, "msg_1", "One"), (1, "msg_2", "Two")] {
        events.extend([
            added(index, &message(id, "")),
            part(index, id, 0),
            delta(index, id, text),
            text_done(index, id, text),
            part_done(index, id, 0, text),
            done(index, &message(id, text)),
        ]);
    }
    events.push(failed);
    let outcome = healed(&events, "OneTwo");
    let out = String::from_utf8_lossy(&outcome.out).into_owned();
    let last = out
        .lines()
        .rfind(|line| line.contains("response.failed\""))
        .unwrap();
    let last: Value = serde_json::from_str(last.strip_prefix("data: ").unwrap()).unwrap();
    let output = last["response"]["output"].as_array().unwrap();
    assert_eq!(output, &[message("msg_1", "One"), message("msg_2", "Two")]);
}

#[test]
fn an_item_that_changes_its_type_loses_the_fields_of_the_old_one() {
    let wrong = json!({ "type": "message", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": "{}",
        "role": "assistant", "status": "completed", "content": [] });
    let outcome = healed(&[created(), done(0, &wrong), completed(json!([wrong]))], "");
    let out = String::from_utf8_lossy(&outcome.out).into_owned();
    assert!(!out.contains("arguments"), "{out}");
}

#[test]
fn what_waits_is_sent_before_an_error() {
    let mut prefilled = part(0, "msg_1", 0);
    prefilled["part"]["text"] = json!("Hel");
    let error =
        json!({ "type": "error", "code": "server_error", "message": "boom", "param": null });
    let events = [created(), added(0, &message("msg_1", "")), prefilled, error];
    let outcome = healed(&events, "Hel");
    let out = String::from_utf8_lossy(&outcome.out).into_owned();
    let (text, error) = (out.find("\"Hel\""), out.find("event: error"));
    assert!(text.is_some() && text < error, "{out}");
}
