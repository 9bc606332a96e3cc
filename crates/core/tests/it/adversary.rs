//! Streams as real relays bend them, several things at once, and what has to be left of them.

use respair_core::Profile;
use serde_json::{Value, json};

use crate::events::{added, body, completed, created, delta, done, message, part};
use crate::regressions::healed;
use crate::run::{strict, tolerant};

fn reasoning(summary: &[&str], content: Option<&[&str]>) -> Value {
    let parts = |kind: &str, texts: &[&str]| -> Vec<Value> {
        texts
            .iter()
            .map(|text| json!({ "type": kind, "text": text }))
            .collect()
    };
    let mut item =
        json!({ "type": "reasoning", "id": "rs_1", "summary": parts("summary_text", summary) });
    if let Some(texts) = content {
        item["content"] = json!(parts("reasoning_text", texts));
    }
    item
}

fn thinking(item: &Value, deltas: Vec<Value>) -> Vec<Value> {
    let empty = json!({ "type": "reasoning", "id": "rs_1", "summary": [] });
    let mut events = vec![
        created(),
        json!({ "type": "response.output_item.added", "output_index": 0, "item": empty }),
    ];
    events.extend(deltas);
    events.extend([done(0, item), completed(json!([item]))]);
    events
}

fn summary(index: u64, text: &str) -> Value {
    json!({ "type": "response.reasoning_summary_text.delta", "output_index": 0, "item_id": "rs_1", "summary_index": index,
        "delta": text })
}

fn thought(text: &str) -> Value {
    json!({ "type": "response.reasoning_text.delta", "output_index": 0, "item_id": "rs_1", "content_index": 0, "delta": text })
}

/// The item says what was streamed, but cut into other parts: it is not said a second time, live or in the end.
#[test]
fn reasoning_that_is_cut_in_another_way_comes_once() {
    let streamed_apart = || vec![summary(0, "One."), summary(1, "Two.")];
    let streamed_as_one = || vec![summary(0, "One."), summary(0, "Two.")];
    let table: Vec<(Value, Vec<Value>, &str)> = vec![
        (reasoning(&["One.Two."], None), streamed_apart(), "One.Two."),
        (
            reasoning(&["One.\n\nTwo."], None),
            streamed_apart(),
            "One.Two.",
        ),
        (
            reasoning(&["One.", "Two."], None),
            streamed_as_one(),
            "One.Two.",
        ),
        (
            reasoning(&["One.", "Two.", "Three."], None),
            streamed_as_one(),
            "One.Two.Three.",
        ),
        (reasoning(&["One."], None), vec![thought("One.")], "One."),
        (
            reasoning(&[], Some(&["One."])),
            vec![summary(0, "One.")],
            "One.",
        ),
    ];
    for (item, deltas, said) in table {
        let events = thinking(&item, deltas);
        for outcome in [
            strict(Profile::OpenAiSdk, &body(&events)),
            tolerant(Profile::Portable, &body(&events)),
        ] {
            assert_eq!(outcome.reasoning.replace('\n', ""), said, "{item}");
        }
        let outcome = healed(&events, "");
        let shown = String::from_utf8_lossy(&outcome.out).into_owned();
        assert_eq!(outcome.reasoning.replace('\n', ""), said, "{shown}");
        assert_eq!(
            outcome.response.reasoning.replace('\n', ""),
            said,
            "{shown}"
        );
    }
}

