//! What a refusal teaches of its upstream (DEVIATIONS, groups 7 and 8). Only what it names, or says in so many words.

use std::collections::{BTreeSet, HashSet};

use hyper::StatusCode;

use super::input::{Item, items};
use super::json::Object;
use super::known::{Known, Memory, keep};
use super::said::Said;
use super::{effort, fields, tools};

/// How upstreams say that they cannot read reasoning of another key, account or model (DEVIATIONS 5.12, 8.1).
const UNREADABLE: [&str; 7] = [
    "could not be verified",
    "could not be decrypted",
    "could not decrypt",
    "cannot be decrypted",
    "failed to decrypt",
    "unable to decrypt",
    "decryption failed",
];

/// How they say that a call's arguments are no JSON (8.9): their parsers' words, and one of their own.
const NO_JSON: [&str; 9] = [
    "valid json",
    "invalid json",
    "as json",
    "unterminated string",
    "expecting value",
    "expecting property name",
    "expecting ',' delimiter",
    "eof while parsing",
    "jsondecodeerror",
];

/// Fields that an input item is made of.
const ITEM_NEEDED: [&str; 12] = [
    "type",
    "role",
    "content",
    "call_id",
    "name",
    "namespace",
    "arguments",
    "output",
    "input",
    "encrypted_content",
    "summary",
    "action",
];

/// What is known now and was not known before; `None` when the refusal says nothing that can be minded.
pub(super) fn learn(
    status: StatusCode,
    refusal: &[u8],
    sent: &str,
    known: &Known,
    memory: &Memory,
) -> Option<Known> {
    let said = Said::of(refusal)?;
    let body = Object::parse(sent)?;
    let learning = Learning {
        status: status.as_u16(),
        refusal,
        sent,
        said: &said,
        body: &body,
        items: items(&body),
        memory,
    };
    let mut now = known.clone();
    learning.read(&mut now);
    (now != *known).then_some(now)
}

struct Learning<'a> {
    status: u16,
    refusal: &'a [u8],
    sent: &'a str,
    said: &'a Said,
    body: &'a Object<'a>,
    items: Vec<Item<'a>>,
    memory: &'a Memory,
}

/// Looks for one thing that a refusal may say; `true` when it says that.
type Lesson<'a> = fn(&Learning<'a>, &mut Known) -> bool;

