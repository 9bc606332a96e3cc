//! Output items, as `completed` and the item events carry them.

use serde_json::{Value, json};

/// Which kind of item an event belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Message,
    Reasoning,
    Call,
    CustomCall,
}

impl Family {
    /// The id of the item at `index` in the response of turn `turn` (the type's own prefix).
    pub(crate) fn item_id(self, turn: u64, index: u64) -> String {
        let prefix = match self {
            Self::Message => "msg",
            Self::Reasoning => "rs",
            Self::Call => "fc",
            Self::CustomCall => "ctc",
        };
        format!("{prefix}_relay{turn}_{index}")
    }

    /// The family of an item by its `type`.
    pub(crate) fn of_item(item: &Value) -> Option<Self> {
        match item.get("type").and_then(Value::as_str)? {
            "message" => Some(Self::Message),
            "reasoning" => Some(Self::Reasoning),
            "function_call" => Some(Self::Call),
            "custom_tool_call" => Some(Self::CustomCall),
            _ => None,
        }
    }
}

/// The `call_id` of the call at `index` in the response of turn `turn`.
pub(crate) fn call_id(turn: u64, index: u64) -> String {
    format!("call_relay{turn}_{index}")
}

/// One output item. In a stream its ids are those of the item at the same place, unless set here.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    pub(crate) value: Value,
    /// Names of fields that were set or removed by hand.
    pub(crate) pinned: Vec<String>,
}

impl Item {
    /// A completed assistant message with one text part.
    #[must_use]
    pub fn message(text: &str) -> Self {
        Self::from_value(json!({
            "id": Family::Message.item_id(1, 0),
            "type": "message",
            "status": "completed",
            "role": "assistant",
            "content": [{"type": "output_text", "annotations": [], "logprobs": [], "text": text}],
        }))
    }

    /// A message that was just added: in progress, no content.
    #[must_use]
    pub fn open_message() -> Self {
        Self::from_value(json!({
            "id": Family::Message.item_id(1, 0),
            "type": "message",
            "status": "in_progress",
            "role": "assistant",
            "content": [],
        }))
    }

    /// A completed reasoning item with one summary part.
    #[must_use]
    pub fn reasoning(summary: &str) -> Self {
        Self::from_value(json!({
            "id": Family::Reasoning.item_id(1, 0),
            "type": "reasoning",
            "status": "completed",
            "summary": [{"type": "summary_text", "text": summary}],
            "content": [],
        }))
    }

    /// A completed reasoning item with raw reasoning text instead of a summary.
    #[must_use]
    pub fn reasoning_text(text: &str) -> Self {
        Self::from_value(json!({
            "id": Family::Reasoning.item_id(1, 0),
            "type": "reasoning",
            "status": "completed",
            "summary": [],
            "content": [{"type": "reasoning_text", "text": text}],
        }))
    }

    /// A reasoning item that was just added.
    #[must_use]
    pub fn open_reasoning() -> Self {
        Self::from_value(json!({
            "id": Family::Reasoning.item_id(1, 0),
            "type": "reasoning",
            "status": "in_progress",
            "summary": [],
            "content": [],
        }))
    }

    /// A completed function call; `arguments` is the JSON text.
    #[must_use]
    pub fn call(name: &str, arguments: &str) -> Self {
        Self::call_with("completed", name, arguments)
    }

    /// A function call that was just added: no arguments yet.
    #[must_use]
    pub fn open_call(name: &str) -> Self {
        Self::call_with("in_progress", name, "")
    }

    fn call_with(status: &str, name: &str, arguments: &str) -> Self {
        Self::from_value(json!({
            "id": Family::Call.item_id(1, 0),
            "type": "function_call",
            "status": status,
            "call_id": call_id(1, 0),
            "name": name,
            "arguments": arguments,
        }))
    }

    /// A completed custom tool call with free-form input.
    #[must_use]
    pub fn custom_call(name: &str, input: &str) -> Self {
        Self::from_value(json!({
            "id": Family::CustomCall.item_id(1, 0),
            "type": "custom_tool_call",
            "status": "completed",
            "call_id": call_id(1, 0),
            "name": name,
            "input": input,
        }))
    }

    /// Any item, as it is: a stream leaves an `id` and `call_id` given here alone.
    #[must_use]
    pub fn raw(value: Value) -> Self {
        let pinned = vec!["id".to_owned(), "call_id".to_owned()];
        Self { value, pinned }
    }

    /// Sets a top-level field.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.pinned.push(field.to_owned());
        if let Value::Object(fields) = &mut self.value {
            fields.insert(field.to_owned(), value.into());
        }
        self
    }

    /// Removes a top-level field.
    #[must_use]
    pub fn without(mut self, field: &str) -> Self {
        self.pinned.push(field.to_owned());
        if let Value::Object(fields) = &mut self.value {
            fields.remove(field);
        }
        self
    }

    /// The item as JSON.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }

    fn from_value(value: Value) -> Self {
        Self {
            value,
            pinned: Vec::new(),
        }
    }
}
