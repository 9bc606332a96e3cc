//! The entries as the `input` of a request.
//!
//! Every request carries the whole conversation (`store: false`), so it holds nothing that the server would have to look up,
//! and nothing that only another one can read (DEVIATIONS, group 8; HERMES.md, 2d):
//!
//! - no ids of items; a `call_id` stays, since it joins a call to its output;
//! - reasoning only to the issuer that encrypted it, with a `summary`, and only before an item of the same response;
//! - messages with text that is more than white space, parts with the fields that a request takes; a message's phase only to its issuer, and what was
//!   said in between to nobody else;
//! - of long outputs the heads and tails, where the whole did not fit;
//! - a summary in the place of what it sums up, and behind it what the user said in the turn that is under way;
//! - arguments that are a JSON object; what is none is wrapped in one that says so;
//! - each call with exactly one output, each output behind its call, no two calls under one id;
//! - what was said behind a call before it: servers that make a chat of the input want the output next.

use std::collections::{BTreeMap, BTreeSet};

use respair_core::is_interim;
use serde_json::{Map, Value, json};

use crate::entry::StoredItem;
use crate::{Body, Compacted, Entry, compact};

/// What stands before a summary in the place of what it sums up.
const SUMMARY: &str = "Summary of the conversation so far:";

/// The entries that were not taken back, in order. What takes back is itself left out; that an upstream could not read the
/// reasoning of before stays known.
pub fn live(entries: &[Entry]) -> Vec<&Entry> {
    let mut live: Vec<&Entry> = Vec::with_capacity(entries.len());
    for entry in entries {
        match &entry.body {
            Body::Undone(undone) => live.retain(|other| {
                other.seq < undone.from || matches!(other.body, Body::ReasoningDropped)
            }),
            _ => live.push(entry),
        }
    }
    live
}

/// The `input` of a request to `issuer`.
pub fn input(entries: &[Entry], issuer: &str) -> Vec<Value> {
    of(&live(entries), issuer)
}

/// The same for entries that are live.
pub(crate) fn of(live: &[&Entry], issuer: &str) -> Vec<Value> {
    let compacted = live.iter().rev().find_map(|entry| match &entry.body {
        Body::Compacted(compacted) => Some(compacted),
        _ => None,
    });
    let from = compacted.map_or(0, |compacted| compacted.until);
    // Reasoning before this place is sent to nobody.
    let unreadable = live.iter().rev().find_map(|entry| match entry.body {
        Body::ReasoningDropped => Some(entry.seq),
        _ => None,
    });
    // Outputs before this place are sent by their heads and tails.
    let long = live.iter().rev().find_map(|entry| match entry.body {
        Body::Shortened => Some(entry.seq),
        _ => None,
    });
    let mut writer = Writer {
        issuer,
        out: compacted.map(summary).into_iter().collect(),
        open: Vec::new(),
        open_at: 0,
        ids: BTreeSet::new(),
        numbers: BTreeMap::new(),
        short: false,
        reasoning: Vec::new(),
    };
    // Where the summary ends within a turn, what the user said in it stands as it was said.
    let cut = live
        .iter()
        .find(|entry| entry.seq >= from && matches!(entry.body, Body::Item(_)))
        .map(|entry| entry.turn);
    let stays =
        |entry: &&&Entry| entry.seq >= from || (Some(entry.turn) == cut && entry.is_of_the_user());
    for entry in live.iter().filter(stays) {
        match &entry.body {
            Body::Item(item) => {
                let readable = unreadable.is_none_or(|dropped| entry.seq > dropped);
                writer.short = long.is_some_and(|long| entry.seq < long);
                writer.item(item, readable);
            }
            // What comes now is another response, and no thought of this one's.
            Body::Continued(_) => writer.reasoning.clear(),
            _ => {}
        }
    }
    writer.finish()
}

fn summary(compacted: &Compacted) -> Value {
    user_text(&format!("{SUMMARY}\n\n{}", compacted.summary))
}

