//! Deviations that reviews found, each with what is right.

use respair_core::{Ending, Profile};
use serde_json::{Value, json};

use crate::events::{added, body, call, completed, created, delta, done, message, part};
use crate::regressions::healed;
use crate::run::{Outcome, strict, tolerant};

fn found(outcome: &Outcome, code: &str) -> usize {
    let of = |found: &&respair_core::Violation| found.code.as_str() == code;
    outcome.violations.iter().filter(of).count()
}

fn text_done(index: u64, id: &str, text: &str) -> Value {
    json!({ "type": "response.output_text.done", "output_index": index, "item_id": id, "content_index": 0, "text": text,
        "logprobs": [] })
}

fn one_text(deltas: &[Value], text: &str) -> Vec<Value> {
    let mut events = vec![
        created(),
        added(0, &message("msg_1", "")),
        part(0, "msg_1", 0),
    ];
    events.extend_from_slice(deltas);
    events.extend([
        text_done(0, "msg_1", text),
        json!({ "type": "response.content_part.done", "output_index": 0, "item_id": "msg_1", "content_index": 0,
            "part": { "type": "output_text", "text": text, "annotations": [] } }),
        done(0, &message("msg_1", text)),
        completed(json!([message("msg_1", text)])),
    ]);
    events
}

/// The body with each event sent again at once, as it was.
fn repeated(body: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(body.to_vec()).unwrap();
    let frames = text.split_inclusive("\n\n");
    frames
        .flat_map(|frame| [frame, frame])
        .collect::<String>()
        .into_bytes()
}

#[test]
fn an_event_that_a_proxy_repeats_is_read_once() {
    let deltas = [delta(0, "msg_1", "ha"), delta(0, "msg_1", "ha")];
    let whole = body(&one_text(&deltas, "haha"));
    for profile in [Profile::Portable, Profile::OpenResponses] {
        let twice = repeated(&whole);
        let outcome = tolerant(profile, &twice);
        assert_eq!(outcome.text, "haha", "{profile}");
        assert!(found(&outcome, "event-repeated") > 0);
        assert_eq!(found(&outcome, "delta-after-done"), 0);
        // Only the first two may be two of an upstream that does not count.
        let judged = strict(profile, &twice).refused.unwrap();
        assert!(judged.event <= 3, "{judged:?}");
    }
    // openai-python reads such a stream: there it is only said.
    let outcome = tolerant(Profile::OpenAiSdk, &repeated(&whole));
    let repairs = outcome.repairs.iter();
    assert!(
        repairs
            .clone()
            .all(|one| one.code.as_str() != "event-repeated")
    );
}

#[test]
fn a_relay_that_does_not_count_repeats_nothing() {
    let deltas = [delta(0, "msg_1", "ha"), delta(0, "msg_1", "ha")];
    for constant in [json!(0), Value::Null] {
        let mut events = one_text(&deltas, "haha");
        for event in &mut events {
            event["sequence_number"] = constant.clone();
        }
        let outcome = healed(&events, "haha");
        assert_eq!(found(&outcome, "event-repeated"), 0);
    }
}

#[test]
fn an_error_body_in_the_middle_of_a_stream_is_the_streams_error() {
    let events = [
        created(),
        added(0, &message("msg_1", "")),
        part(0, "msg_1", 0),
        delta(0, "msg_1", "Hel"),
    ];
    for error in [
        "{\"error\":{\"message\":\"boom\",\"code\":\"server_error\"}}\n\n",
        "{\n  \"error\": {\n    \"message\": \"boom\",\n    \"code\": \"server_error\"\n  }\n}\n",
    ] {
        let mut body = body(&events);
        body.extend_from_slice(error.as_bytes());
        let outcome = tolerant(Profile::Portable, &body);
        assert_eq!(found(&outcome, "data-line-missing"), 1, "{error}");
        let Some(Ending::Failed(said)) = &outcome.ending else {
            panic!("{:?}", outcome.ending);
        };
        assert_eq!(said.message, "boom");
        assert_eq!(outcome.text, "Hel");
    }
}

#[test]
fn created_is_missing_once_where_that_is_only_said() {
    let events = &one_text(&[delta(0, "msg_1", "Hello")], "Hello")[1..];
    let outcome = tolerant(Profile::OpenResponses, &body(events));
    assert_eq!(found(&outcome, "created-missing"), 1);
}

