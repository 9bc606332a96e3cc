//! Content parts, text, arguments, and what closes them.

use serde_json::json;

use super::{
    ADDED, ARGUMENTS, ARGUMENTS_DONE, COMPLETED, DELTA, DONE, Mutation, PART, PART_DONE, TEXT_DONE,
    bent, lacks, says,
};
use crate::corpus::wire::{self};

pub(super) fn parts() -> Vec<Mutation> {
    use wire::{calls, reasoning, refusal, text};
    vec![
        (
            "part not added",
            "part-not-added",
            "part-not-added",
            bent(text(), |w| w.without(PART)),
        ),
        (
            "refusal part not added",
            "part-not-added",
            "",
            bent(refusal(), |w| w.without(PART)),
        ),
        (
            "reasoning part not added",
            "part-not-added",
            "",
            bent(reasoning(), |w| drop(w.remove(PART))),
        ),
        (
            "summary part not added",
            "part-not-added",
            "",
            bent(reasoning(), |w| {
                w.without("response.reasoning_summary_part.added")
            }),
        ),
        (
            "part null",
            "part-fields-missing",
            "part-fields-missing",
            says(text(), PART, "/part", json!(null)),
        ),
        (
            "part without type",
            "part-fields-missing",
            "part-not-added",
            lacks(text(), PART, "/part", "type"),
        ),
        (
            "part without text",
            "part-fields-missing",
            "part-fields-missing",
            lacks(text(), PART, "/part", "text"),
        ),
        (
            "part without annotations",
            "part-fields-missing",
            "",
            lacks(text(), PART, "/part", "annotations"),
        ),
        (
            "part of another type",
            "part-not-added",
            "part-not-added",
            says(text(), PART, "/part/type", json!("refusal")),
        ),
        (
            "no content index at part added",
            "content-index-missing",
            "",
            lacks(text(), PART, "", "content_index"),
        ),
        (
            "no content index at a delta",
            "content-index-missing",
            "content-index-missing",
            lacks(text(), DELTA, "", "content_index"),
        ),
        (
            "no content index at text done",
            "content-index-missing",
            "content-index-missing",
            lacks(text(), TEXT_DONE, "", "content_index"),
        ),
        (
            "no content index at part done",
            "content-index-missing",
            "",
            lacks(text(), PART_DONE, "", "content_index"),
        ),
        (
            "content index beyond the parts",
            "part-not-added",
            "part-not-added",
            says(text(), DELTA, "/content_index", json!(1)),
        ),
        (
            "content index counted from the end",
            "content-index-missing",
            "",
            says(text(), DELTA, "/content_index", json!(-1)),
        ),
        (
            "part added at index 1",
            "content-index-missing",
            "",
            says(text(), PART, "/content_index", json!(1)),
        ),
        (
            "delta null",
            "delta-not-string",
            "delta-not-string",
            says(text(), DELTA, "/delta", json!(null)),
        ),
        (
            "delta an object",
            "delta-not-string",
            "delta-not-string",
            says(text(), DELTA, "/delta", json!({"text": "Hel"})),
        ),
        (
            "refusal delta null",
            "delta-not-string",
            "",
            says(refusal(), "response.refusal.delta", "/delta", json!(null)),
        ),
        (
            "reasoning delta null",
            "delta-not-string",
            "",
            says(
                reasoning(),
                "response.reasoning_text.delta",
                "/delta",
                json!(null),
            ),
        ),
        (
            "arguments delta an object",
            "delta-not-string",
            "delta-not-string",
            says(calls(), ARGUMENTS, "/delta", json!({"a": 1})),
        ),
        (
            "input delta an object",
            "delta-not-string",
            "",
            says(
                calls(),
                "response.custom_tool_call_input.delta",
                "/delta",
                json!({}),
            ),
        ),
        (
            "text for a reasoning item",
            "item-not-added",
            "item-not-added",
            bent(reasoning(), |w| {
                let delta = w.at(DELTA).clone();
                let place = w.place("response.reasoning_summary_text.delta");
                w.events.insert(place, delta);
                w.events[place]["output_index"] = json!(0);
                w.events[place]["item_id"] = json!("rs_0");
            }),
        ),
        (
            "arguments for a message",
            "item-not-added",
            "item-not-added",
            bent(text(), |w| {
                w.after(
                    DELTA,
                    json!({"type": ARGUMENTS, "delta": "{", "item_id": "msg_0", "output_index": 0}),
                );
            }),
        ),
        (
            "done arguments for a message",
            "item-not-added",
            "",
            bent(text(), |w| {
                w.after(DELTA, json!({"type": ARGUMENTS_DONE, "arguments": "{", "item_id": "msg_0", "output_index": 0}));
            }),
        ),
        (
            "part text prefilled",
            "done-text-mismatch",
            "",
            says(text(), PART, "/part/text", json!("Hello")),
        ),
        (
            "call arguments prefilled",
            "done-text-mismatch",
            "",
            says(calls(), ADDED, "/item/arguments", json!("{}")),
        ),
        (
            "message content prefilled",
            "done-text-mismatch",
            "",
            says(
                text(),
                ADDED,
                "/item/content",
                json!([{"type": "output_text", "text": "Hello", "annotations": []}]),
            ),
        ),
        (
            "text done twice",
            "delta-after-done",
            "",
            bent(text(), |w| {
                let again = w.at(TEXT_DONE).clone();
                w.after(TEXT_DONE, again);
            }),
        ),
        (
            "part done twice",
            "delta-after-done",
            "",
            bent(text(), |w| {
                let again = w.at(PART_DONE).clone();
                w.after(PART_DONE, again);
            }),
        ),
        (
            "delta after text done",
            "delta-after-done",
            "",
            bent(text(), |w| {
                let again = w.at(DELTA).clone();
                w.after(TEXT_DONE, again);
            }),
        ),
        (
            "delta after item done",
            "delta-after-done",
            "",
            bent(text(), |w| {
                let again = w.at(DELTA).clone();
                w.after(DONE, again);
            }),
        ),
        (
            "no text done",
            "text-done-missing",
            "",
            bent(text(), |w| w.without(TEXT_DONE)),
        ),
        (
            "no part done",
            "part-done-missing",
            "",
            bent(text(), |w| w.without(PART_DONE)),
        ),
        (
            "no summary part done",
            "part-done-missing",
            "",
            bent(reasoning(), |w| {
                w.without("response.reasoning_summary_part.done")
            }),
        ),
        (
            "no item done",
            "item-done-missing",
            "",
            bent(text(), |w| w.without(DONE)),
        ),
        (
            "no item done, empty output",
            "item-done-missing",
            "item-done-missing",
            bent(text(), |w| {
                w.without(DONE);
                w.at(COMPLETED)["response"]["output"] = json!([]);
            }),
        ),
        (
            "no item done, under incomplete",
            "item-done-missing",
            "",
            bent(wire::incomplete(), |w| w.without(DONE)),
        ),
        (
            "no arguments done",
            "arguments-done-missing",
            "",
            bent(calls(), |w| w.without(ARGUMENTS_DONE)),
        ),
        (
            "no input done",
            "arguments-done-missing",
            "",
            bent(calls(), |w| {
                w.without("response.custom_tool_call_input.done")
            }),
        ),
        (
            "done text is not the deltas",
            "done-text-mismatch",
            "",
            says(text(), TEXT_DONE, "/text", json!("Hello")),
        ),
        (
            "part done text is not the deltas",
            "done-text-mismatch",
            "",
            says(text(), PART_DONE, "/part/text", json!("Hello")),
        ),
        (
            "item done text is not the deltas",
            "done-text-mismatch",
            "",
            says(text(), DONE, "/item/content/0/text", json!("Hello")),
        ),
        (
            "item done without its part",
            "done-text-mismatch",
            "",
            says(text(), DONE, "/item/content", json!([])),
        ),
        (
            "refusal is not the deltas",
            "done-text-mismatch",
            "",
            says(refusal(), "response.refusal.done", "/refusal", json!("yes")),
        ),
        (
            "summary is not the deltas",
            "done-text-mismatch",
            "",
            says(reasoning(), DONE, "/item/summary/0/text", json!("x")),
        ),
        (
            "summary only in item done",
            "done-text-mismatch",
            "",
            bent(reasoning(), |w| {
                w.events
                    .retain(|event| !event["type"].as_str().unwrap().contains("summary"));
            }),
        ),
        (
            "arguments are not the deltas",
            "done-text-mismatch",
            "",
            says(calls(), ARGUMENTS_DONE, "/arguments", json!("{}")),
        ),
        (
            "arguments only in done",
            "done-text-mismatch",
            "",
            bent(calls(), |w| w.without(ARGUMENTS)),
        ),
        (
            "text done without text",
            "event-fields-missing",
            "",
            lacks(text(), TEXT_DONE, "", "text"),
        ),
        (
            "annotation for no part",
            "part-not-added",
            "",
            bent(wire::hosted(), |w| {
                w.at("response.output_text.annotation.added")["content_index"] = json!(4);
            }),
        ),
    ]
}
