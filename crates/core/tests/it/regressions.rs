//! Streams that were once read wrongly, each with what is right.

use respair_core::{Ending, Profile};
use serde_json::{Value, json};

use crate::events::{
    added, arguments, body, call, completed, created, delta, done, message, part, response,
};
use crate::run::{Outcome, strict, tolerant};

/// What comes out conforms, and says this text once, live and in the end.
pub(crate) fn healed(events: &[Value], text: &str) -> Outcome {
    let outcome = tolerant(Profile::Portable, &body(events));
    let shown = String::from_utf8_lossy(&outcome.out).into_owned();
    assert_eq!(outcome.text, text, "{shown}");
    assert_eq!(outcome.response.text, text, "{shown}");
    let refused = strict(Profile::Portable, &outcome.out).refused;
    assert!(refused.is_none(), "{refused:?}\n{shown}");
    outcome
}

#[test]
fn what_only_the_terminal_holds_is_shown_on_the_strict_path() {
    let streams = [
        (
            vec![created(), completed(json!([message("msg_1", "Hello")]))],
            "Hello",
        ),
        (
            vec![
                created(),
                added(0, &message("msg_1", "")),
                part(0, "msg_1", 0),
                delta(0, "msg_1", "Hel"),
                completed(json!([message("msg_1", "Hello")])),
            ],
            "Hello",
        ),
        (
            vec![
                created(),
                added(0, &message("msg_1", "")),
                part(0, "msg_1", 0),
                delta(0, "msg_1", "One"),
                done(0, &message("msg_1", "One")),
                completed(json!([message("msg_1", "One"), message("msg_2", "Two")])),
            ],
            "OneTwo",
        ),
    ];
    for (events, text) in streams {
        let outcome = strict(Profile::OpenAiSdk, &body(&events));
        assert!(outcome.refused.is_none(), "{:?}", outcome.refused);
        assert_eq!(
            (outcome.text.as_str(), outcome.response.text.as_str()),
            (text, text)
        );
        healed(&events, text);
    }
}

#[test]
fn an_incomplete_response_with_an_unfinished_call_is_incomplete() {
    let mut end = response("incomplete", "incomplete", json!([]));
    end["response"]["incomplete_details"] = json!({ "reason": "max_output_tokens" });
    let open = json!({ "type": "response.function_call_arguments.delta", "output_index": 0, "item_id": "fc_1", "delta": "{\"a\":" });
    let outcome = healed(&[created(), added(0, &call("fc_1", "")), open, end], "");
    assert_eq!(
        outcome.ending,
        Some(Ending::Incomplete {
            reason: Some("max_output_tokens".into())
        })
    );
    let said = String::from_utf8(outcome.out).unwrap();
    assert!(
        !said.contains("output_item.done"),
        "a call that was cut must not look done\n{said}"
    );
}

#[test]
fn completed_without_any_output_field_is_completed() {
    let mut end = completed(json!([]));
    end["response"].as_object_mut().unwrap().remove("output");
    assert_eq!(
        healed(&[created(), end], "").ending,
        Some(Ending::Completed { empty: true })
    );
}

#[test]
fn held_calls_are_not_merged() {
    let bare = |text: &str| {
        [
            arguments("delta", "delta", text),
            arguments("done", "arguments", text),
        ]
    };
    let mut events = vec![created()];
    events.extend(bare("{\"a\":1}"));
    events.extend(bare("{\"b\":2}"));
    let (one, two) = (call("f1", "{\"a\":1}"), call("f2", "{\"b\":2}"));
    for item in [&one, &two] {
        events.push(json!({ "type": "response.output_item.done", "item": item }));
    }
    events.push(completed(json!([])));
    let outcome = healed(&events, "");
    assert_eq!(outcome.arguments, "{\"a\":1}{\"b\":2}");
    let listed: Vec<Value> = outcome
        .response
        .output
        .iter()
        .map(|item| serde_json::from_str(item.get()).unwrap())
        .collect();
    let said: Vec<_> = listed
        .iter()
        .map(|item| (item["call_id"].as_str(), item["arguments"].as_str()))
        .collect();
    assert_eq!(
        said,
        [
            (Some("call_f1"), Some("{\"a\":1}")),
            (Some("call_f2"), Some("{\"b\":2}"))
        ]
    );
}

