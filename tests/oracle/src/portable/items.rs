//! Items: added, their parts, text and arguments, done.

use serde_json::Value;

use super::Judge;
use crate::json::truthy;

/// An output item, as far as it was streamed.
#[derive(Default)]
pub(super) struct Item {
    pub(super) id: String,
    kind: String,
    call_id: Value,
    content: Vec<Part>,
    summary: Vec<Part>,
    /// Arguments of a function call, input of a custom call.
    arguments: Text,
    pub(super) done: Option<Value>,
}

impl Item {
    pub(super) fn is_call(&self) -> bool {
        matches!(self.kind.as_str(), "function_call" | "custom_tool_call")
    }
}

/// A content part or a summary part.
struct Part {
    kind: String,
    text: Text,
    closed: bool,
}

/// Text that comes in deltas and is closed by a done event.
#[derive(Default)]
struct Text {
    sum: String,
    done: bool,
}

/// A field, and what it has to be.
type Demand = (&'static str, fn(&Value) -> bool);

/// What an item says: its texts in order, each with its kind. Opaque fields are left out.
pub(super) fn said_by(item: &Value) -> Vec<(String, String)> {
    let mut said = Vec::new();
    for part in ["content", "summary"]
        .iter()
        .flat_map(|list| item[*list].as_array().into_iter().flatten())
    {
        said.push((
            text_of(&part["type"]),
            text_of(&part[text_field(&part["type"])]),
        ));
    }
    for field in ["name", "arguments", "input"] {
        // Other calls carry objects here, which nothing streams.
        said.extend(
            item[field]
                .as_str()
                .map(|text| (field.to_owned(), text.to_owned())),
        );
    }
    said
}

fn text_field(part_type: &Value) -> &'static str {
    if part_type == "refusal" {
        "refusal"
    } else {
        "text"
    }
}

