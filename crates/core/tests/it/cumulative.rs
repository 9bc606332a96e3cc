//! Deltas that repeat the whole text so far (DEVIATIONS 3.13): named at done, mended only where the user says so.

use respair_core::{Mode, Profile, ReaderOptions};
use serde_json::{Value, json};

use crate::events::{added, arguments, body, call, completed, created, delta, done, message, part};
use crate::run::{Outcome, read, strict};

fn text(deltas: &[&str], whole: &str) -> Vec<u8> {
    let item = message("msg_1", whole);
    let mut events = vec![created(), added(0, &item), part(0, "msg_1", 0)];
    events.extend(deltas.iter().map(|text| delta(0, "msg_1", text)));
    events.extend([done(0, &item), completed(json!([item]))]);
    body(&events)
}

fn call_of(deltas: &[&str], whole: &str) -> Vec<u8> {
    let item = call("fc_1", whole);
    let mut events: Vec<Value> = vec![created(), added(0, &item)];
    events.extend(deltas.iter().map(|text| {
        let mut event = arguments("delta", "delta", text);
        (event["item_id"], event["output_index"]) = (json!("fc_1"), json!(0));
        event
    }));
    events.extend([done(0, &item), completed(json!([item]))]);
    body(&events)
}

fn told(outcome: &Outcome) -> Vec<&str> {
    outcome
        .repairs
        .iter()
        .map(|repair| repair.code.as_str())
        .collect()
}

#[test]
fn they_are_taken_as_such_where_asked() {
    for deltas in [
        &["H", "He", "Hello", "Hello you"][..],
        &["Hello", "Hello", "Hello you"],
        &["", "Hel", "Hello you"],
    ] {
        for profile in Profile::ALL {
            let options = ReaderOptions::tolerant()
                .with_profile(*profile)
                .cumulative(true);
            let outcome = read(options, &text(deltas, "Hello you"));
            assert_eq!(outcome.text, "Hello you", "{deltas:?} under {profile}");
            assert!(told(&outcome).contains(&"cumulative-deltas"));
            assert!(strict(*profile, &outcome.out).refused.is_none());
        }
    }
    let outcome = read(
        ReaderOptions::tolerant().cumulative(true),
        &call_of(&["{\"a", "{\"a\":1", "{\"a\":1}"], "{\"a\":1}"),
    );
    assert_eq!(outcome.arguments, "{\"a\":1}");
}

/// Deltas that hold what is new pass untouched, also where the switch is on.
#[test]
fn plain_deltas_stay_as_they_are() {
    let stream = text(&["Hel", "lo", " you"], "Hello you");
    let plain = read(ReaderOptions::tolerant(), &stream);
    let asked = read(ReaderOptions::tolerant().cumulative(true), &stream);
    assert_eq!(asked.text, "Hello you");
    assert_eq!(plain.out, asked.out);
}

#[test]
fn they_are_never_guessed() {
    let outcome = read(ReaderOptions::tolerant(), &text(&["He", "Hello"], "Hello"));
    assert_eq!(outcome.text, "HeHello");
    let named = outcome
        .violations
        .iter()
        .find(|violation| violation.code.as_str() == "done-text-mismatch");
    assert!(
        named.is_some_and(|violation| violation.message.contains("compat.cumulative_deltas")),
        "{:?}",
        outcome.violations
    );
}

/// The strict reading stops at the second delta where the switch is on, so that the tolerant one takes over there.
#[test]
fn the_strict_reading_refuses_them_where_asked() {
    let options = ReaderOptions::strict().cumulative(true);
    assert_eq!(options.mode, Mode::Strict);
    let outcome = read(options, &text(&["He", "Hello"], "Hello"));
    let refused = outcome.refused.map(|violation| violation.code.as_str());
    assert_eq!(
        (refused, outcome.text.as_str()),
        (Some("cumulative-deltas"), "He")
    );
}
