//! Which call is meant (DEVIATIONS group 9): call ids, indices and what stands in for them.

use respair_core::Ending;
use serde_json::{Value, json};

use crate::calls::{ARGUMENTS, clean, failed, outputs, piece, whole};
use crate::events::{added, call, completed, created, done};

/// The events of a whole call at `index`.
fn whole_call(index: u64, item: &Value) -> Vec<Value> {
    let id = item["id"].as_str().unwrap();
    let said = item["arguments"].as_str().unwrap();
    vec![
        added(index, item),
        piece(index, id, said),
        whole(index, id, said),
        done(index, item),
    ]
}

fn with_call_id(id: &str, call_id: &str, arguments: &str) -> Value {
    let mut item = call(id, arguments);
    item["call_id"] = json!(call_id);
    item
}

fn calls_of(items: &[Value], output: Value) -> Vec<Value> {
    let mut events = vec![created()];
    for (index, item) in (0u64..).zip(items) {
        events.extend(whole_call(index, item));
    }
    events.push(completed(output));
    events
}

#[test]
fn two_calls_of_one_call_id_can_be_told_apart() {
    let items = [
        with_call_id("fc_1", "call_0", ARGUMENTS),
        with_call_id("fc_2", "call_0", r#"{"city":"Rome"}"#),
        with_call_id("fc_3", "call_0", r#"{"city":"Bern"}"#),
    ];
    for output in [
        json!(items),
        json!([]),
        json!([items[1], items[0], items[2]]),
    ] {
        let outcome = clean(&calls_of(&items, output), "\"never\"");
        let said = outputs(&outcome);
        assert_eq!(said.len(), 3, "{said:?}");
        assert_eq!(said[0], ("call_0".to_owned(), ARGUMENTS.to_owned()));
        for (at, city) in [(1, "Rome"), (2, "Bern")] {
            assert!(said[at].0.starts_with("call_respair_"), "{said:?}");
            assert!(said[at].1.contains(city), "{said:?}");
        }
        assert_ne!(said[1].0, said[2].0);
    }
    // Only their done events, and only the terminal's `output`.
    let mut events = vec![created()];
    events.extend((0u64..).zip(&items).map(|(index, item)| done(index, item)));
    events.push(completed(json!(items)));
    for events in [events, vec![created(), completed(json!(items))]] {
        let said = outputs(&clean(&events, "\"never\""));
        let ids: std::collections::HashSet<&str> = said.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!((said.len(), ids.len()), (3, 3), "{said:?}");
    }
}

#[test]
fn the_same_call_is_delivered_once() {
    let one = with_call_id("fc_1", "call_0", ARGUMENTS);
    let again = with_call_id("fc_2", "call_0", "{ \"city\": \"Paris\" }");
    let streams = [
        calls_of(&[one.clone(), again.clone()], json!([one, again])),
        calls_of(&[one.clone(), again.clone()], json!([])),
        calls_of(std::slice::from_ref(&one), json!([one, again])),
        vec![
            created(),
            done(0, &one),
            done(1, &again),
            completed(json!([one])),
        ],
        vec![created(), completed(json!([one, again]))],
        [
            vec![created()],
            whole_call(0, &one),
            vec![added(1, &again), completed(json!([one]))],
        ]
        .concat(),
        [
            vec![created(), added(0, &one)],
            whole_call(0, &one),
            vec![completed(json!([one]))],
        ]
        .concat(),
    ];
    for (at, events) in streams.iter().enumerate() {
        let outcome = clean(events, "\"never\"");
        let expected = [("call_0".to_owned(), ARGUMENTS.to_owned())];
        assert_eq!(outputs(&outcome), expected, "stream {at}");
        assert_eq!(outcome.arguments, ARGUMENTS, "stream {at}");
        assert!(matches!(outcome.ending, Some(Ending::Completed { .. })));
    }
}

/// Deltas of two open calls that name neither: they are not given to the last one.
#[test]
fn which_call_is_meant_is_not_guessed() {
    let (one, two) = (call("fc_1", ARGUMENTS), call("fc_2", r#"{"b":2}"#));
    let bare = |mut event: Value| {
        let fields = event.as_object_mut().unwrap();
        fields.remove("output_index");
        fields.remove("item_id");
        event
    };
    let start = [created(), added(0, &one), added(1, &two)];
    let merged = [
        &start[..],
        &[bare(piece(0, "", "{")), completed(json!([one, two]))],
    ]
    .concat();
    failed(&clean(&merged, "\"never\""), "call_identity_conflict");
    // With one of them done only the other can be meant.
    let events = [
        &start[..],
        &[
            whole(0, "fc_1", ARGUMENTS),
            bare(piece(0, "", "{\"b\":")),
            bare(piece(0, "", "2}")),
            done(0, &one),
            done(1, &two),
            completed(json!([one, two])),
        ],
    ]
    .concat();
    let said = outputs(&clean(&events, "\"never\""));
    assert_eq!(said[0].1, ARGUMENTS);
    assert_eq!(said[1].1, r#"{"b":2}"#);
    // A done event that names nothing is known by what it says.
    let nameless = |item: &Value| {
        let mut event = bare(done(0, item));
        for key in ["id", "call_id"] {
            event["item"].as_object_mut().unwrap().remove(key);
        }
        event
    };
    let events = [
        &start[..],
        &[
            piece(0, "fc_1", ARGUMENTS),
            piece(1, "fc_2", r#"{"b":2}"#),
            nameless(&two),
            nameless(&one),
            completed(json!([])),
        ],
    ]
    .concat();
    let said = outputs(&clean(&events, "\"never\""));
    assert_eq!(said[0], ("call_fc_1".to_owned(), ARGUMENTS.to_owned()));
    assert_eq!(said[1], ("call_fc_2".to_owned(), r#"{"b":2}"#.to_owned()));
}

/// Relays that number a call's deltas otherwise than its `added`: the call is delivered once.
#[test]
fn deltas_under_another_index_belong_to_the_only_open_call() {
    let item = call("fc_1", ARGUMENTS);
    let mut begun = added(0, &item);
    begun.as_object_mut().unwrap().remove("output_index");
    let events = [
        created(),
        begun,
        piece(3, "other", ARGUMENTS),
        whole(3, "other", ARGUMENTS),
        done(3, &item),
        completed(json!([item])),
    ];
    let outcome = clean(&events, "\"never\"");
    assert_eq!(outputs(&outcome).len(), 1);
    assert_eq!(outcome.arguments, ARGUMENTS);
    // Here its index is known, and the deltas' own is another: what is held of them is the same call in the end.
    let events = [
        created(),
        added(0, &item),
        piece(3, "other", ARGUMENTS),
        whole(3, "other", ARGUMENTS),
        done(3, &item),
        completed(json!([item])),
    ];
    let outcome = clean(&events, "\"never\"");
    assert_eq!(outputs(&outcome).len(), 1);
    assert_eq!(outcome.arguments, ARGUMENTS);
}

/// What joins a call to its output: its call id, its own id only where there is none, one that says so where both are
/// missing (DEVIATIONS 9.2).
#[test]
fn a_call_has_the_call_id_that_the_upstream_can_join_it_by() {
    for (id, call_id, joined) in [
        (json!("fc_1"), json!("call_1"), "call_1"),
        (json!("fc_1"), json!(null), "fc_1"),
        (json!("fc_1"), json!(""), "fc_1"),
        (json!(null), json!("call_1"), "call_1"),
        (json!(""), json!("call_1"), "call_1"),
        (json!(""), json!(""), "call_respair_"),
        (json!(null), json!(null), "call_respair_"),
    ] {
        let mut item = call("fc_1", ARGUMENTS);
        (item["id"], item["call_id"]) = (id.clone(), call_id.clone());
        let mut events = vec![
            created(),
            added(0, &item),
            piece(0, "", ARGUMENTS),
            whole(0, "", ARGUMENTS),
            done(0, &item),
            completed(json!([item])),
        ];
        for event in &mut events[2..4] {
            event["item_id"] = id.clone();
        }
        let outcome = clean(&events, "\"never\"");
        let said = outputs(&outcome);
        assert_eq!((said.len(), said[0].1.as_str()), (1, ARGUMENTS));
        assert!(said[0].0.starts_with(joined), "{id} {call_id}: {said:?}");
    }
}