/// A type without OpenAI's prefix.
fn bare(kind: &Value) -> String {
    let kind = text_of(kind);
    kind.strip_prefix("openai:").unwrap_or(&kind).to_owned()
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

impl Judge {
    pub(super) fn item_added(&mut self, event: &Value) {
        let item = &event["item"];
        let (Some(index), true) = (event["output_index"].as_u64(), item.is_object()) else {
            return;
        };
        if self.items.contains_key(&index) {
            return self.fault("output-index-duplicate", format!("index {index} is taken"));
        }
        self.item_fields(item);
        let id = text_of(&item["id"]);
        if !id.is_empty() && self.items.values().any(|other| other.id == id) {
            self.fault("item-id-duplicate", format!("{id} is another item's"));
        }
        if item["call_id"].is_string()
            && item["type"]
                .as_str()
                .is_some_and(|kind| kind.ends_with("call"))
            && self.items.values().any(|other| {
                other.call_id == item["call_id"] && item["type"] == other.kind.as_str()
            })
        {
            self.fault(
                "item-id-duplicate",
                format!("{} is another call's", item["call_id"]),
            );
        }
        let text = said_by(item)
            .iter()
            .any(|(kind, text)| kind != "name" && !text.is_empty());
        if text
            && matches!(
                item["type"].as_str(),
                Some("message" | "reasoning" | "function_call" | "custom_tool_call")
            )
        {
            self.fault(
                "done-text-mismatch",
                "an item is added empty, its text comes in deltas",
            );
        }
        let kind = bare(&item["type"]);
        let call_id = item["call_id"].clone();
        self.items.insert(
            index,
            Item {
                id,
                kind,
                call_id,
                ..Item::default()
            },
        );
    }

    /// The fields that each type of item needs, at added, done and in the terminal.
    fn item_fields(&mut self, item: &Value) {
        if text_of(&item["id"]).is_empty() {
            self.fault("item-id-missing", "an item without `id`");
        }
        let fields: &[Demand] = match item["type"].as_str() {
            Some("message") => &[
                ("status", Value::is_string),
                ("role", Value::is_string),
                ("content", Value::is_array),
            ],
            Some("reasoning") => &[("summary", Value::is_array)],
            Some("function_call") => &[
                ("status", Value::is_string),
                ("name", Value::is_string),
                ("call_id", Value::is_string),
                ("arguments", Value::is_string),
            ],
            Some("custom_tool_call") => &[
                ("name", Value::is_string),
                ("call_id", Value::is_string),
                ("input", Value::is_string),
            ],
            Some(_) => &[],
            None => &[("type", Value::is_string)],
        };
        for (field, fits) in fields {
            if !fits(&item[*field]) {
                self.fault(
                    "item-fields-missing",
                    format!("{} without `{field}`", item["type"]),
                );
            }
        }
    }

    /// Any event between added and done.
    pub(super) fn item_event(&mut self, event: &Value, kind: &str, item_types: &str) {
        let Some(index) = event["output_index"].as_u64() else {
            return;
        };
        let Some(mut item) = self.items.remove(&index) else {
            return self.fault("item-not-added", format!("{kind} for index {index}"));
        };
        if event["item_id"].as_str().is_some_and(|id| id != item.id) {
            self.fault(
                "item-id-changed",
                format!("{} is {} now", item.id, event["item_id"]),
            );
        }
        if item.done.is_some() {
            self.fault(
                "delta-after-done",
                format!("{kind} for an item that is done"),
            );
        } else if !item_types.is_empty() && item_types.split('|').all(|one| one != item.kind) {
            self.fault(
                "item-not-added",
                format!("{kind} for an item of type {}", item.kind),
            );
        } else {
            self.text_event(&mut item, event, kind);
        }
        self.items.insert(index, item);
    }

    fn text_event(&mut self, item: &mut Item, event: &Value, kind: &str) {
        let delta = event["delta"].as_str().unwrap_or_default();
        match kind {
            "response.content_part.added" => {
                self.part_added(&mut item.content, event, "content_index")
            }
            "response.reasoning_summary_part.added" => {
                self.part_added(&mut item.summary, event, "summary_index")
            }
            "response.content_part.done" => {
                self.part_done(&mut item.content, event, "content_index")
            }
            "response.reasoning_summary_part.done" => {
                self.part_done(&mut item.summary, event, "summary_index")
            }
            "response.output_text.annotation.added" => {
                let _ = self.part(&mut item.content, event, "output_text");
            }
            "response.output_text.delta"
            | "response.refusal.delta"
            | "response.reasoning_text.delta" => {
                let part_type = kind
                    .trim_start_matches("response.")
                    .trim_end_matches(".delta");
                if let Some(part) = self.part(&mut item.content, event, part_type) {
                    self.delta(&mut part.text, delta);
                }
                match part_type {
                    "output_text" => self.summary.text.push_str(delta),
                    "reasoning_text" => self.summary.reasoning.push_str(delta),
                    _ => {}
                }
            }
            "response.output_text.done"
            | "response.refusal.done"
            | "response.reasoning_text.done" => {
                let part_type = kind
                    .trim_start_matches("response.")
                    .trim_end_matches(".done");
                let text = &event[if part_type == "refusal" {
                    "refusal"
                } else {
                    "text"
                }];
                if let Some(part) = self.part(&mut item.content, event, part_type) {
                    self.text_done(&mut part.text, text);
                }
            }
            "response.reasoning_summary_text.delta" => {
                if let Some(part) = self.part(&mut item.summary, event, "summary_text") {
                    self.delta(&mut part.text, delta);
                }
                self.summary.reasoning.push_str(delta);
            }
            "response.reasoning_summary_text.done" => {
                if let Some(part) = self.part(&mut item.summary, event, "summary_text") {
                    self.text_done(&mut part.text, &event["text"]);
                }
            }
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
                self.delta(&mut item.arguments, delta);
                self.summary
                    .arguments
                    .entry(text_of(&item.call_id))
                    .or_default()
                    .push_str(delta);
            }
            "response.function_call_arguments.done" => {
                self.text_done(&mut item.arguments, &event["arguments"])
            }
            "response.custom_tool_call_input.done" => {
                self.text_done(&mut item.arguments, &event["input"])
            }
            _ => {}
        }
    }

    fn part_added(&mut self, parts: &mut Vec<Part>, event: &Value, index: &str) {
        let part = &event["part"];
        if event[index].as_u64() != u64::try_from(parts.len()).ok() && event[index].is_u64() {
            self.fault(
                "content-index-missing",
                format!("`{index}` {}, next is {}", event[index], parts.len()),
            );
        }
        let fits = match part["type"].as_str() {
            Some("output_text") => part["text"].is_string() && part["annotations"].is_array(),
            Some(_) => part[text_field(&part["type"])].is_string(),
            None => false,
        };
        if part.is_object() && !fits {
            self.fault(
                "part-fields-missing",
                format!("a part without its fields: {part}"),
            );
        }
        if truthy(&part[text_field(&part["type"])]) {
            self.fault(
                "done-text-mismatch",
                "a part is added empty, its text comes in deltas",
            );
        }
        parts.push(Part {
            kind: text_of(&part["type"]),
            text: Text::default(),
            closed: false,
        });
    }

    /// The open part of that type at the event's index.
    fn part<'a>(
        &mut self,
        parts: &'a mut [Part],
        event: &Value,
        part_type: &str,
    ) -> Option<&'a mut Part> {
        let field = if part_type == "summary_text" {
            "summary_index"
        } else {
            "content_index"
        };
        let at = usize::try_from(event[field].as_u64()?).ok()?;
        match parts.get_mut(at) {
            None => self.fault("part-not-added", format!("no part {at}")),
            Some(part) if part.kind != part_type => {
                self.fault(
                    "part-not-added",
                    format!("part {at} is {}, not {part_type}", part.kind),
                );
            }
            Some(part) if part.closed => {
                self.fault("delta-after-done", format!("part {at} is done"))
            }
            Some(part) => return Some(part),
        }
        None
    }

    fn delta(&mut self, text: &mut Text, delta: &str) {
        if text.done {
            self.fault("delta-after-done", "text after its done event");
        }
        text.sum.push_str(delta);
    }

    fn text_done(&mut self, text: &mut Text, said: &Value) {
        if text.done {
            self.fault("delta-after-done", "a second done event");
        }
        if said.as_str().is_some_and(|said| said != text.sum) {
            self.fault(
                "done-text-mismatch",
                format!("done says {said}, the deltas {:?}", text.sum),
            );
        }
        text.done = true;
    }

    fn part_done(&mut self, parts: &mut [Part], event: &Value, index: &str) {
        let Some(at) = event[index]
            .as_u64()
            .and_then(|at| usize::try_from(at).ok())
        else {
            return;
        };
        let part = &event["part"];
        let Some(added) = parts.get_mut(at) else {
            return self.fault(
                "part-not-added",
                format!("part {at} is done and was never added"),
            );
        };
        if added.closed {
            self.fault("delta-after-done", format!("part {at} is done twice"));
        }
        if !added.text.done {
            self.fault(
                "text-done-missing",
                format!("part {at} is done, its text is not"),
            );
        }
        let said = text_of(&part[text_field(&part["type"])]);
        if part.is_object() && (part["type"] != added.kind.as_str() || said != added.text.sum) {
            self.fault(
                "done-text-mismatch",
                format!("part {at} says {said:?}, the deltas {:?}", added.text.sum),
            );
        }
        added.closed = true;
    }

    pub(super) fn item_done(&mut self, event: &Value) {
        let done = &event["item"];
        let (Some(index), true) = (event["output_index"].as_u64(), done.is_object()) else {
            return;
        };
        let Some(mut item) = self.items.remove(&index) else {
            return self.fault(
                "item-not-added",
                format!("index {index} is done and was never added"),
            );
        };
        if item.done.is_some() {
            self.fault("delta-after-done", format!("item {index} is done twice"));
        }
        self.item_fields(done);
        if done["id"].is_string() && done["id"] != item.id.as_str() {
            self.fault(
                "item-id-changed",
                format!("{} is {} now", item.id, done["id"]),
            );
        }
        let same_call = done["call_id"] == item.call_id || item.kind == "tool_search_call";
        if bare(&done["type"]) != item.kind || !same_call {
            self.fault(
                "call-identity-changed",
                format!("item {index} is another one at its done"),
            );
        }
        self.streamed_whole(&item, done);
        item.done = Some(done.clone());
        self.items.insert(index, item);
    }

    /// What the done item says was streamed, and what was streamed is closed.
    fn streamed_whole(&mut self, item: &Item, done: &Value) {
        if item
            .content
            .iter()
            .chain(&item.summary)
            .any(|part| !part.closed)
        {
            self.fault("part-done-missing", "an item is done, a part of it is not");
        }
        let mut streamed: Vec<(String, String)> = item
            .content
            .iter()
            .chain(&item.summary)
            .map(|part| (part.kind.clone(), part.text.sum.clone()))
            .collect();
        let call = match item.kind.as_str() {
            "function_call" => Some("arguments"),
            "custom_tool_call" => Some("input"),
            "message" | "reasoning" => None,
            // The items of hosted tools are not streamed.
            _ => return,
        };
        if let Some(field) = call {
            if !item.arguments.done {
                self.fault(
                    "arguments-done-missing",
                    format!("a call is done, its {field} are not"),
                );
            }
            streamed.push((field.to_owned(), item.arguments.sum.clone()));
        }
        let mut said = said_by(done);
        said.retain(|(kind, _)| kind != "name");
        if said != streamed {
            self.fault(
                "done-text-mismatch",
                format!("the item says {said:?}, streamed was {streamed:?}"),
            );
        }
    }
}
