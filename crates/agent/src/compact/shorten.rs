//! What a summary is made from: the conversation without what it does not need whole.

use serde_json::{Value, json};

/// How much of the conversation the model is shown for its summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Measure {
    /// Characters of a call's arguments, and of its output.
    tools: usize,
    /// Characters of a text.
    texts: usize,
}

/// What was said stands whole; tools are told by their heads and tails.
pub(super) const FIRST: Measure = Measure {
    tools: 2_000,
    texts: usize::MAX,
};

/// Where that is too long itself.
pub(super) const SECOND: Measure = Measure {
    tools: 200,
    texts: 2_000,
};

/// Whether an item is an output that is long enough to be sent shortened.
pub(crate) fn is_long(item: &Value) -> bool {
    let mut short = item.clone();
    output(&mut short);
    short != *item
}

/// Head and tail of a tool's output, where it is long.
pub(crate) fn output(item: &mut Value) {
    if let Some("function_call_output" | "custom_tool_call_output") = item["type"].as_str() {
        shorten(std::slice::from_mut(item), FIRST);
    }
}

/// Shortens the items of an input. They stay what they are: arguments stay JSON, calls keep their outputs.
pub(super) fn shorten(input: &mut [Value], measure: Measure) {
    for item in input {
        match item["type"].as_str() {
            Some("message") => parts(&mut item["content"], measure.texts),
            Some("function_call") => arguments(&mut item["arguments"], measure.tools),
            Some("custom_tool_call") => text(&mut item["input"], measure.tools),
            Some("function_call_output" | "custom_tool_call_output") => match &item["output"] {
                Value::String(_) => text(&mut item["output"], measure.tools),
                _ => parts(&mut item["output"], measure.tools),
            },
            _ => {}
        }
    }
}

/// Images and files are named; a summary is not made from them.
fn parts(content: &mut Value, most: usize) {
    for part in content.as_array_mut().into_iter().flatten() {
        match part["type"].as_str() {
            Some("input_image") => *part = json!({"type": "input_text", "text": "[an image]"}),
            Some("input_file") => {
                let name = part["filename"].as_str().unwrap_or("without a name");
                *part = json!({"type": "input_text", "text": format!("[a file: {name}]")});
            }
            _ => text(&mut part["text"], most),
        }
    }
}

fn arguments(given: &mut Value, most: usize) {
    if let Some(short) = given.as_str().and_then(|given| shortened(given, most)) {
        *given = json!(json!({"shortened": short}).to_string());
    }
}

fn text(given: &mut Value, most: usize) {
    if let Some(short) = given.as_str().and_then(|given| shortened(given, most)) {
        *given = json!(short);
    }
}

/// Head and tail of a text of more than `most` characters.
fn shortened(given: &str, most: usize) -> Option<String> {
    let count = given.chars().count();
    if count <= most {
        return None;
    }
    let half = most / 2;
    let head: String = given.chars().take(half).collect();
    let tail: String = given.chars().skip(count - half).collect();
    Some(format!(
        "{head}\n[{} characters left out]\n{tail}",
        count - 2 * half
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_stay_what_they_are() {
        let long = "ä".repeat(300);
        let mut input = [
            json!({"type": "message", "role": "user", "content": [
                {"type": "input_text", "text": "whole"},
                {"type": "input_image", "image_url": "data:…"},
                {"type": "input_file", "filename": "a.pdf", "file_data": "…"},
            ]}),
            json!({"type": "function_call", "call_id": "c", "name": "n", "arguments": format!("{{\"a\":\"{long}\"}}")}),
            json!({"type": "function_call_output", "call_id": "c", "output": long}),
            json!({"type": "function_call_output", "call_id": "d", "output": [{"type": "input_text", "text": long}]}),
        ];
        shorten(&mut input, SECOND);
        let content = &input[0]["content"];
        assert_eq!(content[0]["text"], "whole");
        assert_eq!(content[1]["text"], "[an image]");
        assert_eq!(content[2]["text"], "[a file: a.pdf]");
        let arguments = input[1]["arguments"].as_str().unwrap_or_default();
        let arguments: Value = serde_json::from_str(arguments).unwrap_or_default();
        assert!(arguments["shortened"].is_string());
        for output in [&input[2]["output"], &input[3]["output"][0]["text"]] {
            let output = output.as_str().unwrap_or_default();
            assert!(output.contains("\n[100 characters left out]\n"), "{output}");
        }
        let once = input.clone();
        shorten(&mut input, FIRST);
        assert_eq!(once, input);
    }
}
