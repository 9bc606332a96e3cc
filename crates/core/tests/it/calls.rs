//! Arguments of tool calls (DEVIATIONS group 9): whole, once, the upstream's own, or not at all.

use bytes::Bytes;
use respair_core::{Ending, Limits, Profile, Reader, ReaderOptions, Step};
use serde_json::{Value, json};

use crate::events::{added, body, call, completed, created, delta, done, message, part};
use crate::run::{Outcome, context, read, read_chunked, strict, tolerant};

pub(crate) const CIPHER: &str = "gAAAAABo3nqk2Zx==";
pub(crate) const ARGUMENTS: &str = r#"{"city":"Paris"}"#;

pub(crate) fn piece(index: u64, id: &str, text: &str) -> Value {
    json!({ "type": "response.function_call_arguments.delta", "output_index": index, "item_id": id, "delta": text,
        "obfuscation": "x8sK1" })
}

pub(crate) fn whole(index: u64, id: &str, text: &str) -> Value {
    json!({ "type": "response.function_call_arguments.done", "output_index": index, "item_id": id, "arguments": text })
}

/// The pieces of one call, and what its done events say.
fn one_call(pieces: &[&str], said: &str) -> Vec<Value> {
    let item = call("fc_1", said);
    let mut events = vec![created(), added(0, &item)];
    events.extend(pieces.iter().map(|text| piece(0, "fc_1", text)));
    events.extend([
        whole(0, "fc_1", said),
        done(0, &item),
        completed(json!([item])),
    ]);
    events
}

/// What comes out is accepted strictly, is not repaired again, and holds this in none of its bytes.
pub(crate) fn clean(events: &[Value], never: &str) -> Outcome {
    let outcome = tolerant(Profile::Portable, &body(events));
    let shown = String::from_utf8_lossy(&outcome.out).into_owned();
    assert!(!shown.contains(never), "{shown}");
    let refused = strict(Profile::Portable, &outcome.out).refused;
    assert!(refused.is_none(), "{refused:?}\n{shown}");
    let again = tolerant(Profile::Portable, &outcome.out);
    assert!(again.out == outcome.out, "{:?}\n{shown}", again.repairs);
    outcome
}

pub(crate) fn failed(outcome: &Outcome, code: &str) {
    let Some(Ending::Failed(error)) = &outcome.ending else {
        panic!("{:?}", outcome.ending)
    };
    assert_eq!(error.code.as_deref(), Some(code), "{error}");
    let shown = String::from_utf8_lossy(&outcome.out);
    assert!(
        !shown.contains("output_item.done"),
        "a call that nobody may run looks done\n{shown}"
    );
}

pub(crate) fn outputs(outcome: &Outcome) -> Vec<(String, String)> {
    let read = |raw: &str| serde_json::from_str::<Value>(raw).unwrap();
    let items = outcome.response.output.iter().map(|raw| read(raw.get()));
    items
        .map(|item| {
            let text = |key: &str| item[key].as_str().unwrap_or_default().to_owned();
            (text("call_id"), text("arguments"))
        })
        .collect()
}

