//! What the `input` of a request has to be, said once more and apart from the code that writes it: what the service itself
//! refuses (DEVIATIONS, group 8).

use std::collections::BTreeMap;

use serde_json::Value;

/// Everything that is wrong with an input.
pub fn faults(input: &[Value]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut open: BTreeMap<&str, &str> = BTreeMap::new();
    let mut seen: Vec<&str> = Vec::new();
    for (at, item) in input.iter().enumerate() {
        let mut wrong = |why: &str| faults.push(format!("{at}: {why}: {item}"));
        if item.get("id").is_some_and(|id| !id.is_null()) {
            wrong("an id that nobody has stored");
        }
        let call_id = item["call_id"].as_str().unwrap_or_default();
        match item["type"].as_str().unwrap_or_default() {
            "message" => {
                let parts = item["content"].as_array().map_or(&[][..], Vec::as_slice);
                let mine = match item["role"].as_str() {
                    Some("user") => "input_",
                    Some("assistant") => "output_text refusal",
                    _ => "",
                };
                if parts.is_empty() {
                    wrong("a message without content");
                }
                for part in parts {
                    let kind = part["type"].as_str().unwrap_or("no type");
                    let fits = kind.starts_with(mine) || mine.split(' ').any(|one| one == kind);
                    if mine.is_empty() || !fits {
                        wrong("a part that its role does not have");
                    }
                    if part["text"].as_str() == Some("") {
                        wrong("an empty part");
                    }
                }
                if !open.is_empty() {
                    wrong("a message before the output of a call");
                }
            }
            "reasoning" => {
                if !item["summary"].is_array() {
                    wrong("reasoning without a summary");
                }
                if item["encrypted_content"].as_str().is_none_or(str::is_empty) {
                    wrong("reasoning that nobody can read");
                }
                if item
                    .get("content")
                    .is_some_and(|content| !content.is_null())
                {
                    wrong("reasoning in plain text");
                }
                let next = input.get(at + 1);
                let belongs = next.is_some_and(|next| {
                    matches!(
                        next["type"].as_str(),
                        Some("reasoning" | "function_call" | "custom_tool_call")
                    ) || next["role"] == "assistant"
                });
                if !belongs {
                    wrong("reasoning without the item that it belongs to");
                }
            }
            "function_call" => {
                let arguments = item["arguments"].as_str().unwrap_or("none");
                let arguments: Result<Value, _> = serde_json::from_str(arguments);
                if !arguments.is_ok_and(|arguments| arguments.is_object()) {
                    wrong("arguments that are no JSON object");
                }
                open.insert(call_id, "function_call_output");
            }
            "custom_tool_call" => {
                open.insert(call_id, "custom_tool_call_output");
            }
            kind @ ("function_call_output" | "custom_tool_call_output") => {
                if open.remove(call_id) != Some(kind) {
                    wrong("an output without its call");
                }
            }
            _ => wrong("an item of another type"),
        }
        if item["type"]
            .as_str()
            .is_some_and(|kind| kind.ends_with("_call"))
        {
            if call_id.is_empty() || item["name"].as_str().is_none_or(str::is_empty) {
                wrong("a call without a name or a call id");
            }
            if seen.contains(&call_id) {
                wrong("a call id for the second time");
            }
            seen.push(call_id);
        }
    }
    faults.extend(open.keys().map(|call| format!("call {call} has no output")));
    faults
}