/// A message of the user's.
pub(crate) fn user_text(text: &str) -> Value {
    json!({"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]})
}

struct Writer<'a> {
    issuer: &'a str,
    out: Vec<Value>,
    /// Calls that wait for their output, in order, and where in `out` the first of them begins.
    open: Vec<Open>,
    open_at: usize,
    /// The ids of the calls so far, and of those that came again the number that is tried next.
    ids: BTreeSet<String>,
    numbers: BTreeMap<String, u64>,
    /// Long outputs are shortened.
    short: bool,
    /// Reasoning that waits for the item that it belongs to.
    reasoning: Vec<Value>,
}

/// A call that waits for its output.
struct Open {
    /// The id that it came with.
    call_id: String,
    /// The call as it is sent.
    sent: Value,
    /// The type of output that it takes.
    output: &'static str,
}

impl Writer<'_> {
    fn item(&mut self, stored: &StoredItem, readable: bool) {
        let Ok(Value::Object(item)) = serde_json::from_str(stored.raw.get()) else {
            return;
        };
        let own = stored.issuer.as_deref() == Some(self.issuer);
        match item.get("type").and_then(Value::as_str) {
            Some("message") | None => self.message(item, stored, own),
            Some("reasoning") => {
                let reasoning = own.then(|| reasoning(&item)).flatten();
                self.reasoning.extend(reasoning.filter(|_| readable));
            }
            Some("function_call") => {
                let arguments = Value::String(arguments(item.get("arguments")));
                self.call(&item, "arguments", arguments, "function_call_output");
            }
            Some("custom_tool_call") => {
                let input = item.get("input").cloned().unwrap_or_else(|| json!(""));
                self.call(&item, "input", input, "custom_tool_call_output");
            }
            Some("function_call_output" | "custom_tool_call_output") => self.output(item),
            // Hosted calls ran at the upstream that made them, under ids that it keeps: what they found is in the text.
            Some(_) => {}
        }
    }

    fn message(&mut self, item: Map<String, Value>, stored: &StoredItem, own: bool) {
        let Some(_issuer) = &stored.issuer else {
            // Our own words, as we wrote them.
            self.answer_open_calls();
            self.reasoning.clear();
            self.out.push(Value::Object(item));
            return;
        };
        let content: Vec<Value> = item
            .get("content")
            .and_then(Value::as_array)
            .map(|parts| parts.iter().filter_map(part).collect())
            .unwrap_or_default();
        let interim = is_interim(stored.raw.get());
        let said = |part: &Value| {
            let text = part["text"].as_str().or(part["refusal"].as_str());
            text.is_some_and(|text| !text.trim().is_empty())
        };
        if !content.iter().any(said) || (interim && !own) {
            return;
        }
        let mut message = json!({"type": "message", "role": "assistant", "content": content});
        if own && let Some(phase) = item.get("phase").filter(|phase| phase.is_string()) {
            message["phase"] = phase.clone();
        }
        self.said(message);
    }

    /// A message of the model's. Its calls that stand before it are run behind it, so it comes first.
    fn said(&mut self, message: Value) {
        if self.open.is_empty() {
            return self.push(message);
        }
        let mut said = std::mem::take(&mut self.reasoning);
        said.push(message);
        let at = self.open_at;
        self.open_at += said.len();
        self.out.splice(at..at, said);
    }

    fn call(&mut self, item: &Map<String, Value>, field: &str, value: Value, output: &'static str) {
        let text = |name| item.get(name).and_then(Value::as_str).unwrap_or_default();
        let (call_id, name) = (text("call_id"), text("name"));
        if call_id.is_empty() || name.is_empty() {
            return;
        }
        let mut call = json!({"type": text("type"), "call_id": call_id, "name": name});
        call[field] = value;
        if let Some(namespace) = item.get("namespace").filter(|value| value.is_string()) {
            call["namespace"] = namespace.clone();
        }
        let same = |open: &Open| open.call_id == call_id && is_same(&open.sent, &call);
        if self.open.iter().any(same) {
            return;
        }
        call["call_id"] = json!(self.free_id(call_id));
        if self.open.is_empty() {
            self.open_at = self.out.len();
        }
        self.open.push(Open {
            call_id: call_id.to_owned(),
            sent: call.clone(),
            output,
        });
        self.push(call);
    }

    /// An id that no call has yet. Some relays count from 0 in every response; joined by such an id, a call and its output
    /// would be taken for those of before.
    fn free_id(&mut self, call_id: &str) -> String {
        // What the API takes.
        const LONGEST: usize = 64;
        if self.ids.insert(call_id.to_owned()) {
            return call_id.to_owned();
        }
        // Those before it were taken when they were tried.
        let next = self.numbers.entry(call_id.to_owned()).or_insert(2);
        loop {
            let tail = format!("_{next}");
            *next += 1;
            let head: String = call_id.chars().take(LONGEST - tail.len()).collect();
            let id = head + &tail;
            if self.ids.insert(id.clone()) {
                return id;
            }
        }
    }

    fn output(&mut self, item: Map<String, Value>) {
        // Its response is over, and what was thought behind the last item of it belongs to none.
        self.reasoning.clear();
        let call_id = item.get("call_id").and_then(Value::as_str);
        let at = |open: &Open| Some(open.call_id.as_str()) == call_id;
        let Some(at) = self.open.iter().position(at) else {
            return;
        };
        let open = self.open.remove(at);
        let mut item = Value::Object(item);
        if self.short {
            compact::output(&mut item);
        }
        let output = item.get("output").cloned().unwrap_or_else(|| json!(""));
        self.answer(&open, output);
    }

    fn answer(&mut self, open: &Open, output: Value) {
        let call_id = &open.sent["call_id"];
        self.out
            .push(json!({"type": open.output, "call_id": call_id, "output": output}));
    }

    /// What follows reasoning is what it belongs to.
    fn push(&mut self, item: Value) {
        self.out.append(&mut self.reasoning);
        self.out.push(item);
    }

    /// A call that got no output, because the process died: whether it ran is known to nobody.
    fn answer_open_calls(&mut self) {
        for open in std::mem::take(&mut self.open) {
            let output =
                "no output: the turn ended before this call gave one; whether it ran is not known";
            self.answer(&open, json!(output));
        }
    }

    fn finish(mut self) -> Vec<Value> {
        self.answer_open_calls();
        self.out
    }
}

