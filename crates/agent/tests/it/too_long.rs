//! How servers say that a conversation does not fit, and what only sounds like it.

use respair_agent::{AgentEvent, AnswerStatus};
use respair_faults::{Request, Script};
use serde_json::{Value, json};

use crate::support::*;

/// Two turns, then this answer to the third until the conversation was summed up. Says whether it was.
async fn is_compacted_for(status: u16, error: Value) -> bool {
    let relay = relay(move |request: &Request| {
        let number = request.number as u64 + 1;
        let items = input(request);
        let text = json!(items).to_string();
        match text.contains("Summarise the conversation") || text.contains("Summary of the") {
            true => says(number, "They talked."),
            false if items.len() > 4 => Script::json(status, &json!({ "error": error })),
            false => says(number, "Hello."),
        }
    })
    .await;
    let mut conversation = conversation(&relay, []);
    for text in ["One", "Two"] {
        say(&mut conversation, text).await;
    }
    let run = say(&mut conversation, "Three").await;
    let compacted = |event: &AgentEvent| matches!(event, AgentEvent::Compacted { .. });
    let compacted = run.events.iter().any(compacted);
    let whole = run.answer.status == AnswerStatus::Completed;
    assert_eq!(compacted, whole, "{:?}", run.answer.error);
    compacted
}

/// OpenAI and what copies it; llama.cpp (ggml-org/llama.cpp#15780); Anthropic, Google, xAI, Bedrock, Moonshot and Copilot as
/// their bridges pass them on.
#[tokio::test(start_paused = true)]
async fn servers_say_it_in_many_ways() {
    for (status, code, message) in [
        (
            400,
            json!("context_length_exceeded"),
            "Your input exceeds the limit.",
        ),
        (
            400,
            json!(null),
            "This model's maximum context length is 4096 tokens.",
        ),
        (
            400,
            json!(400),
            "request (25837 tokens) exceeds the available context size (25088 tokens), try increasing it",
        ),
        (400, json!("exceed_context_size_error"), "Too much."),
        (
            400,
            json!("context_exceeded"),
            "Prompt tokens (9) exceeds context size (8)",
        ),
        (
            400,
            json!(null),
            "prompt is too long: 209353 tokens > 199999 maximum",
        ),
        (
            400,
            json!(null),
            "input length and `max_tokens` exceed context limit: 90402 + 116650 > 204648",
        ),
        (
            400,
            json!(null),
            "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
        ),
        (
            400,
            json!(null),
            "This model's maximum prompt length is 131072",
        ),
        (400, json!(null), "Input is too long for requested model."),
        (
            400,
            json!(null),
            "Your request exceeded model token limit: 262144",
        ),
        (
            400,
            json!("model_max_prompt_tokens_exceeded"),
            "prompt token count of 13000 exceeds the limit of 12288",
        ),
        (413, json!(null), "Request Entity Too Large"),
    ] {
        let error = json!({"message": message, "code": code});
        assert!(is_compacted_for(status, error).await, "{message}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_sounds_like_it_is_something_else() {
    for (status, code, message) in [
        (
            429,
            "rate_limit_exceeded",
            "Limit of tokens per minute: too many tokens.",
        ),
        (400, "invalid_value", "`max_output_tokens` is too large."),
        (400, "invalid_request_error", "Invalid `input[3].content`."),
        (401, "invalid_api_key", "Wrong key."),
    ] {
        let error = json!({"message": message, "code": code});
        assert!(!is_compacted_for(status, error).await, "{message}");
    }
}
