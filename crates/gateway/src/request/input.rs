//! The items of a request's input: what a client sends back of earlier turns, as the upstream takes it (DEVIATIONS 7.7, and
//! group 8 as far as a gateway can that keeps nothing).

use std::collections::HashSet;

use respair_core::is_made_up;

use super::json::{Object, array, elements, quote};
use super::known::{Known, Memory};
use super::mends::{
    ARGUMENTS_REPLACED, DUPLICATE_DROPPED, ID_DROPPED, ITEM_DROPPED, ITEM_FIELD_DROPPED,
    MADE_UP_ID, Mends, REASONING_CONTENT_DROPPED, REASONING_DROPPED, SUMMARY_ADDED,
};
use super::tools::Tools;
use super::{Off, is_json_object};

/// Items that hold the conversation itself, or tools: without them another one is sent.
const NEEDED: [&str; 10] = [
    "message",
    "reasoning",
    "function_call",
    "function_call_output",
    "custom_tool_call",
    "custom_tool_call_output",
    "item_reference",
    "additional_tools",
    "mcp_approval_response",
    "compaction",
];

/// One item.
#[derive(Debug, Clone)]
pub(super) struct Item<'a> {
    raw: &'a str,
    pub(super) object: Object<'a>,
    /// Its type; a message may leave it out.
    pub(super) kind: String,
    changed: bool,
    gone: bool,
}

/// The items of the input; none where it is a text. What is no object is one without fields.
pub(super) fn items<'a>(body: &'a Object<'_>) -> Vec<Item<'a>> {
    let list = body.get("input").and_then(elements).unwrap_or_default();
    list.into_iter().map(Item::of).collect()
}

impl<'a> Item<'a> {
    fn of(raw: &'a str) -> Self {
        let object = Object::parse(raw).unwrap_or_else(Object::new);
        let kind = object.text("type").unwrap_or_else(|| {
            let said = object.get("role").is_some();
            if said { "message" } else { "" }.to_owned()
        });
        Self {
            raw,
            object,
            kind,
            changed: false,
            gone: false,
        }
    }

    pub(super) fn is(&self, kind: &str) -> bool {
        self.kind == kind
    }

    /// It may be left out.
    pub(super) fn can_go(&self) -> bool {
        !self.kind.is_empty() && !NEEDED.contains(&self.kind.as_str())
    }

    /// A message of the developer's or the system's.
    pub(super) fn is_system(&self) -> bool {
        self.is("message")
            && (self.object.says("role", "developer") || self.object.says("role", "system"))
    }

    /// A message of the model's that says nothing.
    pub(super) fn is_empty_message(&self) -> bool {
        self.is("message")
            && self.object.says("role", "assistant")
            && match self.object.get("content") {
                Some(content) => {
                    content == "\"\"" || elements(content).is_some_and(|parts| parts.is_empty())
                }
                None => true,
            }
    }

    /// The arguments of a call, where they are no JSON object.
    pub(super) fn broken_arguments(&self) -> Option<String> {
        if !self.is("function_call") {
            return None;
        }
        let arguments = self.object.text("arguments")?;
        (!is_json_object(&arguments)).then_some(arguments)
    }

    /// What the model made: what its reasoning may stand before.
    fn is_models(&self) -> bool {
        match self.kind.as_str() {
            "message" => self.object.says("role", "assistant"),
            kind => kind.ends_with("_call"),
        }
    }

    fn take_out(&mut self, mends: &mut Mends, code: &'static str) {
        self.gone = true;
        mends.add(code, &self.kind);
    }
}

/// Changes the items of the input for an upstream.
pub(super) fn change(
    body: &mut Object<'_>,
    known: &Known,
    off: &Off,
    tools: &Tools,
    memory: &Memory,
    mends: &mut Mends,
) {
    let changed = {
        let mut input = Input {
            items: items(body),
            known,
            off,
            mends,
        };
        input.unknown();
        input.reasoning(memory);
        input.duplicates();
        for item in input.items.iter_mut().filter(|item| !item.gone) {
            if let Some(code) = tools.item_up(&mut item.object) {
                input.mends.add(code, "");
                item.changed = true;
            }
        }
        input.fields();
        input.written()
    };
    if let Some(changed) = changed {
        body.set("input", changed);
    }
}

struct Input<'a, 'm> {
    items: Vec<Item<'a>>,
    known: &'m Known,
    off: &'m Off,
    mends: &'m mut Mends,
}

impl Input<'_, '_> {
    /// The list with its changes; `None` where there are none.
    fn written(&self) -> Option<String> {
        if !self.items.iter().any(|item| item.changed || item.gone) {
            return None;
        }
        let items = self.items.iter().filter(|item| !item.gone);
        let texts: Vec<String> = items
            .map(|item| match item.changed {
                true => item.object.to_string(),
                false => item.raw.to_owned(),
            })
            .collect();
        Some(array(&texts))
    }

