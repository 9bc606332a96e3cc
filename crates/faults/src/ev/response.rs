//! The response object that lifecycle events carry.

use serde_json::{Value, json};

/// `created_at` of every response, in Unix seconds: 2026-01-01T00:00:00Z. Fixed, so that bodies are
/// the same on every run.
pub const CREATED_AT: u64 = 1_767_225_600;

/// The model's name where neither the test nor the request gives one.
pub const MODEL: &str = "relay-model";

/// A whole response object: every field that the Open Responses schema requires (31) and `user`,
/// which the native service sends as well. `usage` is given for a status that ends a response well.
#[must_use]
pub fn response_object(status: &str, output: Vec<Value>) -> Value {
    let ended = matches!(status, "completed" | "incomplete");
    let completed_at = (status == "completed").then_some(CREATED_AT + 1);
    let usage = ended.then(|| {
        json!({
            "input_tokens": 11,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 7,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 18,
        })
    });
    json!({
        "id": "resp_relay1",
        "object": "response",
        "created_at": CREATED_AT,
        "completed_at": completed_at,
        "status": status,
        "background": false,
        "error": null,
        "frequency_penalty": 0.0,
        "incomplete_details": null,
        "instructions": null,
        "max_output_tokens": null,
        "max_tool_calls": null,
        "metadata": {},
        "model": MODEL,
        "output": output,
        "parallel_tool_calls": true,
        "presence_penalty": 0.0,
        "previous_response_id": null,
        "prompt_cache_key": null,
        "reasoning": {"effort": null, "summary": null},
        "safety_identifier": null,
        "service_tier": "default",
        "store": false,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": usage,
        "user": null,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_every_field_that_the_public_schema_requires() {
        const REQUIRED: [&str; 31] = [
            "id",
            "object",
            "created_at",
            "completed_at",
            "status",
            "incomplete_details",
            "model",
            "previous_response_id",
            "instructions",
            "output",
            "error",
            "tools",
            "tool_choice",
            "truncation",
            "parallel_tool_calls",
            "text",
            "top_p",
            "presence_penalty",
            "frequency_penalty",
            "top_logprobs",
            "temperature",
            "reasoning",
            "usage",
            "max_output_tokens",
            "max_tool_calls",
            "store",
            "background",
            "service_tier",
            "metadata",
            "safety_identifier",
            "prompt_cache_key",
        ];
        let response = response_object("in_progress", Vec::new());
        for field in REQUIRED {
            assert!(response.get(field).is_some(), "{field}");
        }
        assert!(response["usage"].is_null());
        assert_eq!(
            response_object("completed", Vec::new())["usage"]["total_tokens"],
            18
        );
    }
}
