//! The 59 event types of the Responses stream, each with the item type that it speaks about and its required fields.
//!
//! As openai-python 3.54.0 declares them, without `type` and `sequence_number`, which every event has, and without
//! `logprobs`, which no strict reader needs.

/// Name, item types (separated by `|`; empty: no item), required fields.
pub(crate) type Entry = (&'static str, &'static str, &'static [&'static str]);

/// The entry of an event type, if it is one.
pub(crate) fn entry(name: &str) -> Option<&'static Entry> {
    EVENTS
        .binary_search_by_key(&name, |entry| entry.0)
        .ok()
        .map(|at| &EVENTS[at])
}

#[rustfmt::skip]
const EVENTS: &[Entry] = &[
    ("error", "", &["message"]),
    ("response.audio.delta", "", &["delta"]),
    ("response.audio.done", "", &[]),
    ("response.audio.transcript.delta", "", &["delta"]),
    ("response.audio.transcript.done", "", &[]),
    ("response.code_interpreter_call.completed", "code_interpreter_call", &["item_id", "output_index"]),
    ("response.code_interpreter_call.in_progress", "code_interpreter_call", &["item_id", "output_index"]),
    ("response.code_interpreter_call.interpreting", "code_interpreter_call", &["item_id", "output_index"]),
    ("response.code_interpreter_call_code.delta", "code_interpreter_call", &["delta", "item_id", "output_index"]),
    ("response.code_interpreter_call_code.done", "code_interpreter_call", &["code", "item_id", "output_index"]),
    ("response.compaction.compacting", "compaction", &["item_id", "output_index"]),
    ("response.completed", "", &["response"]),
    ("response.content_part.added", "message|reasoning", &["content_index", "item_id", "output_index", "part"]),
    ("response.content_part.done", "message|reasoning", &["content_index", "item_id", "output_index", "part"]),
    ("response.created", "", &["response"]),
    ("response.custom_tool_call_input.delta", "custom_tool_call", &["delta", "item_id", "output_index"]),
    ("response.custom_tool_call_input.done", "custom_tool_call", &["input", "item_id", "output_index"]),
    ("response.failed", "", &["response"]),
    ("response.file_search_call.completed", "file_search_call", &["item_id", "output_index"]),
    ("response.file_search_call.in_progress", "file_search_call", &["item_id", "output_index"]),
    ("response.file_search_call.searching", "file_search_call", &["item_id", "output_index"]),
    ("response.function_call_arguments.delta", "function_call", &["delta", "item_id", "output_index"]),
    ("response.function_call_arguments.done", "function_call", &["arguments", "item_id", "output_index"]),
    ("response.image_generation_call.completed", "image_generation_call", &["item_id", "output_index"]),
    ("response.image_generation_call.generating", "image_generation_call", &["item_id", "output_index"]),
    ("response.image_generation_call.in_progress", "image_generation_call", &["item_id", "output_index"]),
    ("response.image_generation_call.partial_image", "image_generation_call", &["item_id", "output_index", "partial_image_b64", "partial_image_index"]),
    ("response.in_progress", "", &["response"]),
    ("response.incomplete", "", &["response"]),
    ("response.mcp_call.completed", "mcp_call", &["item_id", "output_index"]),
    ("response.mcp_call.failed", "mcp_call", &["item_id", "output_index"]),
    ("response.mcp_call.in_progress", "mcp_call", &["item_id", "output_index"]),
    ("response.mcp_call_arguments.delta", "mcp_call", &["delta", "item_id", "output_index"]),
    ("response.mcp_call_arguments.done", "mcp_call", &["arguments", "item_id", "output_index"]),
    ("response.mcp_list_tools.completed", "mcp_list_tools", &["item_id", "output_index"]),
    ("response.mcp_list_tools.failed", "mcp_list_tools", &["item_id", "output_index"]),
    ("response.mcp_list_tools.in_progress", "mcp_list_tools", &["item_id", "output_index"]),
    ("response.output_item.added", "", &["item", "output_index"]),
    ("response.output_item.done", "", &["item", "output_index"]),
    ("response.output_text.annotation.added", "message", &["annotation_index", "content_index", "item_id", "output_index"]),
    ("response.output_text.delta", "message", &["content_index", "delta", "item_id", "output_index"]),
    ("response.output_text.done", "message", &["content_index", "item_id", "output_index", "text"]),
    ("response.queued", "", &["response"]),
    ("response.reasoning_summary_part.added", "reasoning", &["item_id", "output_index", "part", "summary_index"]),
    ("response.reasoning_summary_part.done", "reasoning", &["item_id", "output_index", "part", "summary_index"]),
    ("response.reasoning_summary_text.delta", "reasoning", &["delta", "item_id", "output_index", "summary_index"]),
    ("response.reasoning_summary_text.done", "reasoning", &["item_id", "output_index", "summary_index", "text"]),
    ("response.reasoning_text.delta", "reasoning", &["content_index", "delta", "item_id", "output_index"]),
    ("response.reasoning_text.done", "reasoning", &["content_index", "item_id", "output_index", "text"]),
    ("response.refusal.delta", "message", &["content_index", "delta", "item_id", "output_index"]),
    ("response.refusal.done", "message", &["content_index", "item_id", "output_index", "refusal"]),
    ("response.shell_call_command.added", "shell_call", &["command", "command_index", "output_index"]),
    ("response.shell_call_command.delta", "shell_call", &["command_index", "delta", "output_index"]),
    ("response.shell_call_command.done", "shell_call", &["command", "command_index", "output_index"]),
    ("response.shell_call_output_content.delta", "shell_call_output", &["command_index", "delta", "item_id", "output_index"]),
    ("response.shell_call_output_content.done", "shell_call_output", &["command_index", "item_id", "output", "output_index"]),
    ("response.web_search_call.completed", "web_search_call", &["item_id", "output_index"]),
    ("response.web_search_call.in_progress", "web_search_call", &["item_id", "output_index"]),
    ("response.web_search_call.searching", "web_search_call", &["item_id", "output_index"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole_and_sorted() {
        assert_eq!(EVENTS.len(), 59);
        assert!(EVENTS.is_sorted_by_key(|entry| entry.0));
    }
}
