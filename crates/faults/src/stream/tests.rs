//! What makes the events of a stream agree.

use super::*;
use serde_json::json;

fn field(stream: &Stream, path: &str) -> Vec<Value> {
    stream
        .evs()
        .iter()
        .map(|ev| ev.get(path).cloned().unwrap_or(Value::Null))
        .collect()
}

#[test]
fn a_conforming_stream_agrees_with_itself() {
    let stream = conforming_reasoning_then_text(["Hm", "m."], ["Hel", "lo"]);
    let evs = stream.evs();
    let kinds: Vec<_> = evs
        .iter()
        .map(|ev| ev.kind().trim_start_matches("response."))
        .collect();
    assert_eq!(
        kinds,
        [
            "created",
            "in_progress",
            "output_item.added",
            "reasoning_summary_part.added",
            "reasoning_summary_text.delta",
            "reasoning_summary_text.delta",
            "reasoning_summary_text.done",
            "reasoning_summary_part.done",
            "output_item.done",
            "output_item.added",
            "content_part.added",
            "output_text.delta",
            "output_text.delta",
            "output_text.done",
            "content_part.done",
            "output_item.done",
            "completed",
        ]
    );
    let numbers: Vec<_> = (0..17).map(Value::from).collect();
    assert_eq!(field(&stream, "sequence_number"), numbers);
    assert_eq!(evs[4].get("item_id"), Some(&json!("rs_relay1_0")));
    assert_eq!(evs[11].get("item_id"), Some(&json!("msg_relay1_1")));
    assert_eq!(evs[11].get("output_index"), Some(&json!(1)));
    let output = evs[16].get("response.output").unwrap();
    assert_eq!(output[0], *evs[8].get("item").unwrap());
    assert_eq!(output[1], *evs[15].get("item").unwrap());
    assert_eq!(output[1]["content"][0]["text"], "Hello");
}

#[test]
fn dropping_an_event_renumbers_and_keeps_the_ids() {
    let stream = conforming_text(["Hi"]).drop_type("response.created");
    assert_eq!(stream.evs()[0].kind(), "response.in_progress");
    assert_eq!(field(&stream, "sequence_number")[0], json!(0));
}

#[test]
fn deltas_without_items_get_one_index_for_each_family() {
    let stream: Stream = [
        ev::summary_delta("a"),
        ev::text_delta("b"),
        ev::summary_delta("c"),
    ]
    .into_iter()
    .collect();
    assert_eq!(
        field(&stream, "output_index"),
        [json!(0), json!(1), json!(0)]
    );
    assert_eq!(
        field(&stream, "item_id"),
        ["rs_relay1_0", "msg_relay1_1", "rs_relay1_0"]
    );
}

#[test]
fn pinned_values_stay_and_are_followed() {
    let stream = Stream::new()
        .push(ev::message_added().index(3).item_id("msg_mine"))
        .push(ev::text_delta("a"))
        .push(ev::text_delta("b").item_id("msg_other").sequence(9))
        .push(ev::text_delta("c").without("output_index"));
    assert_eq!(
        field(&stream, "output_index"),
        [json!(3), json!(3), json!(3), Value::Null]
    );
    assert_eq!(
        field(&stream, "item_id"),
        [
            Value::Null,
            "msg_mine".into(),
            "msg_other".into(),
            "msg_mine".into()
        ]
    );
    assert_eq!(
        field(&stream, "sequence_number"),
        [json!(0), json!(1), json!(9), json!(3)]
    );
}

#[test]
fn interleaved_calls_are_told_apart_by_index() {
    let stream = Stream::new()
        .push(ev::call_added("a"))
        .push(ev::call_added("b"))
        .push(ev::arguments_delta("{}").index(0))
        .push(ev::arguments_delta("{}"))
        .push(ev::call_done("a", "{}").index(0))
        .push(ev::call_done("b", "{}"))
        .complete();
    let evs = stream.evs();
    assert_eq!(evs[2].get("item_id"), Some(&json!("fc_relay1_0")));
    assert_eq!(evs[3].get("item_id"), Some(&json!("fc_relay1_1")));
    assert_eq!(evs[4].get("item.call_id"), Some(&json!("call_relay1_0")));
    assert_eq!(
        evs[6].get("response.output.1.call_id"),
        Some(&json!("call_relay1_1"))
    );
}

#[test]
fn given_items_take_the_ids_of_the_items_in_the_stream() {
    let stream = Stream::new()
        .turn(4)
        .model("m")
        .push(ev::created())
        .push(ev::reasoning_added())
        .push(ev::message_added().item_id("msg_up"))
        .push(ev::completed([
            Item::reasoning("r"),
            Item::message("t"),
            Item::raw(json!({"type": "message", "id": "x"})),
        ]));
    let evs = stream.evs();
    assert_eq!(evs[0].get("response.id"), Some(&json!("resp_relay4")));
    assert_eq!(evs[3].get("response.model"), Some(&json!("m")));
    let ids: Vec<_> = (0..3)
        .map(|at| {
            evs[3]
                .get(&format!("response.output.{at}.id"))
                .unwrap()
                .clone()
        })
        .collect();
    assert_eq!(ids, ["rs_relay4_0", "msg_up", "x"]);
}

#[test]
fn a_second_part_has_the_next_index() {
    let stream = Stream::new().push(ev::reasoning_added()).extend([
        ev::summary_part_added(),
        ev::summary_delta("a"),
        ev::summary_part_added(),
        ev::summary_delta("b"),
    ]);
    assert_eq!(
        field(&stream, "summary_index")[1..],
        [json!(0), json!(0), json!(1), json!(1)]
    );
}

#[test]
fn vendor_events_take_no_number_and_terminals_take_what_was_done() {
    let stream = Stream::new()
        .push(ev::rate_limits())
        .prelude()
        .message(["Hi"])
        .push(ev::incomplete("max_output_tokens"));
    assert_eq!(
        field(&stream, "sequence_number")[..2],
        [Value::Null, json!(0)]
    );
    assert_eq!(
        stream.response().unwrap()["output"][0]["content"][0]["text"],
        "Hi"
    );
    assert_eq!(
        stream.response().unwrap()["incomplete_details"]["reason"],
        "max_output_tokens"
    );
}