/// Whether two calls say the same, but for the id that they are sent with.
fn is_same(one: &Value, other: &Value) -> bool {
    let said = |call: &Value| {
        let mut call = call.clone();
        call["call_id"] = Value::Null;
        call
    };
    said(one) == said(other)
}

/// A part of a message of the model's, with what a request takes; `None` for an empty one.
fn part(part: &Value) -> Option<Value> {
    let field = match part["type"].as_str()? {
        "output_text" => "text",
        "refusal" => "refusal",
        _ => return None,
    };
    let text = part[field].as_str().filter(|text| !text.is_empty())?;
    let mut kept = json!({"type": part["type"], field: text});
    if field == "text" {
        kept["annotations"] = json!([]);
    }
    Some(kept)
}

/// Reasoning with what a request takes; `None` when nobody could read it.
fn reasoning(item: &Map<String, Value>) -> Option<Value> {
    let encrypted = item.get("encrypted_content")?.as_str()?;
    let summary = item.get("summary").filter(|summary| summary.is_array());
    (!encrypted.is_empty()).then(|| {
        json!({
            "type": "reasoning",
            "summary": summary.cloned().unwrap_or_else(|| json!([])),
            "encrypted_content": encrypted,
        })
    })
}

/// Arguments that are a JSON object. Empty ones are an empty object; what is none is given in one that says so: it is never
/// turned into another call (DEVIATIONS 8.9).
fn arguments(given: Option<&Value>) -> String {
    let text = match given {
        Some(Value::String(text)) => text,
        // Some send the object itself.
        Some(object @ Value::Object(_)) => return object.to_string(),
        _ => "",
    };
    if text.trim().is_empty() {
        return "{}".to_owned();
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(_)) => text.to_owned(),
        _ => json!({"invalid_arguments": text}).to_string(),
    }
}