#[test]
fn a_done_item_that_says_more_than_its_deltas_may_stand_in_the_output() {
    let mut events = one_text(&[delta(0, "msg_1", "Hello.")], "Hello.");
    for event in &mut events {
        *event = serde_json::from_str(
            &event
                .to_string()
                .replace("\"text\":\"Hello.\"", "\"text\":\"Hi.\""),
        )
        .unwrap();
    }
    let outcome = tolerant(Profile::OpenResponses, &body(&events));
    assert_eq!(found(&outcome, "terminal-output-missing"), 0);
}

#[test]
fn deltas_that_are_arrays_of_strings_are_joined() {
    let mut pieces = delta(0, "msg_1", "");
    pieces["delta"] = json!(["Hel", "lo"]);
    let outcome = healed(&one_text(&[pieces], "Hello"), "Hello");
    let out = String::from_utf8_lossy(&outcome.out).into_owned();
    assert!(out.contains("\"delta\":\"Hello\""), "{out}");
}

#[test]
fn a_custom_calls_events_by_the_names_of_a_function_calls() {
    let item = json!({ "type": "custom_tool_call", "id": "ctc_1", "call_id": "call_1", "name": "shell", "status": "completed",
        "input": "ls -l" });
    let mut begun = item.clone();
    begun["input"] = json!("");
    begun["status"] = json!("in_progress");
    let place = |kind: &str, field: &str, text: &str| {
        json!({ "type": format!("response.function_call_arguments.{kind}"), "output_index": 0, "item_id": "ctc_1",
            field: text })
    };
    let events = [
        created(),
        json!({ "type": "response.output_item.added", "output_index": 0, "item": begun }),
        place("delta", "delta", "ls"),
        place("delta", "delta", " -l"),
        place("done", "arguments", "ls -l"),
        done(0, &item),
        completed(json!([item])),
    ];
    for profile in [Profile::Portable, Profile::OpenAiSdk] {
        let outcome = tolerant(profile, &body(&events));
        let out = String::from_utf8_lossy(&outcome.out).into_owned();
        assert!(
            matches!(outcome.ending, Some(Ending::Completed { .. })),
            "{out}"
        );
        assert_eq!(outcome.arguments, "ls -l", "{out}");
    }
    let outcome = healed(&events, "");
    let out = String::from_utf8_lossy(&outcome.out).into_owned();
    assert!(!out.contains("function_call_arguments"), "{out}");
    assert_eq!(found(&outcome, "event-alias"), 3);
}

#[test]
fn usage_beside_the_response_is_its_usage() {
    let usage = json!({ "input_tokens": 3, "output_tokens": 4, "total_tokens": 7,
        "input_tokens_details": { "cached_tokens": 0 }, "output_tokens_details": { "reasoning_tokens": 0 } });
    let mut events = one_text(&[delta(0, "msg_1", "Hello")], "Hello");
    events.last_mut().unwrap()["usage"] = usage.clone();
    let outcome = healed(&events, "Hello");
    assert_eq!(found(&outcome, "usage-incomplete"), 1);
    let last = String::from_utf8(outcome.out).unwrap();
    let last = last
        .lines()
        .rfind(|line| line.starts_with("data:"))
        .unwrap();
    let last: Value = serde_json::from_str(&last[5..]).unwrap();
    assert_eq!(last["response"]["usage"], usage);
}

#[test]
fn one_id_for_two_items_is_one_finding() {
    let mut events = one_text(&[delta(0, "same", "One")], "One");
    let end = events.pop().unwrap();
    assert_eq!(end["type"], "response.completed");
    let second = json!({ "type": "response.function_call_arguments.delta", "output_index": 1, "item_id": "same",
        "delta": "{}" });
    events.extend([
        added(1, &call("same", "")),
        second,
        json!({ "type": "response.function_call_arguments.done", "output_index": 1, "item_id": "same",
            "arguments": "{}" }),
        done(1, &call("same", "{}")),
        completed(json!([message("same", "One"), call("same", "{}")])),
    ]);
    for event in &mut events {
        *event = serde_json::from_str(&event.to_string().replace("\"msg_1\"", "\"same\"")).unwrap();
    }
    let outcome = healed(&events, "One");
    assert_eq!(found(&outcome, "item-id-duplicate"), 1);
    assert_eq!(
        found(&outcome, "item-id-changed"),
        0,
        "{:?}",
        outcome.violations
    );
    assert!(
        outcome
            .repairs
            .iter()
            .any(|repair| repair.code.as_str() == "item-id-duplicate")
    );
}

