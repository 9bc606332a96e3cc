//! The profile `openai-sdk`: what openai-python 3.54.0's `responses.stream()` raises, as its source says
//! (`_streaming.py`, `lib/streaming/responses/_responses.py`), told in its own order.
//!
//! The SDK builds its objects without validating them: a missing field is `None`, an `output_index` is a dictionary key
//! (so `None` is one), a `content_index` indexes a list. Not mirrored, on purpose: what it raises about endings (an
//! error in the stream, a first event `error` or `response.failed`, no `response.completed`), identity changes of
//! `tool_search_call`. Not mirrored either, too odd to matter: pydantic turning the string `"0"` into the index 0.

mod python;

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use self::python::{
    Identity, Key, NONE, append, compatible, entries, hashed, identity, index, is_response,
    is_tool_search, same_identity, sortable, spelt,
};
use crate::json::{read, shape, truthy};
use crate::sse::{Dispatch, openai_python};
use crate::{Fault, Summary, Terminal};

/// A finding, before its position is known: code and sentence.
type Finding = (&'static str, String);

/// Judges a body, up to the first thing that the SDK would raise.
pub(crate) fn judge(bytes: &[u8]) -> Result<Summary, Fault> {
    let mut state = State::default();
    for (position, dispatch) in openai_python(bytes).into_iter().enumerate() {
        let at = |(code, message): Finding| Fault::new(code, position, message);
        let block = match dispatch {
            Dispatch::Block(block) => block,
            Dispatch::NotUtf8 => {
                return Err(at((
                    "invalid-utf8",
                    "'utf-8' codec can't decode".to_owned(),
                )));
            }
        };
        if block.data.starts_with("[DONE]") {
            break;
        }
        let Some(json) = read(&block.data) else {
            let code = if block.data.is_empty() {
                "data-empty"
            } else {
                "data-not-json"
            };
            return Err(at((
                code,
                format!(
                    "not JSON: {:?}",
                    block.data.chars().take(40).collect::<String>()
                ),
            )));
        };
        let event = json.value;
        if event.is_null() {
            return Err(at(("data-null", "an event that is null".to_owned())));
        }
        if !event.is_object() {
            return Err(at((
                "data-not-object",
                format!("an event that is {}", shape(&event)),
            )));
        }
        if truthy(&event["error"]) {
            state.summary.terminal = Some(Terminal::Error);
            break;
        }
        // A leftover of the Assistants API: such an event is wrapped, and its own type is not seen.
        let thread = block.event.is_some_and(|name| name.starts_with("thread."));
        let kind = if thread { &Value::Null } else { &event["type"] };
        if state.items.is_none() && (kind == "error" || kind == "response.failed") {
            let failed = kind == "response.failed";
            state.summary.terminal = Some(if failed {
                Terminal::Failed
            } else {
                Terminal::Error
            });
            break;
        }
        state.event(kind, &event).map_err(at)?;
    }
    Ok(state.summary)
}

/// `ResponseStreamState`.
#[derive(Default)]
struct State {
    response_id: Value,
    /// Added items by output index; `None` before `response.created`.
    items: Option<BTreeMap<Key, Value>>,
    /// Whether `response.output` is something that an item can be appended to.
    output_is_list: bool,
    done: BTreeMap<Key, Value>,
    positions: HashMap<Identity, Key>,
    summary: Summary,
}

impl State {
    fn event(&mut self, kind: &Value, event: &Value) -> Result<(), Finding> {
        if self.items.is_none() {
            if kind == "response.created" {
                return self.created(event);
            }
            let code = if kind.is_string() {
                "created-missing"
            } else {
                "type-missing"
            };
            let first = spelt(kind);
            return Err((
                code,
                format!("Expected to have received `response.created` before `{first}`"),
            ));
        }
        let kind = kind.as_str().unwrap_or_default();
        match kind {
            "response.created" | "response.queued" | "response.in_progress" => {
                self.same_response(event)?;
                self.replacements(&event["response"]["output"])?;
                is_response(event)
            }
            "response.failed" | "response.incomplete" => {
                self.ended_early(event, kind == "response.failed")
            }
            "response.completed" => self.completed(event),
            "response.output_item.added" => self.added(event),
            "response.output_item.done" => self.item_done(event),
            "response.content_part.added" => self.part_added(event),
            "response.output_text.delta" => self.text_delta(event),
            "response.output_text.done" => self.text_part(event).map(|_| ()),
            "response.function_call_arguments.delta" => self.arguments_delta(event),
            "response.reasoning_text.delta" | "response.reasoning_summary_text.delta" => {
                self.summary
                    .reasoning
                    .push_str(event["delta"].as_str().unwrap_or_default());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// `_create_initial_response`.
    fn created(&mut self, event: &Value) -> Result<(), Finding> {
        is_response(event)?;
        let response = &event["response"];
        self.response_id = response["id"].clone();
        self.output_is_list = matches!(response["output"], Value::Null | Value::Array(_));
        let items = match &response["output"] {
            Value::Number(_) | Value::Bool(_) => {
                let message = format!("`output` is {}", shape(&response["output"]));
                return Err(("response-fields-missing", message));
            }
            Value::Array(items) => items
                .iter()
                .enumerate()
                .map(|(at, item)| (at.to_string(), item.clone()))
                .collect(),
            // Python iterates over a string and an object too; appending to one fails later.
            Value::String(text) => text
                .chars()
                .enumerate()
                .map(|(at, one)| (at.to_string(), Value::from(one.to_string())))
                .collect(),
            Value::Object(fields) => fields
                .keys()
                .enumerate()
                .map(|(at, one)| (at.to_string(), Value::from(one.clone())))
                .collect(),
            Value::Null => BTreeMap::new(),
        };
        self.items = Some(items);
        Ok(())
    }

    fn same_response(&self, event: &Value) -> Result<(), Finding> {
        let id = &event["response"]["id"];
        if *id == self.response_id {
            return Ok(());
        }
        let code = if id.is_null() {
            "response-id-missing"
        } else {
            "response-id-changed"
        };
        Err((code, "Lifecycle response identity changed.".to_owned()))
    }

    /// The items of a later lifecycle event replace those that were done.
    fn replacements(&mut self, output: &Value) -> Result<(), Finding> {
        let conflict = || {
            (
                "item-id-duplicate",
                "Response snapshot has conflicting output identities.".to_owned(),
            )
        };
        let mut replacements = HashMap::new();
        for item in entries(output)? {
            if replacements
                .insert(hashed(identity(item)?)?, item)
                .is_some()
            {
                return Err(conflict());
            }
        }
        for (identity, replacement) in replacements {
            let Some(done) = self
                .positions
                .get(&identity)
                .and_then(|index| self.done.get_mut(index))
            else {
                continue;
            };
            if !compatible(done, replacement) {
                return Err(conflict());
            }
            *done = replacement.clone();
        }
        Ok(())
    }

    fn added(&mut self, event: &Value) -> Result<(), Finding> {
        let item = &event["item"];
        if item.is_null() {
            return Ok(());
        }
        let index = index(event)?;
        let items = self.items.get_or_insert_default();
        if items.contains_key(&index) {
            let code = if index == NONE {
                "output-index-missing"
            } else {
                "output-index-duplicate"
            };
            return Err((
                code,
                format!(
                    "Duplicate response output index {}.",
                    spelt(&event["output_index"])
                ),
            ));
        }
        if !item.is_object() {
            return Err((
                "item-fields-missing",
                format!("an output item that is {}", shape(item)),
            ));
        }
        if !self.output_is_list {
            return Err((
                "response-fields-missing",
                "`output` of `response.created` is no list".to_owned(),
            ));
        }
        items.insert(index, item.clone());
        Ok(())
    }

    fn item_done(&mut self, event: &Value) -> Result<(), Finding> {
        let item = &event["item"];
        let index = index(event)?;
        let done = identity(item)?;
        if let Some(added) = self.items.as_ref().and_then(|items| items.get(&index))
            && !(is_tool_search(added) && is_tool_search(item))
        {
            same_identity(added, item, &identity(added)?, &done)?;
        }
        let done = hashed(done)?;
        if self
            .positions
            .get(&done)
            .is_some_and(|position| *position != index)
        {
            let message = "Response snapshot has conflicting output identities.";
            return Err(("item-id-duplicate", message.to_owned()));
        }
        if let Some(previous) = self.done.get(&index) {
            self.positions.remove(&identity(previous)?);
        }
        self.done.insert(index.clone(), item.clone());
        self.positions.insert(done, index);
        Ok(())
    }

    fn part_added(&mut self, event: &Value) -> Result<(), Finding> {
        let part = &event["part"];
        let item = self.item(event)?;
        if item["type"] != "message" {
            return Ok(());
        }
        if !part.is_object() {
            return Err((
                "part-fields-missing",
                format!("a content part that is {}", shape(part)),
            ));
        }
        let Some(content) = item["content"].as_array_mut() else {
            return Err((
                "item-fields-missing",
                "a message without a list of `content`".to_owned(),
            ));
        };
        content.push(part.clone());
        Ok(())
    }

    fn text_delta(&mut self, event: &Value) -> Result<(), Finding> {
        let part = self.text_part(event)?;
        let delta = append(&mut part["text"], &event["delta"], "part-fields-missing")?;
        self.summary.text.push_str(delta);
        Ok(())
    }

    /// The output text part that the event speaks about.
    fn text_part(&mut self, event: &Value) -> Result<&mut Value, Finding> {
        let item = self.item(event)?;
        if item["type"] != "message" {
            return Err((
                "item-not-added",
                format!("output text for an item of type {}", item["type"]),
            ));
        }
        let Some(content) = item["content"].as_array_mut() else {
            return Err((
                "item-fields-missing",
                "a message without a list of `content`".to_owned(),
            ));
        };
        let length = i64::try_from(content.len()).unwrap_or(i64::MAX);
        let at = match &event["content_index"] {
            Value::Bool(flag) => i64::from(*flag),
            value => value.as_i64().ok_or_else(|| {
                (
                    "content-index-missing",
                    format!(
                        "list indices must be integers or slices, not {}",
                        shape(value)
                    ),
                )
            })?,
        };
        // Python counts negative indices from the end.
        let at = if at < 0 {
            at.saturating_add(length)
        } else {
            at
        };
        let part = usize::try_from(at).ok().and_then(|at| content.get_mut(at));
        match part {
            None => Err(("part-not-added", "list index out of range".to_owned())),
            Some(part) if part["type"] != "output_text" => Err((
                "part-not-added",
                format!("a content part of type {} is no output text", part["type"]),
            )),
            Some(part) => Ok(part),
        }
    }

    fn arguments_delta(&mut self, event: &Value) -> Result<(), Finding> {
        let item = self.item(event)?;
        if item["type"] != "function_call" {
            return Err((
                "item-not-added",
                format!("arguments for an item of type {}", item["type"]),
            ));
        }
        let call = item["call_id"].as_str().unwrap_or_default().to_owned();
        let delta = append(
            &mut item["arguments"],
            &event["delta"],
            "item-fields-missing",
        )?;
        self.summary
            .arguments
            .entry(call)
            .or_default()
            .push_str(delta);
        Ok(())
    }

    fn completed(&mut self, event: &Value) -> Result<(), Finding> {
        self.same_response(event)?;
        let output = &event["response"]["output"];
        let mut finals = HashMap::new();
        for item in entries(output)? {
            finals.insert(hashed(identity(item)?)?, item);
        }
        for done in self.done.values() {
            let last = finals.get(&hashed(identity(done)?)?);
            if last.is_some_and(|last| !compatible(done, last)) {
                return Err((
                    "item-id-changed",
                    "Completed response output identity changed.".to_owned(),
                ));
            }
        }
        for (index, item) in self.items.iter().flatten() {
            let last = finals.get(&hashed(identity(item)?)?);
            if !self.done.contains_key(index) && !last.is_some_and(|last| compatible(item, last)) {
                let message = "Cannot complete response with unfinished output items.";
                return Err(("item-done-missing", message.to_owned()));
            }
        }
        is_response(event)?;
        if output.is_null() {
            sortable(self.done.keys())?;
        }
        for item in entries(output)?
            .iter()
            .filter(|item| item["type"] == "message")
        {
            if entries(&item["content"])?
                .iter()
                .any(|part| !part.is_object())
            {
                return Err((
                    "item-fields-missing",
                    "a content part that is no object".to_owned(),
                ));
            }
        }
        self.summary.terminal = Some(Terminal::Completed);
        Ok(())
    }

    fn ended_early(&mut self, event: &Value, failed: bool) -> Result<(), Finding> {
        self.same_response(event)?;
        is_response(event)?;
        if event["response"]["output"].is_null() {
            sortable(
                self.items
                    .iter()
                    .flat_map(BTreeMap::keys)
                    .chain(self.done.keys()),
            )?;
        }
        self.summary.terminal = Some(if failed {
            Terminal::Failed
        } else {
            Terminal::Incomplete
        });
        Ok(())
    }

    /// `_get_output_item`.
    fn item(&mut self, event: &Value) -> Result<&mut Value, Finding> {
        let index = index(event)?;
        let found = self.items.as_mut().and_then(|items| items.get_mut(&index));
        found.ok_or_else(|| {
            let message = "Received a content event for output index ";
            (
                "item-not-added",
                format!(
                    "{message}{} before receiving its output item",
                    spelt(&event["output_index"])
                ),
            )
        })
    }
}