    /// 7.7: with an item goes what belongs to the same call.
    fn unknown(&mut self) {
        if self.known.items.is_empty() && !self.known.empty_messages || !self.off.on(ITEM_DROPPED) {
            return;
        }
        let refused = |item: &Item<'_>| item.can_go() && self.known.items.contains(&item.kind);
        let calls: HashSet<String> = self
            .items
            .iter()
            .filter(|item| refused(item))
            .filter_map(|item| item.object.text("call_id"))
            .collect();
        for item in &mut self.items {
            let call = item.object.text("call_id");
            let belongs = item.can_go() && call.is_some_and(|call| calls.contains(&call));
            let empty = self.known.empty_messages && item.is_empty_message();
            if belongs || empty || item.can_go() && self.known.items.contains(&item.kind) {
                item.take_out(self.mends, ITEM_DROPPED);
            }
        }
    }

    /// 8.1, 8.2, 8.3: reasoning that cannot be read, is not stored, or stands alone. Calls, their outputs and everything else
    /// stay; so does all of it where nothing else is left.
    fn reasoning(&mut self, memory: &Memory) {
        let known = self.known;
        if !self.off.on(REASONING_DROPPED) {
            return;
        }
        let mut gone = Vec::new();
        for (at, item) in self.items.iter().enumerate() {
            if !item.is("reasoning") || item.gone {
                continue;
            }
            let encrypted = item
                .object
                .text("encrypted_content")
                .filter(|text| !text.is_empty());
            let unreadable = match &encrypted {
                Some(text) => {
                    !known.unreadable.is_empty() && known.unreadable.contains(&memory.mark(text))
                }
                None => known.ids,
            };
            if unreadable {
                gone.push(at);
            }
        }
        if known.lonely_reasoning {
            let mut followed = false;
            for (at, item) in self.items.iter().enumerate().rev() {
                if item.gone || gone.contains(&at) {
                    continue;
                }
                if !item.is("reasoning") {
                    followed = item.is_models();
                } else if !followed {
                    gone.push(at);
                }
            }
        }
        let others = self.items.iter().filter(|item| !item.gone).count();
        if gone.len() < others {
            for at in gone {
                if let Some(item) = self.items.get_mut(at) {
                    item.take_out(self.mends, REASONING_DROPPED);
                }
            }
        }
    }

    /// 8.8: the first of one id stays.
    fn duplicates(&mut self) {
        if !self.known.duplicates || !self.off.on(DUPLICATE_DROPPED) {
            return;
        }
        let mut seen = HashSet::new();
        for item in self.items.iter_mut().filter(|item| !item.gone) {
            if let Some(id) = item.object.text("id")
                && !item.is("item_reference")
                && !seen.insert(id)
            {
                item.take_out(self.mends, DUPLICATE_DROPPED);
            }
        }
    }

    /// The fields of the items that stay.
    fn fields(&mut self) {
        let (known, off, mends) = (self.known, self.off, &mut *self.mends);
        for item in self.items.iter_mut().filter(|item| !item.gone) {
            if let Some(id) = item.object.text("id")
                && !item.is("item_reference")
            {
                let made_up = is_made_up(&id) && off.on(MADE_UP_ID);
                if made_up || known.ids && off.on(ID_DROPPED) {
                    item.object.remove("id");
                    item.changed = true;
                    mends.add(if made_up { MADE_UP_ID } else { ID_DROPPED }, "");
                }
            }
            for field in &known.item_fields {
                if off.on(ITEM_FIELD_DROPPED) && item.object.remove(field) {
                    item.changed = true;
                    mends.add(ITEM_FIELD_DROPPED, field);
                }
            }
            if item.is("reasoning") {
                reasoning_fields(item, known, off, mends);
            }
            if known.arguments
                && off.on(ARGUMENTS_REPLACED)
                && let Some(broken) = item.broken_arguments()
            {
                item.object.set("arguments", quote(&instead_of(&broken)));
                item.changed = true;
                mends.add(
                    ARGUMENTS_REPLACED,
                    &item.object.text("name").unwrap_or_default(),
                );
            }
        }
    }
}

/// 8.4, 8.5.
fn reasoning_fields(item: &mut Item<'_>, known: &Known, off: &Off, mends: &mut Mends) {
    if known.bare_summary && off.on(SUMMARY_ADDED) && item.object.present("summary").is_none() {
        item.object.set("summary", "[]");
        item.changed = true;
        mends.add(SUMMARY_ADDED, "");
    }
    let content = item
        .object
        .present("content")
        .is_some_and(|raw| raw != "[]");
    if known.reasoning_content && off.on(REASONING_CONTENT_DROPPED) && content {
        item.object.remove("content");
        item.changed = true;
        mends.add(REASONING_CONTENT_DROPPED, "");
    }
}

/// 8.9: an object that takes the place of arguments that are none. A call is never repaired in silence: it says so.
fn instead_of(broken: &str) -> String {
    if broken.trim().is_empty() {
        return "{}".to_owned();
    }
    let mut object = Object::new();
    object.set("invalid_arguments", quote(broken));
    object.set(
        "note",
        quote("The arguments of this call were no JSON object; they stand here as they were."),
    );
    object.to_string()
}

#[cfg(test)]
mod tests;