#[test]
fn a_message_that_is_cut_in_another_way_comes_once() {
    let of = |texts: &[&str]| {
        let mut item = message("msg_1", "");
        let part = |text: &&str| json!({ "type": "output_text", "text": text, "annotations": [] });
        item["content"] = json!(texts.iter().map(part).collect::<Vec<_>>());
        item
    };
    let at = |content_index: u64, text: &str| {
        let mut event = delta(0, "msg_1", text);
        event["content_index"] = json!(content_index);
        event
    };
    let apart = [
        part(0, "msg_1", 0),
        at(0, "One."),
        part(0, "msg_1", 1),
        at(1, "Two."),
    ];
    let as_one = [part(0, "msg_1", 0), at(0, "One."), at(0, "Two.")];
    for (deltas, item, said) in [
        (&apart[..], of(&["One.Two."]), "One.Two."),
        (&apart[..], of(&["One.\n\nTwo."]), "One.Two."),
        (&as_one[..], of(&["One.", "Two."]), "One.Two."),
        (
            &as_one[..],
            of(&["One.", "Two.", "Three."]),
            "One.Two.Three.",
        ),
        (&apart[..], of(&["One.Two.Three."]), "One.Two.Three."),
    ] {
        let mut events = vec![created(), added(0, &message("msg_1", ""))];
        events.extend_from_slice(deltas);
        events.extend([done(0, &item), completed(json!([item]))]);
        let live = strict(Profile::OpenAiSdk, &body(&events)).text;
        assert_eq!(live, said, "{item}");
        healed(&events, said);
        let only_at_the_end = [&events[..events.len() - 2], &events[events.len() - 1..]].concat();
        healed(&only_at_the_end, said);
    }
}

/// A delta behind the done event of its text, in an item that is open: the item's done event speaks of all of it, so a
/// new item would say the end twice (DEVIATIONS 2.5, 2.7, 2.8).
#[test]
fn text_behind_its_done_event_stays_in_its_item() {
    let text_done = |text: &str| {
        json!({ "type": "response.output_text.done", "output_index": 0, "item_id": "msg_1", "content_index": 0, "text": text,
            "logprobs": [] })
    };
    let of = |texts: &[&str]| {
        let mut item = message("msg_1", "");
        let part = |text: &&str| json!({ "type": "output_text", "text": text, "annotations": [] });
        item["content"] = json!(texts.iter().map(part).collect::<Vec<_>>());
        item
    };
    for (second, item) in [
        ("Two.", of(&["One.", "Two."])),
        ("One.Two.", of(&["One.Two."])),
    ] {
        for bare in [false, true] {
            let mut events = vec![
                created(),
                added(0, &item),
                delta(0, "msg_1", "One."),
                text_done("One."),
                delta(0, "msg_1", "Tw"),
                delta(0, "msg_1", "o."),
                text_done(second),
                done(0, &item),
                completed(json!([item])),
            ];
            for event in events.iter_mut().filter(|_| bare) {
                event.as_object_mut().unwrap().remove("content_index");
            }
            assert_eq!(healed(&events, "One.Two.").response.output.len(), 1);
        }
    }
}

/// Summaries without indices and without their parts' events, as opencode saw them (DEVIATIONS 2.7).
#[test]
fn summaries_without_an_index_come_once() {
    let item = reasoning(&["One.", "Two."], None);
    let said = |text: &str| {
        [
            json!({ "type": "response.reasoning_summary_text.delta", "output_index": 0, "item_id": "rs_1", "delta": text }),
            json!({ "type": "response.reasoning_summary_text.done", "output_index": 0, "item_id": "rs_1", "text": text }),
        ]
    };
    let events = thinking(&item, [said("One."), said("Two.")].concat());
    let outcome = healed(&events, "");
    assert_eq!(outcome.reasoning.replace('\n', ""), "One.Two.");
    assert_eq!(outcome.response.output.len(), 1);
}

/// An upstream that began again without saying so, and names nothing: `output` lists the message that was done, not the
/// one that was left open, and the open one does not take its text over.
#[test]
fn an_attempt_that_was_left_is_not_filled_from_the_next_one() {
    let whole = message("msg_1", "Bonjour");
    let mut events = vec![
        created(),
        added(0, &whole),
        part(0, "msg_1", 0),
        delta(0, "msg_1", "Bon"),
        added(0, &whole),
        part(0, "msg_1", 0),
        delta(0, "msg_1", "Bonjour"),
        done(0, &whole),
    ];
    for event in &mut events {
        let event = event.as_object_mut().unwrap();
        event.remove("item_id");
        event.remove("output_index");
        if let Some(item) = event.get_mut("item") {
            item.as_object_mut().unwrap().remove("id");
        }
    }
    events.push(completed(json!([whole])));
    healed(&events, "BonBonjour");
}
