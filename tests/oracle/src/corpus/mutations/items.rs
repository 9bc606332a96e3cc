//! Items: added, their index and identity, their fields, done.

use serde_json::json;

use super::{
    ADDED, ARGUMENTS, COMPLETED, DELTA, DONE, Mutation, PART, PART_DONE, TEXT_DONE, bent, lacks,
    says,
};
use crate::corpus::wire::{self, response};

pub(super) fn items() -> Vec<Mutation> {
    use wire::{calls, reasoning, text, two};
    vec![
        (
            "item not added",
            "item-not-added",
            "item-not-added",
            bent(text(), |w| w.without(ADDED)),
        ),
        (
            "item added with item null",
            "item-fields-missing",
            "item-not-added",
            says(text(), ADDED, "/item", json!(null)),
        ),
        (
            "item added as a string",
            "item-fields-missing",
            "item-fields-missing",
            says(text(), ADDED, "/item", json!("msg_0")),
        ),
        (
            "item done as null",
            "item-fields-missing",
            "item-fields-missing",
            says(text(), DONE, "/item", json!(null)),
        ),
        (
            "item done without item",
            "item-fields-missing",
            "item-fields-missing",
            lacks(text(), DONE, "", "item"),
        ),
        (
            "reasoning not added",
            "item-not-added",
            "",
            bent(reasoning(), |w| drop(w.remove(ADDED))),
        ),
        (
            "call not added",
            "item-not-added",
            "item-not-added",
            bent(calls(), |w| drop(w.remove(ADDED))),
        ),
        (
            "call not added, no deltas",
            "item-not-added",
            "",
            bent(calls(), |w| {
                w.remove(ADDED);
                w.without(ARGUMENTS);
            }),
        ),
        (
            "only the done item",
            "item-not-added",
            "",
            bent(text(), |w| {
                for kind in [ADDED, PART, TEXT_DONE, PART_DONE] {
                    w.without(kind);
                }
                w.without(DELTA);
            }),
        ),
        (
            "no output index at added",
            "output-index-missing",
            "item-not-added",
            lacks(text(), ADDED, "", "output_index"),
        ),
        (
            "no output index at a delta",
            "output-index-missing",
            "item-not-added",
            lacks(text(), DELTA, "", "output_index"),
        ),
        (
            "no output index at item done",
            "output-index-missing",
            "item-done-missing",
            bent(text(), |w| {
                w.at(DONE).as_object_mut().unwrap().remove("output_index");
                w.at(COMPLETED)["response"]["output"] = json!([]);
            }),
        ),
        (
            "no output index at item done, output whole",
            "output-index-missing",
            "",
            lacks(text(), DONE, "", "output_index"),
        ),
        (
            "no output index anywhere, one item",
            "output-index-missing",
            "",
            bent(text(), |w| w.strip("output_index")),
        ),
        (
            "no output index anywhere, two items",
            "output-index-missing",
            "output-index-missing",
            bent(two(), |w| w.strip("output_index")),
        ),
        (
            "output index a list",
            "output-index-missing",
            "output-index-missing",
            says(text(), DELTA, "/output_index", json!([])),
        ),
        (
            "all items at index 0",
            "output-index-duplicate",
            "output-index-duplicate",
            bent(two(), |w| {
                for event in &mut w.events {
                    if event.get("output_index").is_some() {
                        event["output_index"] = json!(0);
                    }
                }
            }),
        ),
        (
            "index gap",
            "output-index-gap",
            "",
            bent(text(), |w| {
                for event in &mut w.events {
                    if event.get("output_index").is_some() {
                        event["output_index"] = json!(1);
                    }
                }
            }),
        ),
        (
            "delta for another index",
            "item-not-added",
            "item-not-added",
            says(text(), DELTA, "/output_index", json!(3)),
        ),
        (
            "no item ids on events",
            "item-id-missing",
            "",
            bent(text(), |w| w.strip("item_id")),
        ),
        (
            "item id changes on a delta",
            "item-id-changed",
            "",
            says(text(), DELTA, "/item_id", json!("other")),
        ),
        (
            "no id at added",
            "item-id-missing",
            "item-id-changed",
            lacks(text(), ADDED, "/item", "id"),
        ),
        (
            "no id at done",
            "item-id-missing",
            "item-id-missing",
            lacks(text(), DONE, "/item", "id"),
        ),
        (
            "no ids on items",
            "item-id-missing",
            "",
            bent(text(), |w| {
                for kind in [ADDED, DONE] {
                    w.at(kind)["item"].as_object_mut().unwrap().remove("id");
                }
                w.at(COMPLETED)["response"]["output"][0]
                    .as_object_mut()
                    .unwrap()
                    .remove("id");
            }),
        ),
        (
            "no ids on two items",
            "item-id-missing",
            "item-id-duplicate",
            bent(two(), |w| {
                for event in &mut w.events {
                    if let Some(item) = event.get_mut("item") {
                        item.as_object_mut().unwrap().remove("id");
                    }
                }
            }),
        ),
        (
            "empty ids on two items",
            "item-id-missing",
            "item-id-duplicate",
            bent(two(), |w| {
                for event in &mut w.events {
                    if let Some(item) = event.get_mut("item") {
                        item["id"] = json!("");
                    }
                }
            }),
        ),
        (
            "id changes at done",
            "item-id-changed",
            "item-id-changed",
            says(text(), DONE, "/item/id", json!("other")),
        ),
        (
            "call id changes at done",
            "item-id-changed",
            "item-id-changed",
            says(calls(), DONE, "/item/id", json!("other")),
        ),
        (
            "call without id at added",
            "item-id-missing",
            "",
            lacks(calls(), ADDED, "/item", "id"),
        ),
        (
            "call without id at done",
            "item-id-missing",
            "item-id-missing",
            lacks(calls(), DONE, "/item", "id"),
        ),
        (
            "reasoning id changes at done",
            "item-id-changed",
            "item-id-changed",
            says(reasoning(), DONE, "/item/id", json!("other")),
        ),
        (
            "one id at two indices",
            "item-id-duplicate",
            "item-id-duplicate",
            bent(two(), |w| {
                for event in &mut w.events {
                    if event["item"]["id"] == "msg_1" {
                        event["item"]["id"] = json!("msg_0");
                    }
                    if event["item_id"] == "msg_1" {
                        event["item_id"] = json!("msg_0");
                    }
                }
                w.at(COMPLETED)["response"]["output"][1]["id"] = json!("msg_0");
            }),
        ),
        (
            "call_id changes at done",
            "call-identity-changed",
            "call-identity-changed",
            says(calls(), DONE, "/item/call_id", json!("x")),
        ),
        (
            "call without call_id throughout",
            "item-fields-missing",
            "",
            bent(calls(), |w| {
                w.events.truncate(7);
                for kind in [ADDED, DONE] {
                    w.at(kind)["item"]
                        .as_object_mut()
                        .unwrap()
                        .remove("call_id");
                }
                w.events
                    .push(json!({"type": COMPLETED, "response": response("completed", &[])}));
            }),
        ),
        (
            "type changes at done",
            "call-identity-changed",
            "call-identity-changed",
            says(text(), DONE, "/item/type", json!("reasoning")),
        ),
        (
            "added without type",
            "item-fields-missing",
            "item-not-added",
            lacks(text(), ADDED, "/item", "type"),
        ),
        (
            "reasoning added without type",
            "item-fields-missing",
            "call-identity-changed",
            lacks(reasoning(), ADDED, "/item", "type"),
        ),
        (
            "reasoning without type throughout",
            "item-fields-missing",
            "",
            bent(reasoning(), |w| {
                for event in &mut w.events {
                    if event["item"]["type"] == "reasoning" {
                        event["item"].as_object_mut().unwrap().remove("type");
                    }
                }
            }),
        ),
        (
            "message added without content",
            "item-fields-missing",
            "item-fields-missing",
            lacks(text(), ADDED, "/item", "content"),
        ),
        (
            "message added with content null",
            "item-fields-missing",
            "item-fields-missing",
            says(text(), ADDED, "/item/content", json!(null)),
        ),
        (
            "message added without role",
            "item-fields-missing",
            "",
            lacks(text(), ADDED, "/item", "role"),
        ),
        (
            "message added without status",
            "item-fields-missing",
            "",
            lacks(text(), ADDED, "/item", "status"),
        ),
        (
            "message done without content",
            "item-fields-missing",
            "",
            lacks(text(), DONE, "/item", "content"),
        ),
        (
            "reasoning without summary",
            "item-fields-missing",
            "",
            lacks(reasoning(), ADDED, "/item", "summary"),
        ),
        (
            "call added without arguments",
            "item-fields-missing",
            "item-fields-missing",
            lacks(calls(), ADDED, "/item", "arguments"),
        ),
        (
            "call added without name",
            "item-fields-missing",
            "",
            lacks(calls(), ADDED, "/item", "name"),
        ),
        (
            "call added without status",
            "item-fields-missing",
            "",
            lacks(calls(), ADDED, "/item", "status"),
        ),
        (
            "item added twice",
            "output-index-duplicate",
            "output-index-duplicate",
            bent(text(), |w| {
                let again = w.at(ADDED).clone();
                w.after(ADDED, again);
            }),
        ),
        (
            "item done twice",
            "delta-after-done",
            "",
            bent(text(), |w| {
                let again = w.at(DONE).clone();
                w.after(DONE, again);
            }),
        ),
        (
            "reasoning text not added",
            "item-not-added",
            "item-not-added",
            bent(reasoning(), |w| {
                w.events
                    .retain(|event| event["type"] != ADDED || event["output_index"] != 1);
            }),
        ),
        (
            "two calls, one item id",
            "item-id-duplicate",
            "",
            two_calls("id"),
        ),
        (
            "two calls, one call_id",
            "item-id-duplicate",
            "item-id-duplicate",
            two_calls("call_id"),
        ),
        (
            "tool_search_call changes its call_id",
            "",
            "",
            bent(wire::hosted(), |w| {
                w.events
                    .retain(|event| !event["type"].as_str().unwrap().contains("web_search"));
                w.at(ADDED)["item"] = json!({"id": "ts_0", "type": "tool_search_call", "call_id": null, "status": "in_progress"});
                let done = json!({"id": "ts_0", "type": "tool_search_call", "call_id": "call_1", "status": "completed"});
                w.at(DONE)["item"] = done.clone();
                w.at(COMPLETED)["response"]["output"][0] = done;
            }),
        ),
    ]
}

/// Two function calls that differ in everything but that field.
fn two_calls(same: &str) -> Vec<u8> {
    bent(wire::function_calls(), |w| {
        let shared = w.at(ADDED)["item"][same].clone();
        for event in &mut w.events {
            if event.get("item").is_some() {
                event["item"][same] = shared.clone();
            }
            if same == "id" && event.get("item_id").is_some() {
                event["item_id"] = shared.clone();
            }
        }
        for item in w.at("response.completed")["response"]["output"]
            .as_array_mut()
            .unwrap()
        {
            item[same] = shared.clone();
        }
    })
}