#[test]
fn a_call_that_was_never_added_is_one_finding() {
    let item = json!({ "type": "custom_tool_call", "id": "ctc_1", "call_id": "call_1", "name": "shell", "status": "completed",
        "input": "ls -l" });
    let place = |kind: &str, field: &str, text: &str| {
        json!({ "type": format!("response.custom_tool_call_input.{kind}"), "output_index": 0, "item_id": "ctc_1",
            field: text })
    };
    let events = [
        created(),
        place("delta", "delta", "ls"),
        place("delta", "delta", " -l"),
        place("done", "input", "ls -l"),
        done(0, &item),
        completed(json!([item])),
    ];
    let outcome = healed(&events, "");
    assert_eq!(outcome.arguments, "ls -l");
    assert_eq!(
        found(&outcome, "item-not-added"),
        1,
        "{:?}",
        outcome.violations
    );
}

#[test]
fn under_openai_sdk_one_item_without_names_is_joined_with_a_terminal_that_has_them() {
    for item in [message("msg_1", "One"), call("fc_1", "{}")] {
        let is_call = item["type"] == "function_call";
        let mut events = vec![created()];
        events.push(added(0, &item));
        if is_call {
            events.push(crate::events::arguments("delta", "delta", "{}"));
            events.push(crate::events::arguments("done", "arguments", "{}"));
        } else {
            events.extend([
                part(0, "msg_1", 0),
                delta(0, "msg_1", "One"),
                text_done(0, "msg_1", "One"),
            ]);
        }
        events.push(done(0, &item));
        for event in &mut events {
            let fields = event.as_object_mut().unwrap();
            fields.remove("output_index");
            fields.remove("item_id");
            if let Some(item) = fields.get_mut("item") {
                item.as_object_mut().unwrap().remove("id");
            }
        }
        events.push(completed(json!([item])));
        let outcome = tolerant(Profile::OpenAiSdk, &body(&events));
        let out = String::from_utf8_lossy(&outcome.out).into_owned();
        assert!(
            matches!(outcome.ending, Some(Ending::Completed { .. })),
            "{:?}\n{out}",
            outcome.ending
        );
        assert!(strict(Profile::OpenAiSdk, &outcome.out).refused.is_none());
    }
}

#[test]
fn under_openai_sdk_items_without_names_are_joined_with_a_terminal_that_has_them() {
    let bare = |event: &Value| {
        let mut event = event.clone();
        let fields = event.as_object_mut().unwrap();
        for name in ["output_index", "item_id"] {
            fields.remove(name);
        }
        if let Some(item) = fields.get_mut("item") {
            item.as_object_mut().unwrap().remove("id");
        }
        event
    };
    let mut events = one_text(&[delta(0, "msg_1", "One")], "One");
    events.pop();
    let item = call("fc_1", "{}");
    let place = |kind: &str, field: &str| {
        json!({ "type": format!("response.function_call_arguments.{kind}"), "output_index": 1, "item_id": "fc_1",
            field: "{}" })
    };
    events.extend([
        added(1, &item),
        place("delta", "delta"),
        place("done", "arguments"),
        done(1, &item),
    ]);
    let mut events: Vec<Value> = events.iter().map(bare).collect();
    events.push(completed(json!([message("msg_1", "One"), item])));
    let outcome = tolerant(Profile::OpenAiSdk, &body(&events));
    let out = String::from_utf8_lossy(&outcome.out).into_owned();
    assert!(
        matches!(outcome.ending, Some(Ending::Completed { .. })),
        "{:?}\n{out}",
        outcome.ending
    );
    assert_eq!(
        (outcome.text.as_str(), outcome.arguments.as_str()),
        ("One", "{}")
    );
    assert!(strict(Profile::OpenAiSdk, &outcome.out).refused.is_none());
}