impl<'a> Learning<'a> {
    /// The first that fits: a refusal has one reason, and what a sentence names beside it is no second one.
    fn read(&self, known: &mut Known) {
        let refused = matches!(self.status, 400 | 422);
        let all: [(bool, Lesson<'a>); 14] = [
            (refused, Self::unreadable_reasoning),
            (refused || self.status == 404, Self::ids),
            (refused, Self::pairs),
            (refused, Self::duplicates),
            (refused, Self::summary),
            (refused, Self::reasoning_content),
            // llama.cpp says it with a 500.
            (refused || self.status == 500, Self::arguments),
            (refused, Self::store),
            (refused, Self::effort),
            (refused, Self::tools),
            (refused, Self::items),
            (refused, Self::roles),
            (refused, Self::nulls),
            (refused, Self::fields),
        ];
        for (applies, read) in all {
            if applies && read(self, known) {
                return;
            }
        }
    }

    fn unreadable_reasoning(&self, known: &mut Known) -> bool {
        let said = self.said.any(|words| {
            words.contains("invalid_encrypted_content")
                || words.contains("encrypted")
                    && UNREADABLE.iter().any(|known| words.contains(known))
        });
        if said {
            // Which of them it is is not said. Reasoning that this upstream gives later is its own, and is not among them.
            for item in self.items.iter().filter(|item| item.is("reasoning")) {
                if let Some(content) = item.object.text("encrypted_content") {
                    known.keep_unreadable(self.memory.mark(&content));
                }
            }
        }
        said
    }

    /// 8.2. What refers to a stored item cannot be told in another way.
    fn ids(&self, known: &mut Known) -> bool {
        let said = self.said.any(|words| {
            words.contains("not found") && words.contains("item with id")
                || words.contains("items are not persisted")
        });
        let referred = said && {
            let references = self.items.iter().filter(|item| item.is("item_reference"));
            let ids = references.filter_map(|item| item.object.text("id"));
            let ids: HashSet<String> = ids.map(|id| id.to_ascii_lowercase()).collect();
            self.said.names_any(&ids)
        };
        if said && !referred {
            known.ids = true;
        }
        said
    }

    /// 8.3.
    fn pairs(&self, known: &mut Known) -> bool {
        let said = self.said.tells(&[
            "without its required following item",
            "without its required 'reasoning' item",
        ]);
        if said {
            (known.lonely_reasoning, known.ids) = (true, true);
        }
        said
    }

    /// 8.8.
    fn duplicates(&self, known: &mut Known) -> bool {
        let said = self.said.tells(&["duplicate item"]);
        known.duplicates |= said;
        said
    }

    /// 8.4.
    fn summary(&self, known: &mut Known) -> bool {
        let place = |place: &super::said::Place| {
            place.field == "input" && place.below.as_deref() == Some("summary")
        };
        let said = self.said.tells(&["required"])
            && (self.said.places.iter().any(place) || self.said.any(|words| words == "summary"));
        known.bare_summary |= said;
        said
    }

    /// 8.5.
    fn reasoning_content(&self, known: &mut Known) -> bool {
        let place = self.said.places.iter().find(|place| {
            place.field == "input"
                && place.below.as_deref() == Some("content")
                && place.at.is_some()
        });
        let item = place.and_then(|place| self.items.get(place.at?));
        let Some(item) = item else {
            return false;
        };
        if item.is("reasoning") {
            known.reasoning_content = true;
        } else if item.is_empty_message() {
            known.empty_messages = true;
        } else {
            return false;
        }
        true
    }

    /// 8.9.
    fn arguments(&self, known: &mut Known) -> bool {
        let said = self.said.tells(&NO_JSON)
            && self
                .items
                .iter()
                .any(|item| item.broken_arguments().is_some());
        known.arguments |= said;
        said
    }

    /// 7.4. A request that says something else says it on purpose.
    fn store(&self, known: &mut Known) -> bool {
        let said = self.said.any(|words| {
            words.contains("store") && words.contains("must be") && words.contains("false")
        });
        if said && self.body.present("store").is_none() {
            known.store = true;
        }
        said
    }

    /// 7.11.
    fn effort(&self, known: &mut Known) -> bool {
        let Some(asked) = effort::asked(self.body) else {
            return false;
        };
        let at =
            self.said.places.iter().any(|place| {
                place.field == "reasoning" && place.below.as_deref() == Some("effort")
            });
        let named = self.said.tells(&["effort"]);
        if !(at || named) || !self.said.names(&asked) {
            return false;
        }
        match effort::nearest(&asked, &self.said.instead()) {
            Some(other) => {
                known.efforts.insert(asked, other);
                true
            }
            None => false,
        }
    }

    /// 7.2.
    fn tools(&self, known: &mut Known) -> bool {
        let kinds = tools::kinds(self.body);
        let spoken = self.said.tells(&["tool", "namespace"]) || self.said.is_at("tools");
        if kinds.is_empty() || !spoken {
            return false;
        }
        if self.said.any(|words| {
            words.contains("function")
                && words.contains("only")
                && words.contains("tool")
                && !words.contains("unsupported parameter")
        }) {
            known.only_functions = true;
            return true;
        }
        let described = tools::described(self.body);
        let instead = self.said.instead();
        let counted = instead.contains(&"function");
        let unnamed = self.said.tells(&["tool type", "tool_type", "type of tool"]);
        let mut found: Vec<&str> = Vec::new();
        for place in self
            .said
            .places
            .iter()
            .filter(|place| place.field == "tools")
        {
            let of_place = place.at.and_then(|at| described.get(at));
            found.extend(of_place.map(|(kind, _)| kind.as_str()));
        }
        for kind in &kinds {
            if self.said.names(kind) || counted && !instead.contains(&kind.as_str()) {
                found.push(kind);
            }
        }
        for (kind, name) in described.iter().take(tools::TOOLS) {
            if kind != "function" && !name.is_empty() && self.said.names(name) {
                found.push(kind);
            }
        }
        // The history of a tool is refused in its own words.
        let calls = |item: &&Item<'_>| item.kind.starts_with("custom_tool_call");
        let named = ["custom_tool_call", "custom_tool_call_output"];
        let named = named.iter().any(|kind| self.said.names(kind));
        if named && self.items.iter().any(|item| calls(&item)) {
            found.push("custom");
        }
        for place in self
            .said
            .places
            .iter()
            .filter(|place| place.field == "input")
        {
            let item = place.at.and_then(|at| self.items.get(at));
            match place.below.as_deref() {
                None | Some("type") if item.as_ref().is_some_and(calls) => found.push("custom"),
                Some("namespace") if item.is_some() => found.push("namespace"),
                _ => {}
            }
        }
        found.retain(|kind| *kind != "function" && !kind.is_empty());
        if found.is_empty() && unnamed {
            found.extend(kinds.iter().map(String::as_str));
        }
        for kind in &found {
            keep(&mut known.tools, kind);
        }
        !found.is_empty()
    }

    /// 7.7, and fields of items.
    fn items(&self, known: &mut Known) -> bool {
        let mut found = false;
        for place in self
            .said
            .places
            .iter()
            .filter(|place| place.field == "input")
        {
            let Some(item) = place.at.and_then(|at| self.items.get(at)) else {
                continue;
            };
            match place.below.as_deref() {
                None | Some("type") if item.can_go() => {
                    keep(&mut known.items, &item.kind);
                    found = true;
                }
                Some("id") => {
                    known.ids = true;
                    found = true;
                }
                Some(field)
                    if item.object.get(field).is_some() && !ITEM_NEEDED.contains(&field) =>
                {
                    keep(&mut known.item_fields, field);
                    found = true;
                }
                _ => {}
            }
        }
        // A bare "Invalid input" says it of the unusual ones.
        let bare = self
            .said
            .any(|words| words.trim_end_matches('.') == "invalid input");
        let can_go = self.items.iter().filter(|item| item.can_go());
        let kinds: BTreeSet<&str> = can_go.map(|item| item.kind.as_str()).collect();
        for kind in kinds.into_iter().take(tools::KINDS) {
            if self.said.names(kind) || bare {
                keep(&mut known.items, kind);
                found = true;
            }
        }
        found
    }

    /// 7.9.
    fn roles(&self, known: &mut Known) -> bool {
        let has = |role: &str| self.items.iter().any(|item| item.object.says("role", role));
        let at = self
            .said
            .places
            .iter()
            .any(|place| place.field == "input" && place.below.as_deref() == Some("role"));
        let spoken =
            at || self.said.tells(&["role", "message"]) || self.said.instead().contains(&"user");
        if !spoken {
            return self.missing_instructions(known);
        }
        let refused = ["developer", "system"].map(|role| has(role) && self.said.names(role));
        // Templates of open models say no more than this.
        let unnamed = self
            .said
            .tells(&["unexpected message role", "unexpected role"]);
        if has("developer") && (refused[0] || unnamed) {
            known.developer = true;
            // What it says of system messages it says of these next.
            known.system |= refused[1];
            return true;
        }
        if (has("system") || has("developer"))
            && self
                .said
                .tells(&["system message", "system role", "system messages"])
            || refused[1]
        {
            known.system = true;
            return true;
        }
        self.missing_instructions(known)
    }

    fn missing_instructions(&self, known: &mut Known) -> bool {
        let said = self.said.tells(&["instructions"])
            && self.said.tells(&["required", "missing"])
            && self.body.present("instructions").is_none()
            && self.items.iter().any(Item::is_system);
        known.system |= said;
        said
    }

    /// 7.8: null says there what absence says.
    fn nulls(&self, known: &mut Known) -> bool {
        let expected = self
            .said
            .tells(&["null", "none", "should be a valid", "invalid type"]);
        let named = |name: &str| {
            self.said.any(|words| {
                words
                    .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                    .any(|word| word == name)
            }) || self.said.is_at(name)
        };
        let said = expected
            && self
                .body
                .fields()
                .any(|(name, value)| value == "null" && named(&name.to_ascii_lowercase()));
        known.nulls |= said;
        said
    }

    /// 7.1, 7.5.
    fn fields(&self, known: &mut Known) -> bool {
        let status = StatusCode::from_u16(self.status).unwrap_or_default();
        let refused = fields::refused(status, self.refusal, self.sent, self.said, self.body);
        for field in &refused {
            keep(&mut known.fields, field);
        }
        !refused.is_empty()
    }
}

#[cfg(test)]
mod tests;
