//! Terminal events, errors, and what ends a stream otherwise.

use serde_json::json;

use super::{COMPLETED, DELTA, FAILED, Mutation, bent, framed, lacks, says};
use crate::corpus::wire::{self, message, response};

pub(super) fn endings() -> Vec<Mutation> {
    use wire::{calls, failed, text, two};
    vec![
        (
            "cut",
            "terminal-missing",
            "",
            bent(text(), |w| w.without(COMPLETED)),
        ),
        (
            "[DONE] for a terminal",
            "terminal-missing",
            "",
            framed(|body| {
                let (kept, _) = body.split_once("event: response.completed").unwrap();
                format!("{kept}data: [DONE]\n\n")
            }),
        ),
        ("empty body", "created-missing", "", Vec::new()),
        (
            "only a comment",
            "created-missing",
            "",
            b": hello\n\n".to_vec(),
        ),
        (
            "completed twice",
            "terminal-duplicate",
            "",
            bent(text(), |w| {
                let again = w.at(COMPLETED).clone();
                w.events.push(again);
            }),
        ),
        (
            "delta after completed",
            "event-after-terminal",
            "",
            bent(text(), |w| {
                let again = w.at(DELTA).clone();
                w.events.push(again);
            }),
        ),
        (
            "something after [DONE]",
            "event-after-terminal",
            "",
            framed(|body| format!("{body}data: [DONE]\n\ndata: {{\"type\":\"late\"}}\n\n")),
        ),
        (
            "response.done",
            "terminal-alias",
            "",
            bent(text(), |w| w.at(COMPLETED)["type"] = json!("response.done")),
        ),
        (
            "completed without output",
            "response-fields-missing",
            "",
            lacks(text(), COMPLETED, "/response", "output"),
        ),
        (
            "completed with output null",
            "response-fields-missing",
            "",
            says(text(), COMPLETED, "/response/output", json!(null)),
        ),
        (
            "completed with output a string",
            "response-fields-missing",
            "response-fields-missing",
            says(text(), COMPLETED, "/response/output", json!("Hello")),
        ),
        (
            "completed with output empty",
            "terminal-output-missing",
            "",
            says(text(), COMPLETED, "/response/output", json!([])),
        ),
        (
            "completed with content null",
            "done-text-mismatch",
            "",
            says(text(), COMPLETED, "/response/output/0/content", json!(null)),
        ),
        (
            "completed with content a string",
            "done-text-mismatch",
            "response-fields-missing",
            says(
                text(),
                COMPLETED,
                "/response/output/0/content",
                json!("Hello"),
            ),
        ),
        (
            "completed with an item null",
            "terminal-output-missing",
            "item-fields-missing",
            says(text(), COMPLETED, "/response/output", json!([null])),
        ),
        (
            "output in another order",
            "terminal-output-missing",
            "",
            bent(two(), |w| {
                w.at(COMPLETED)["response"]["output"]
                    .as_array_mut()
                    .unwrap()
                    .reverse();
            }),
        ),
        (
            "output with another text",
            "done-text-mismatch",
            "",
            says(
                text(),
                COMPLETED,
                "/response/output/0/content/0/text",
                json!("x"),
            ),
        ),
        (
            "output with another id",
            "terminal-output-missing",
            "",
            says(text(), COMPLETED, "/response/output/0/id", json!("x")),
        ),
        (
            "output with another call's item id",
            "terminal-output-missing",
            "item-id-changed",
            says(calls(), COMPLETED, "/response/output/0/id", json!("x")),
        ),
        (
            "output holds one item more",
            "terminal-output-missing",
            "",
            bent(text(), |w| {
                w.at(COMPLETED)["response"]["output"]
                    .as_array_mut()
                    .unwrap()
                    .push(message("msg_7", "more"));
            }),
        ),
        (
            "status says otherwise",
            "terminal-status-mismatch",
            "",
            says(text(), COMPLETED, "/response/status", json!("in_progress")),
        ),
        (
            "usage with chat names",
            "usage-incomplete",
            "",
            says(
                text(),
                COMPLETED,
                "/response/usage",
                json!({"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}),
            ),
        ),
        (
            "usage with empty details",
            "usage-incomplete",
            "",
            says(
                text(),
                COMPLETED,
                "/response/usage",
                json!({"input_tokens": 1, "output_tokens": 1, "total_tokens": 2,
                "input_tokens_details": {}}),
            ),
        ),
        (
            "usage whole",
            "",
            "",
            says(
                text(),
                COMPLETED,
                "/response/usage",
                json!({"input_tokens": 1, "output_tokens": 1, "total_tokens": 2,
                "input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}),
            ),
        ),
        (
            "flat error",
            "error-shape",
            "",
            lacks(failed(), "error", "", "error"),
        ),
        (
            "nested error",
            "error-shape",
            "",
            lacks(failed(), "error", "", "message"),
        ),
        (
            "error without failed",
            "error-without-failed",
            "",
            bent(failed(), |w| w.without(FAILED)),
        ),
        (
            "error, then completed",
            "error-without-failed",
            "",
            bent(failed(), |w| {
                w.at("error").as_object_mut().unwrap().remove("error");
                let end = w.at(FAILED);
                *end = json!({"type": COMPLETED, "response": response("completed", &[message("msg_0", "Hel")])});
            }),
        ),
        (
            "first event an error",
            "created-missing",
            "",
            bent(failed(), |w| drop(w.events.drain(..5))),
        ),
        (
            "first event a flat error",
            "created-missing",
            "",
            bent(failed(), |w| {
                w.events.drain(..5);
                w.at("error").as_object_mut().unwrap().remove("error");
            }),
        ),
        (
            "first event failed",
            "created-missing",
            "",
            bent(failed(), |w| drop(w.events.drain(..6))),
        ),
        (
            "error on a delta",
            "error-shape",
            "",
            says(text(), DELTA, "/error", json!({"message": "x"})),
        ),
        (
            "failed without an error",
            "response-fields-missing",
            "",
            bent(failed(), |w| {
                w.remove("error");
                w.at(FAILED)["response"]["error"] = json!(null);
            }),
        ),
        (
            "failed without output, items without indices",
            "response-fields-missing",
            "output-index-missing",
            bent(two(), |w| {
                for event in w
                    .events
                    .iter_mut()
                    .filter(|event| event["item_id"] == "msg_1" || event["item"]["id"] == "msg_1")
                {
                    event.as_object_mut().unwrap().remove("output_index");
                }
                let end = w.at(COMPLETED);
                end["type"] = json!(FAILED);
                end["response"].as_object_mut().unwrap().remove("output");
            }),
        ),
        (
            "completed without output, items without indices",
            "response-fields-missing",
            "output-index-missing",
            bent(two(), |w| {
                for event in w
                    .events
                    .iter_mut()
                    .filter(|event| event["item_id"] == "msg_1" || event["item"]["id"] == "msg_1")
                {
                    event.as_object_mut().unwrap().remove("output_index");
                }
                w.at(COMPLETED)["response"]
                    .as_object_mut()
                    .unwrap()
                    .remove("output");
            }),
        ),
    ]
}