#[test]
fn several_items_under_one_index_without_ids() {
    let text_done = json!({ "type": "response.output_text.done", "output_index": 0, "content_index": 0, "text": "Hello" });
    let mut first = delta(0, "x", "Hello");
    first.as_object_mut().unwrap().remove("item_id");
    let (said, asked) = (message("msg_1", "Hello"), call("fc_1", "{}"));
    healed(
        &[
            created(),
            added(0, &said),
            part(0, "msg_1", 0),
            first,
            added(0, &asked),
            text_done,
            done(0, &asked),
            done(0, &said),
            completed(json!([])),
        ],
        "Hello",
    );
}

#[test]
fn a_message_under_another_id_at_another_place_is_the_same() {
    let thought = json!({ "type": "reasoning", "id": "rs_1", "summary": [] });
    let outcome = healed(
        &[
            created(),
            json!({ "type": "response.output_item.added", "output_index": 0, "item": thought }),
            done(0, &thought),
            added(1, &message("msg_1", "")),
            part(1, "msg_1", 0),
            delta(1, "msg_1", "Hello"),
            done(1, &message("msg_1", "Hello")),
            completed(json!([message("msg_zz", "Hello")])),
        ],
        "Hello",
    );
    assert_eq!(outcome.response.output.len(), 2);
}

#[test]
fn a_part_under_another_index_is_found_by_its_place() {
    let events = [
        created(),
        added(0, &message("msg_1", "")),
        part(0, "msg_1", 1),
        delta(0, "msg_1", "Hello"),
        done(0, &message("msg_1", "Hello")),
        completed(json!([message("msg_1", "Hello")])),
    ];
    healed(&events, "Hello");
    assert_eq!(strict(Profile::OpenAiSdk, &body(&events)).text, "Hello");
}

#[test]
fn an_error_on_a_completed_event_is_an_error() {
    let mut end = completed(json!([]));
    end["error"] = json!({ "code": "server_error", "message": "no" });
    for outcome in [
        strict(Profile::OpenAiSdk, &body(&[created(), end.clone()])),
        healed(&[created(), end.clone()], ""),
    ] {
        assert!(
            matches!(&outcome.ending, Some(Ending::Failed(error)) if error.message == "no"),
            "{:?}",
            outcome.ending
        );
    }
}

#[test]
fn a_response_that_says_it_failed_is_not_completed() {
    for (status, ends) in [
        ("failed", "failed"),
        ("cancelled", "failed"),
        ("incomplete", "incomplete"),
    ] {
        let events = [created(), response("completed", status, json!([]))];
        for outcome in [
            strict(Profile::OpenAiSdk, &body(&events)),
            healed(&events, ""),
        ] {
            let right = match &outcome.ending {
                Some(Ending::Failed(_)) => ends == "failed",
                Some(Ending::Incomplete { .. }) => ends == "incomplete",
                _ => false,
            };
            assert!(right, "{status}: {:?}", outcome.ending);
        }
    }
}

#[test]
fn numbers_that_nobody_can_count_with_are_none() {
    let mut first = created();
    first["sequence_number"] = json!(u64::MAX);
    let said = message("msg_1", "Hello");
    healed(
        &[
            first.clone(),
            added(u64::MAX, &said),
            delta(u64::MAX, "msg_1", "Hello"),
            done(0, &said),
            completed(json!([])),
        ],
        "Hello",
    );
    let cut = arguments("delta", "delta", "{");
    tolerant(
        Profile::Portable,
        &body(&[
            first,
            added(u64::MAX, &said),
            cut,
            done(5, &call("fc_1", "{}")),
        ]),
    );
}

#[test]
fn an_annotation_after_the_end_of_its_item_goes_no_further() {
    let said = message("msg_1", "Hello");
    let late = json!({ "type": "response.output_text.annotation.added", "output_index": 0, "item_id": "msg_1",
        "content_index": 0, "annotation_index": 0, "annotation": { "type": "url_citation" } });
    healed(
        &[created(), done(0, &said), late, completed(json!([]))],
        "Hello",
    );
}

