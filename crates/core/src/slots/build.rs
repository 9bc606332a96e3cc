//! Items and parts as JSON, built from what was delivered: backfill, for the wire and for the final response alike.

use crate::json::{self, Edit, edit, quote};

use super::{ItemType, Part, Slot, Slots, TextKind};

impl Part {
    /// The part as it stands, as raw JSON.
    pub(crate) fn to_json(&self) -> String {
        let Some(kind) = self.kind else {
            return self.raw.clone();
        };
        let mut edits = vec![Edit::Set(kind.text_field().name(), quote(&self.text))];
        if kind == TextKind::Output {
            let object = json::Object::parse(&self.raw).unwrap_or_default();
            let listed = object
                .get("annotations")
                .and_then(json::elements)
                .unwrap_or_default();
            let annotations = listed
                .into_iter()
                .chain(self.annotations.iter().map(String::as_str));
            edits.push(Edit::Set("annotations", json::array(annotations)));
        }
        edit(&self.raw, &edits)
    }
}

impl Slot {
    /// The item with what was delivered of it, as raw JSON, and with this status where its type has one.
    pub(crate) fn to_json(&self, status: &str) -> String {
        let mut edits = Vec::new();
        let status = if self.failed { "failed" } else { status };
        match self.kind {
            ItemType::Message => {
                edits.push(Edit::Set(
                    "content",
                    json::array(self.content.iter().map(Part::to_json)),
                ));
            }
            ItemType::Reasoning => {
                edits.push(Edit::Set(
                    "summary",
                    json::array(self.summary.iter().map(Part::to_json)),
                ));
                if !self.content.is_empty() {
                    edits.push(Edit::Set(
                        "content",
                        json::array(self.content.iter().map(Part::to_json)),
                    ));
                }
            }
            ItemType::FunctionCall | ItemType::CustomToolCall => {
                edits.push(Edit::Set(self.kind.payload_field(), quote(&self.payload)));
            }
            ItemType::Other => {}
        }
        let has_status =
            json::Object::parse(&self.added).is_some_and(|item| item.get("status").is_some());
        if has_status || matches!(self.kind, ItemType::Message) || self.kind.is_call() {
            edits.push(Edit::Set("status", quote(status)));
        }
        edit(&self.added, &edits)
    }

    /// An item of which nothing is kept but what names it.
    pub(crate) fn names(&self) -> String {
        let mut edits = vec![Edit::Set("type", quote(&self.type_name))];
        for (key, value) in [
            ("id", &self.id),
            ("call_id", &self.call_id),
            ("name", &self.name),
        ] {
            edits.extend(value.as_ref().map(|value| Edit::Set(key, quote(value))));
        }
        edit("{}", &edits)
    }

    /// The edit that gives an item the id, or the lack of one, that this one was added with.
    pub(crate) fn id_as_added(&self) -> Edit {
        let added = json::Object::parse(&self.added).unwrap_or_default();
        match (&self.id, added.get("id")) {
            (Some(id), _) => Edit::Set("id", quote(id)),
            (None, Some(raw)) => Edit::Set("id", raw.to_owned()),
            (None, None) => Edit::Remove("id".to_owned()),
        }
    }

    /// Whether the item may be closed from what was delivered (ARCHITECTURE.md, endings): text as it stands, a
    /// function call with whole arguments (of none it has to be said that they are done), a custom call whose input was closed.
    pub(crate) fn can_be_closed(&self) -> bool {
        match self.kind {
            _ if self.held || self.partial => false,
            _ if self.kind.is_call() && self.lost.is_some() => false,
            ItemType::FunctionCall if self.is_blank(self.known_payload()) => self.payload_done,
            ItemType::FunctionCall => json::is_whole_object(self.known_payload()),
            ItemType::CustomToolCall => self.payload_done,
            _ => true,
        }
    }
}

impl Slots {
    /// The response's `output`: the items that were done, and with `open_as` the others as they stand, in index
    /// order. The answer to a terminal event whose own `output` is empty, null or missing.
    pub(crate) fn output(&self, open_as: Option<&str>) -> Vec<String> {
        let order = self.ordered();
        let slots = order
            .iter()
            .map(|&at| &self.list[at])
            .filter(|slot| !slot.held);
        slots
            .filter_map(|slot| {
                slot.done
                    .clone()
                    .or_else(|| open_as.map(|status| slot.to_json(status)))
            })
            .collect()
    }
}
