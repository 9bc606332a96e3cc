//! The prelude: lifecycle events and their response object.

use serde_json::json;

use super::{
    COMPLETED, CREATED, DONE, FAILED, IN_PROGRESS, Mutation, TEXT_DONE, bent, lacks, says,
};
use crate::corpus::wire::{self, message, response};

pub(super) fn prelude() -> Vec<Mutation> {
    use wire::text;
    vec![
        (
            "no created",
            "created-missing",
            "created-missing",
            bent(text(), |w| w.without(CREATED)),
        ),
        (
            "no prelude",
            "created-missing",
            "created-missing",
            bent(text(), |w| drop(w.events.drain(..2))),
        ),
        (
            "vendor event first",
            "created-not-first",
            "created-missing",
            bent(text(), |w| {
                w.events.insert(0, json!({"type": "codex.rate_limits"}));
            }),
        ),
        (
            "in_progress before created",
            "created-not-first",
            "created-missing",
            bent(text(), |w| w.events.swap(0, 1)),
        ),
        (
            "queued before created",
            "created-not-first",
            "created-missing",
            bent(text(), |w| {
                w.events.insert(
                    0,
                    json!({"type": "response.queued", "response": response("queued", &[])}),
                );
            }),
        ),
        (
            "response.done first",
            "terminal-alias",
            "created-missing",
            bent(text(), |w| {
                w.events.insert(
                    0,
                    json!({"type": "response.done", "response": response("completed", &[])}),
                );
            }),
        ),
        (
            "first event without type",
            "type-missing",
            "type-missing",
            lacks(text(), CREATED, "", "type"),
        ),
        (
            "later event without type",
            "type-missing",
            "",
            lacks(text(), TEXT_DONE, "", "type"),
        ),
        (
            "created twice",
            "lifecycle-repeated",
            "",
            bent(text(), |w| {
                let again = w.events[0].clone();
                w.events.insert(1, again);
            }),
        ),
        (
            "in_progress takes the items back",
            "lifecycle-repeated",
            "",
            bent(text(), |w| {
                w.after(
                    DONE,
                    json!({"type": IN_PROGRESS, "response": response("in_progress", &[])}),
                );
            }),
        ),
        (
            "in_progress holds the items",
            "",
            "",
            bent(text(), |w| {
                let held = response("in_progress", &[message("msg_0", "Hello 🌍")]);
                w.after(DONE, json!({"type": IN_PROGRESS, "response": held}));
            }),
        ),
        (
            "in_progress holds an item twice",
            "lifecycle-repeated",
            "item-id-duplicate",
            bent(wire::two(), |w| {
                let held = response(
                    "in_progress",
                    &[message("msg_0", "one"), message("msg_0", "one")],
                );
                w.events
                    .insert(14, json!({"type": IN_PROGRESS, "response": held}));
            }),
        ),
        (
            "id changed",
            "response-id-changed",
            "response-id-changed",
            says(text(), COMPLETED, "/response/id", json!("x")),
        ),
        (
            "id changed at in_progress",
            "response-id-changed",
            "response-id-changed",
            says(text(), IN_PROGRESS, "/response/id", json!("x")),
        ),
        (
            "id changed at failed",
            "response-id-changed",
            "response-id-changed",
            bent(wire::failed(), |w| {
                w.remove("error");
                w.at(FAILED)["response"]["id"] = json!("x");
            }),
        ),
        (
            "id changed at incomplete",
            "response-id-changed",
            "response-id-changed",
            says(
                wire::incomplete(),
                "response.incomplete",
                "/response/id",
                json!("x"),
            ),
        ),
        (
            "id missing at completed",
            "response-id-missing",
            "response-id-missing",
            lacks(text(), COMPLETED, "/response", "id"),
        ),
        (
            "id missing at created",
            "response-id-missing",
            "response-id-changed",
            lacks(text(), CREATED, "/response", "id"),
        ),
        (
            "id missing throughout",
            "response-id-missing",
            "",
            bent(text(), |w| {
                for kind in [CREATED, IN_PROGRESS, COMPLETED] {
                    w.at(kind)["response"].as_object_mut().unwrap().remove("id");
                }
            }),
        ),
        (
            "created without response",
            "response-object-missing",
            "response-object-missing",
            lacks(text(), CREATED, "", "response"),
        ),
        (
            "created with response null",
            "response-object-missing",
            "response-object-missing",
            says(text(), CREATED, "/response", json!(null)),
        ),
        (
            "in_progress with response null",
            "response-object-missing",
            "response-id-missing",
            says(text(), IN_PROGRESS, "/response", json!(null)),
        ),
        (
            "in_progress with response null, no ids",
            "response-object-missing",
            "response-object-missing",
            bent(text(), |w| {
                w.at(CREATED)["response"]
                    .as_object_mut()
                    .unwrap()
                    .remove("id");
                w.at(IN_PROGRESS)["response"] = json!(null);
            }),
        ),
        (
            "completed without response",
            "response-object-missing",
            "response-id-missing",
            lacks(text(), COMPLETED, "", "response"),
        ),
        (
            "created with response a string",
            "response-object-missing",
            "response-object-missing",
            says(text(), CREATED, "/response", json!("resp_1")),
        ),
        (
            "created without output",
            "response-fields-missing",
            "",
            lacks(text(), CREATED, "/response", "output"),
        ),
        (
            "created with output null",
            "response-fields-missing",
            "",
            says(text(), CREATED, "/response/output", json!(null)),
        ),
        (
            "created with output a number",
            "response-fields-missing",
            "response-fields-missing",
            says(text(), CREATED, "/response/output", json!(0)),
        ),
        (
            "created with output an object",
            "response-fields-missing",
            "response-fields-missing",
            says(text(), CREATED, "/response/output", json!({})),
        ),
        (
            "created with output an object, nothing else",
            "response-fields-missing",
            "",
            says(
                wire::whole("completed", vec![]),
                CREATED,
                "/response/output",
                json!({}),
            ),
        ),
        (
            "in_progress with output a string",
            "response-fields-missing",
            "response-fields-missing",
            says(text(), IN_PROGRESS, "/response/output", json!("none")),
        ),
        (
            "in_progress with output zero",
            "response-fields-missing",
            "",
            says(text(), IN_PROGRESS, "/response/output", json!(0)),
        ),
        (
            "created with an item in output",
            "response-fields-missing",
            "output-index-duplicate",
            says(
                text(),
                CREATED,
                "/response/output",
                json!([message("msg_9", "")]),
            ),
        ),
        (
            "created without created_at",
            "response-fields-missing",
            "",
            lacks(text(), CREATED, "/response", "created_at"),
        ),
        (
            "created without model",
            "response-fields-missing",
            "",
            lacks(text(), CREATED, "/response", "model"),
        ),
        (
            "created without status",
            "response-fields-missing",
            "",
            lacks(text(), CREATED, "/response", "status"),
        ),
        (
            "created without object",
            "response-fields-missing",
            "",
            lacks(text(), CREATED, "/response", "object"),
        ),
    ]
}