#[test]
fn late_text_goes_on_in_one_item() {
    let said = message("msg_1", "A");
    let late = ["B", "C", "D"].map(|text| delta(0, "msg_1", text));
    let mut events = vec![
        created(),
        added(0, &said),
        part(0, "msg_1", 0),
        delta(0, "msg_1", "A"),
        done(0, &said),
    ];
    events.extend(late);
    events.push(completed(json!([])));
    assert_eq!(healed(&events, "ABCD").response.output.len(), 2);
}

#[test]
fn text_that_added_already_holds_is_shown_once() {
    let whole = message("msg_1", "Hello world");
    let held = |text: &str| {
        let mut item = message("msg_1", text);
        item["status"] = json!("in_progress");
        json!({ "type": "response.output_item.added", "output_index": 0, "item": item })
    };
    let end = [done(0, &whole), completed(json!([whole]))];
    // It comes again as deltas, it is gone on from, or it is all there is.
    for deltas in [
        vec!["Hello", " world"],
        vec!["He", "llo world"],
        vec![" world"],
        vec![],
    ] {
        let mut events = vec![created(), held("Hello")];
        events.extend(deltas.iter().map(|text| delta(0, "msg_1", text)));
        events.extend(end.clone());
        for outcome in [
            strict(Profile::OpenAiSdk, &body(&events)),
            tolerant(Profile::Portable, &body(&events)),
        ] {
            let said = (outcome.text.as_str(), outcome.response.text.as_str());
            assert_eq!(said, ("Hello world", "Hello world"), "{deltas:?}");
        }
    }
}

/// Two lifecycles in one body (DEVIATIONS 1.7): what the second one tells again is not delivered again.
#[test]
fn a_response_that_begins_again_ends_as_failed() {
    let item = message("msg_1", "Hello");
    let first = vec![
        created(),
        added(0, &item),
        part(0, "msg_1", 0),
        delta(0, "msg_1", "Hello"),
        done(0, &item),
    ];
    let other = |id: &str| {
        let mut event = created();
        event["response"]["id"] = json!(id);
        event
    };
    for (id, whole) in [
        ("resp_1", true),
        ("resp_1", false),
        ("resp_2", true),
        ("resp_2", false),
    ] {
        let mut events = first[..if whole { 5 } else { 4 }].to_vec();
        events.push(other(id));
        events.extend_from_slice(&first[1..]);
        events.push(completed(json!([item])));
        let outcome = tolerant(Profile::Portable, &body(&events));
        assert_eq!(outcome.text, "Hello", "{id} {whole}");
        let Some(Ending::Failed(error)) = outcome.ending else {
            panic!("{:?}", outcome.ending)
        };
        assert_eq!(error.code.as_deref(), Some("upstream_restarted"));
        let late =
            |violation: &respair_core::Violation| violation.code.as_str() == "event-after-terminal";
        assert!(
            !outcome.violations.iter().any(late),
            "the upstream did not end it"
        );
        assert!(strict(Profile::Portable, &outcome.out).refused.is_none());
    }
    // Before anything was delivered it takes nothing back, and neither does one that only goes on.
    let mut early = vec![created()];
    early.extend(first.clone());
    early.push(completed(json!([item])));
    healed(&early, "Hello");
    let mut late = first.clone();
    late.insert(4, other("resp_1"));
    late.push(completed(json!([item])));
    healed(&late, "Hello");
}

