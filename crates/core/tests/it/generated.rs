//! What generated damage led to (`tests/mutations`, `fuzz`), cut down to the smallest stream that shows it.

use respair_core::{Ending, Profile, ReaderOptions};
use respair_faults::conforming_text;
use respair_mutations::properties::{hold, takeover};
use serde_json::{Value, json};

use crate::events::{added, body, completed, created, delta, done, message, part};
use crate::run::{read_chunked, strict, tolerant};

/// The blank line that the last block lacks made an event of it.
#[test]
fn a_comment_that_is_cut_is_no_event() {
    for body in [": ping", ": ping\n", ":\u{0}\u{e}"] {
        hold(body, body.as_bytes());
        let healed = tolerant(Profile::Portable, body.as_bytes());
        assert!(!String::from_utf8_lossy(&healed.out).contains("data: \n"));
    }
}

/// The bytes that a finding covers are those of the event, not of whatever has arrived.
#[test]
fn where_chat_chunks_are_found_does_not_depend_on_the_chunks() {
    let chunk = "data: {\"object\":\"chat.completion.chunk\",\"choices\":[]}\n\n";
    let body = [chunk, chunk, "data: [DONE]\n\n"].concat();
    let healed = tolerant(Profile::Portable, body.as_bytes());
    let found = healed.violations.first().unwrap();
    assert_eq!((found.byte_start, found.byte_end), (0, chunk.len() as u64));
}

/// openai-python decodes comments too, and raises.
#[test]
fn a_comment_that_is_no_utf8_is_left_out() {
    let body = [
        b": \xff\n\n".as_slice(),
        conforming_text(["a"]).to_bytes().as_ref(),
    ]
    .concat();
    hold("a comment", &body);
    let refused = strict(Profile::OpenAiSdk, &body).refused.unwrap();
    assert_eq!(refused.code.as_str(), "invalid-utf8");
    assert_eq!(tolerant(Profile::OpenAiSdk, &body).text, "a");
}

/// WHATWG ignores such a field, and so does every client.
#[test]
fn a_stream_may_begin_with_a_field_that_nobody_knows() {
    let body = [
        b"vent: response.created\n".as_slice(),
        conforming_text(["a"]).to_bytes().as_ref(),
    ]
    .concat();
    hold("an unknown field", &body);
    for size in [1, 5, 1000] {
        let outcome = read_chunked(ReaderOptions::strict(), &body, &[size]);
        assert_eq!((outcome.text.as_str(), outcome.refused), ("a", None));
    }
    let prose = tolerant(Profile::Portable, b"Error: no\nsuch model");
    assert!(
        matches!(prose.ending, Some(Ending::NoStream(_))),
        "{:?}",
        prose.ending
    );
}

/// The done event brings what its deltas have not said yet; they come all the same.
#[test]
fn a_text_that_is_done_before_its_last_deltas_is_said_once() {
    let whole = message("msg_1", "one two three");
    let text_done = json!({ "type": "response.output_text.done", "item_id": "msg_1", "output_index": 0,
        "content_index": 0, "text": "one two three" });
    let begun = [
        created(),
        added(0, &whole),
        part(0, "msg_1", 0),
        delta(0, "msg_1", "one "),
        text_done,
    ];
    for (late, said) in [
        (vec!["two ", "three"], "one two three"),
        (vec!["three", "two "], "one two three"),
        (vec!["two three, four"], "one two three, four"),
        (vec![], "one two three"),
    ] {
        let mut events = begun.to_vec();
        events.extend(late.iter().map(|text| delta(0, "msg_1", text)));
        events.extend([done(0, &whole), completed(json!([whole]))]);
        let body = body(&events);
        hold("late deltas", &body);
        assert_eq!(tolerant(Profile::Portable, &body).text, said, "{late:?}");
        takeover(&body);
        assert_eq!(strict(Profile::OpenAiSdk, &body).text, said, "{late:?}");
    }
}

/// Readers look at `object`, also where it holds another word.
#[test]
fn a_response_that_says_it_is_another_object_is_mended() {
    let mut first = created();
    first["response"]["object"] = json!("chat.completion");
    let body = body(&[first, completed(json!([]))]);
    hold("another object", &body);
    let healed = tolerant(Profile::Portable, &body);
    assert_eq!(healed.repairs[0].code.as_str(), "response-fields-missing");
}

/// An annotation for a part that is done has no place any more.
#[test]
fn an_annotation_behind_its_part_is_left_out() {
    let whole = message("msg_1", "a");
    let place = |event: Value| {
        let mut event = event;
        for (field, value) in [
            ("item_id", json!("msg_1")),
            ("output_index", json!(0)),
            ("content_index", json!(0)),
        ] {
            event[field] = value;
        }
        event
    };
    let text = json!({ "type": "response.output_text.done", "text": "a" });
    let closed = json!({ "type": "response.content_part.done", "part": whole["content"][0] });
    let late = json!({ "type": "response.output_text.annotation.added", "annotation_index": 0,
        "annotation": { "type": "url_citation" } });
    let body = body(&[
        created(),
        added(0, &whole),
        part(0, "msg_1", 0),
        delta(0, "msg_1", "a"),
        place(text),
        place(closed),
        place(late),
        done(0, &whole),
        completed(json!([whole])),
    ]);
    hold("a late annotation", &body);
    let healed = tolerant(Profile::Portable, &body);
    assert_eq!(healed.repairs[0].code.as_str(), "delta-after-done");
}

/// It opened a part of output text in an item that has none.
#[test]
fn a_part_that_is_done_without_being_said_is_left_out() {
    let item = json!({ "type": "reasoning", "id": "rs_1", "summary": [] });
    let nothing = json!({ "type": "response.content_part.done", "output_index": 0, "item_id": "rs_1", "content_index": 0 });
    let opened = json!({ "type": "response.output_item.added", "output_index": 0, "item": item });
    let body = body(&[
        created(),
        opened,
        nothing,
        done(0, &item),
        completed(json!([item])),
    ]);
    hold("a part without a part", &body);
    let healed = tolerant(Profile::Portable, &body);
    assert!(!String::from_utf8_lossy(&healed.out).contains("content_part"));
}

/// Relays that fail say little. What was done before is the response's output.
#[test]
fn a_failed_response_without_output_has_what_was_done() {
    let whole = message("msg_1", "a");
    for output in [None, Some(Value::Null)] {
        let mut failed = json!({ "type": "response.failed", "response": { "id": "resp_1", "object": "response",
            "status": "failed", "error": { "code": "server_error", "message": "boom" } } });
        if let Some(output) = output {
            failed["response"]["output"] = output;
        }
        let events = [
            created(),
            added(0, &whole),
            part(0, "msg_1", 0),
            delta(0, "msg_1", "a"),
            done(0, &whole),
            failed,
        ];
        let body = body(&events);
        hold("a failed response", &body);
        let healed = tolerant(Profile::Portable, &body);
        let last = String::from_utf8_lossy(&healed.out).into_owned();
        let last = last.rsplit_once("data: ").unwrap().1.to_owned();
        assert!(last.contains(r#""output":[{"#), "{last}");
    }
}