#[test]
fn ciphertext_is_not_given_out_as_arguments() {
    for pieces in [
        &[CIPHER][..],
        &[CIPHER, CIPHER, "{}"],
        &["", CIPHER],
        &[" ", CIPHER],
        &[r#"{"city":"#, CIPHER],
        &[r#"{"city":"Paris"}"#, CIPHER],
    ] {
        let outcome = clean(&one_call(pieces, ARGUMENTS), CIPHER);
        assert_eq!(outcome.arguments.trim(), ARGUMENTS, "{pieces:?}");
        assert_eq!(outputs(&outcome)[0].1.trim(), ARGUMENTS, "{pieces:?}");
        assert!(matches!(outcome.ending, Some(Ending::Completed { .. })));
        let named = outcome
            .repairs
            .iter()
            .any(|repair| repair.code.as_str() == "arguments-obfuscated");
        assert!(named, "{:?}", outcome.repairs);
    }
}

/// What the model wrote is its own, bad JSON and all: the done event confirms it, and it passes as it came.
#[test]
fn bad_json_that_its_done_event_confirms_passes_untouched() {
    for pieces in [
        &["{city", ": 'Paris'}"][..],
        &["[1,", "2]"],
        &["{}", "{}"],
        &["null"],
        &[r#"{"a":"#, r#"1}}"#],
    ] {
        let mut events = one_call(pieces, &pieces.concat());
        let body = body(&events);
        for sizes in [&[usize::MAX][..], &[1], &[7, 100]] {
            let outcome = read_chunked(ReaderOptions::tolerant(), &body, sizes);
            assert!(
                outcome.out == body,
                "{pieces:?} {sizes:?}: {:?}",
                outcome.repairs
            );
            assert_eq!(outcome.arguments, pieces.concat());
        }
        assert!(strict(Profile::Portable, &body).refused.is_none());
        // An in-between event of no item waits with them and keeps its place.
        events.insert(
            3,
            json!({ "type": "response.in_progress", "response": created()["response"] }),
        );
        let outcome = clean(&events, "\"never\"");
        assert_eq!(outcome.arguments, pieces.concat());
    }
}

#[test]
fn what_belongs_to_another_item_does_not_wait() {
    let item = call("fc_1", ARGUMENTS);
    let said = message("msg_1", "Hello");
    let mut events = vec![
        created(),
        added(0, &item),
        piece(0, "fc_1", CIPHER),
        added(1, &said),
        part(1, "msg_1", 0),
        delta(1, "msg_1", "Hel"),
    ];
    let early = tolerant(Profile::Portable, &body(&events));
    assert_eq!(early.text, "Hel");
    events.extend([
        piece(0, "fc_1", CIPHER),
        delta(1, "msg_1", "lo"),
        whole(0, "fc_1", ARGUMENTS),
        done(1, &said),
        done(0, &item),
        completed(json!([item, said])),
    ]);
    let outcome = clean(&events, CIPHER);
    assert_eq!(outcome.text, "Hello");
    assert_eq!(outcome.arguments, ARGUMENTS);
    // The text is out while the call's deltas would still have to wait.
    let mut reader = Reader::new(ReaderOptions::tolerant(), context());
    reader.push(Bytes::from(body(&events[..6])));
    let steps: Vec<Step> = std::iter::from_fn(|| reader.poll()).collect();
    let shown = |step: &Step| matches!(step, Step::Event(event) if event.data().contains("Hel"));
    assert!(steps.iter().any(shown), "{steps:?}");
}

#[test]
fn two_calls_in_ciphertext_at_once() {
    let (one, two) = (call("fc_1", ARGUMENTS), call("fc_2", r#"{"b":2}"#));
    let events = [
        created(),
        added(0, &one),
        added(1, &two),
        piece(0, "fc_1", CIPHER),
        piece(1, "fc_2", CIPHER),
        piece(0, "fc_1", CIPHER),
        piece(1, "fc_2", CIPHER),
        whole(1, "fc_2", r#"{"b":2}"#),
        whole(0, "fc_1", ARGUMENTS),
        done(0, &one),
        done(1, &two),
        completed(json!([one, two])),
    ];
    let outcome = clean(&events, CIPHER);
    let expected = [("call_fc_1", ARGUMENTS), ("call_fc_2", r#"{"b":2}"#)];
    assert_eq!(
        outputs(&outcome),
        expected.map(|(id, text)| (id.to_owned(), text.to_owned()))
    );
}

#[test]
fn ciphertext_without_its_plain_text_is_never_run() {
    let item = call("fc_1", "");
    let begun = [created(), added(0, &item), piece(0, "fc_1", CIPHER)];
    let with = |more: &[Value]| [&begun[..], more].concat();
    for events in [
        with(&[completed(json!([]))]),
        with(&[whole(0, "fc_1", ""), completed(json!([]))]),
        with(&[
            whole(0, "fc_1", ""),
            done(0, &item),
            completed(json!([item])),
        ]),
    ] {
        failed(&clean(&events, CIPHER), "upstream_call_incomplete");
    }
    // The terminal's `output` tells it as well as any.
    let told = call("fc_1", ARGUMENTS);
    let outcome = clean(&with(&[completed(json!([told]))]), CIPHER);
    assert_eq!(outcome.arguments, ARGUMENTS);
    // A stream that is cut, and one that ends incomplete, say nothing of it.
    assert!(matches!(
        clean(&begun, CIPHER).ending,
        Some(Ending::Empty { .. } | Ending::Truncated { .. })
    ));
    let mut end = completed(json!([]));
    end["type"] = json!("response.incomplete");
    end["response"]["status"] = json!("incomplete");
    let outcome = clean(&with(&[end]), CIPHER);
    assert!(matches!(outcome.ending, Some(Ending::Incomplete { .. })));
}

#[test]
fn the_wait_is_bounded() {
    let events = one_call(&[CIPHER; 200], &CIPHER.repeat(200));
    let limits = Limits::default().with_response(20 << 10);
    let body = body(&events);
    let outcome = read(ReaderOptions::tolerant().with_limits(limits), &body);
    let waited = outcome
        .repairs
        .iter()
        .find(|repair| repair.code.as_str() == "arguments-obfuscated");
    assert_eq!(waited.unwrap().count, 200);
    assert_eq!(outcome.arguments, CIPHER.repeat(200));
    // With room for them they are confirmed.
    assert!(tolerant(Profile::Portable, &body).out == body);
}

#[test]
fn the_strict_reading_stops_before_the_ciphertext_and_the_tolerant_one_goes_on() {
    let body = body(&one_call(&[r#"{"city":"#, CIPHER, CIPHER], ARGUMENTS));
    let options = ReaderOptions::strict().with_profile(Profile::Portable);
    let mut reader = Reader::new(options, context());
    reader.push(Bytes::from(body));
    let mut out = String::new();
    let mut refused = Vec::new();
    while let Some(step) = reader.poll() {
        match step {
            Step::Event(event) => out.push_str(event.data()),
            Step::Refused(violation) => {
                refused.push((violation.code.as_str(), violation.event));
                reader.take_over(Profile::Portable);
            }
            Step::Ended(ending) => assert!(matches!(ending, Ending::Completed { .. })),
            _ => {}
        }
    }
    assert_eq!(refused, [("arguments-obfuscated", 3)]);
    assert!(!out.contains(CIPHER), "{out}");
    assert!(out.contains(r#""delta":"\"Paris\"}""#), "{out}");
}

#[test]
fn arguments_that_contradict_themselves_are_not_run() {
    for (pieces, said) in [
        (&[r#"{"a":"#, "1}"][..], r#"{"a":2}"#),
        (&[r#"{"a":"#, "1}"], "{}"),
        (&[r#"{"a":"#], r#"{"b":1}"#),
    ] {
        failed(
            &clean(&one_call(pieces, said), "\"never\""),
            "upstream_contradiction",
        );
        // The item's own done event alone, and the terminal's `output` alone.
        let mut events = one_call(pieces, said);
        events.retain(|event| event["type"] != "response.function_call_arguments.done");
        failed(&clean(&events, "\"never\""), "upstream_contradiction");
        events.retain(|event| event["type"] != "response.output_item.done");
        failed(&clean(&events, "\"never\""), "upstream_contradiction");
    }
}

/// Other white space, other escapes: what was delivered stands, and everything after it says the same.
#[test]
fn the_same_arguments_in_other_words_are_the_same() {
    let spelt = "{ \"city\" : \"\\u0050aris\" }\n";
    let outcome = clean(&one_call(&[r#"{"city":"#, r#""Paris"}"#], spelt), "u0050");
    assert_eq!(outcome.arguments, ARGUMENTS);
    assert_eq!(outputs(&outcome)[0].1, ARGUMENTS);
}

#[test]
fn nothing_is_glued_around_a_hole() {
    for hole in [
        json!(null),
        json!(7),
        json!([1]),
        json!({}),
        json!({ "text": 1 }),
        json!({ "foo": "bar" }),
    ] {
        let mut events = one_call(&[r#"{"city":"#, "X", r#""Paris"}"#], ARGUMENTS);
        events[3]["delta"] = hole.clone();
        let outcome = clean(&events, "\"never\"");
        assert_eq!(outcome.arguments, ARGUMENTS, "{hole}");
        assert!(matches!(outcome.ending, Some(Ending::Completed { .. })));
        // Who never says what stood there has no call: the pieces around it would read as one.
        events.retain(|event| !event["type"].as_str().unwrap().ends_with("done"));
        events.last_mut().unwrap()["response"]["output"] = json!([]);
        failed(&clean(&events, "\"never\""), "upstream_call_incomplete");
    }
}

#[test]
fn a_delta_that_is_an_object_is_unwrapped() {
    for (first, second) in [
        (
            json!({ "text": "{\"city\":" }),
            json!({ "type": "x", "text": "\"Paris\"}" }),
        ),
        (
            json!({ "partial_json": "{\"city\":" }),
            json!({ "arguments": "\"Paris\"}" }),
        ),
        (json!({ "city": "Paris" }), json!("")),
    ] {
        let mut events = one_call(&["", ""], ARGUMENTS);
        (events[2]["delta"], events[3]["delta"]) = (first.clone(), second);
        let outcome = clean(&events, "\"never\"");
        assert_eq!(outcome.arguments, ARGUMENTS, "{first}");
    }
}