/// openai-python dispatches an event without data for each blank line once `id:` was set (DEVIATIONS 6.11).
#[test]
fn comments_do_not_stand_alone_behind_an_id() {
    let item = message("msg_1", "Hello");
    let events = body(&[
        created(),
        added(0, &item),
        part(0, "msg_1", 0),
        delta(0, "msg_1", "Hello"),
        done(0, &item),
        completed(json!([item])),
    ]);
    let text = String::from_utf8(events).unwrap();
    let with = |id: &str| {
        text.replacen("data: ", &format!("id: {id}\ndata: "), 1)
            .replace(
                "event: response.output_text",
                ": ping\n\nevent: response.output_text",
            )
            + ": bye\n\n"
    };
    let healed = tolerant(Profile::Portable, with("7").as_bytes());
    let out = String::from_utf8(healed.out.clone()).unwrap();
    assert!(
        out.contains(": ping\nevent: ") && !out.contains(": bye"),
        "{out}"
    );
    assert_eq!(healed.text, "Hello");
    assert!(strict(Profile::Portable, &healed.out).refused.is_none());
    assert_eq!(tolerant(Profile::Portable, &healed.out).out, healed.out);
    // An empty id takes it back.
    let plain = with("");
    let out = String::from_utf8(tolerant(Profile::Portable, plain.as_bytes()).out).unwrap();
    assert!(out.contains(": ping\n\n"), "{out}");
}

/// JSON whose line breaks were written as they are (DEVIATIONS 6.14): pretty-printed, and within a string.
#[test]
fn raw_line_breaks_lose_no_event() {
    let item = message("msg_1", "Hel\nlo");
    let events = body(&[
        created(),
        added(0, &item),
        part(0, "msg_1", 0),
        delta(0, "msg_1", "Hel\nlo"),
        done(0, &item),
        completed(json!([item])),
    ]);
    let text = String::from_utf8(events).unwrap();
    for broken in [
        text.replace("\\n", "\n"),
        text.replace("\\n", "\ndata: "),
        text.replace(",\"", ",\n  \""),
        text.replace(",\"", ",\r\n\"").replace("\n\n", "\r\n\r\n"),
    ] {
        let outcome = tolerant(Profile::Portable, broken.as_bytes());
        assert_eq!(outcome.text, "Hel\nlo", "{broken}");
        assert!(strict(Profile::Portable, &outcome.out).refused.is_none());
        assert!(
            outcome
                .repairs
                .iter()
                .any(|repair| repair.code.as_str() == "data-not-json")
        );
    }
    let junk = text.replacen("\n\n", "\n\ndata: {\"a\": not\n  json\n\n", 1);
    assert_eq!(tolerant(Profile::Portable, junk.as_bytes()).text, "Hel\nlo");
}

/// One `content_index` for several parts (DEVIATIONS 2.8): each added event begins a part, and its text comes once.
#[test]
fn parts_under_one_index_are_told_apart() {
    let text = |text: &str| json!({ "type": "output_text", "text": text, "annotations": [] });
    let item = json!({ "type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
        "content": [text("One"), text("Two")] });
    let closed = |which: &str| {
        [
            json!({ "type": "response.output_text.done", "output_index": 0, "item_id": "msg_1", "content_index": 0, "text": which }),
            json!({ "type": "response.content_part.done", "output_index": 0, "item_id": "msg_1", "content_index": 0, "part": text(which) }),
        ]
    };
    for whole in [true, false] {
        for indexed in [true, false] {
            let mut events = vec![created(), added(0, &item)];
            for which in ["One", "Two"] {
                events.extend([part(0, "msg_1", 0), delta(0, "msg_1", which)]);
                events.extend(closed(which).into_iter().filter(|_| whole));
            }
            events.push(done(0, &item));
            events.push(completed(json!([item])));
            if !indexed {
                events
                    .iter_mut()
                    .for_each(|event| _ = event.as_object_mut().unwrap().remove("content_index"));
            }
            let outcome = healed(&events, "OneTwo");
            let content = serde_json::from_str::<Value>(outcome.response.output[0].get()).unwrap();
            assert_eq!(content["content"].as_array().unwrap().len(), 2, "{content}");
        }
    }
    // The added event of a part whose text came first is no second part.
    let item = message("msg_1", "OneTwo");
    let events = [
        created(),
        added(0, &item),
        delta(0, "msg_1", "One"),
        part(0, "msg_1", 0),
        delta(0, "msg_1", "Two"),
        done(0, &item),
        completed(json!([item])),
    ];
    assert_eq!(healed(&events, "OneTwo").response.output.len(), 1);
}
