//! Opening what the upstream left out: items and parts.

use crate::event::{EventKind, Field};
use crate::json::{Edit, Object, edit, quote};
use crate::model::Identity;
use crate::slots::{Address, ItemType, Part, Slot, TextKind};

use super::Mend;
use super::conform::foreign_fields;

impl Mend<'_> {
    /// Opens an item of which only `kind` is known, under the index and id that the event in hand uses. A call is
    /// held, since its name is not known.
    pub(crate) fn open_unknown(&mut self, kind: ItemType) -> usize {
        let base = match kind {
            ItemType::Message => {
                r#"{"type":"message","status":"in_progress","role":"assistant","content":[]}"#
            }
            ItemType::Reasoning => r#"{"type":"reasoning","summary":[]}"#,
            ItemType::FunctionCall => {
                r#"{"type":"function_call","status":"in_progress","arguments":""}"#
            }
            _ => r#"{"type":"custom_tool_call","status":"in_progress","input":""}"#,
        };
        let item = self.upstream.field(Field::Item).and_then(Object::parse);
        let id = item
            .as_ref()
            .and_then(|item| item.filled("id"))
            .or_else(|| self.upstream.text(Field::ItemId))
            .map(std::borrow::Cow::into_owned);
        let at = self.open_slot(base, id, kind.is_call());
        if !self.slot_ref(at).held {
            self.give_added(at);
        }
        at
    }

    /// Opens the item of a hosted tool, of which only an event is known: as the native service adds it, where that needs
    /// nothing but its id. Of the other types only the upstream knows what their items need from the beginning on: a
    /// container, a server, an action.
    pub(crate) fn open_hosted(&mut self) -> Option<usize> {
        let base = match self.kind.hosted_item()? {
            "web_search_call" => r#"{"type":"web_search_call","status":"in_progress"}"#,
            "image_generation_call" => r#"{"type":"image_generation_call","status":"in_progress"}"#,
            "file_search_call" => {
                r#"{"type":"file_search_call","status":"in_progress","queries":[],"results":null}"#
            }
            _ => return None,
        };
        let id = self
            .upstream
            .text(Field::ItemId)
            .map(std::borrow::Cow::into_owned);
        let address = Address::of(self.upstream, self.kind, &Object::default());
        if self.model.slots.is_known(&address) || id.as_ref().is_none_or(String::is_empty) {
            return None;
        }
        let at = self.open_slot(base, id, false);
        self.give_added(at);
        Some(at)
    }

    /// Opens an item that is known as a whole, from its done event or the terminal's `output`.
    pub(crate) fn open_known(&mut self, raw: &str) -> usize {
        let item = Object::parse(raw).unwrap_or_default();
        let kind = ItemType::from_name(&item.string("type").unwrap_or_default());
        let mut edits = match kind {
            ItemType::Message => vec![Edit::Set("content", "[]".to_owned())],
            ItemType::Reasoning if item.get("content").is_some() => {
                vec![
                    Edit::Set("summary", "[]".to_owned()),
                    Edit::Set("content", "[]".to_owned()),
                ]
            }
            ItemType::Reasoning => vec![Edit::Set("summary", "[]".to_owned())],
            ItemType::FunctionCall | ItemType::CustomToolCall => {
                vec![Edit::Set(kind.payload_field(), quote(""))]
            }
            ItemType::Other => Vec::new(),
        };
        if kind == ItemType::Message && item.filled("role").is_none() {
            edits.push(Edit::Set("role", quote("assistant")));
        }
        if item.get("status").is_some() || kind == ItemType::Message || kind.is_call() {
            edits.push(Edit::Set("status", quote("in_progress")));
        }
        let call_id = kind.is_call().then(|| self.own_call_id(&item, None));
        if let Some(call_id) = &call_id {
            edits.push(Edit::Set("call_id", quote(call_id)));
        }
        edits.extend(foreign_fields(kind, &item));
        let base = edit(raw, &edits);
        let at = self.open_slot(
            &base,
            item.filled("id").map(std::borrow::Cow::into_owned),
            false,
        );
        self.note_upstream_call_id(at, &item);
        self.give_added(at);
        at
    }

    fn open_slot(&mut self, base: &str, upstream_id: Option<String>, held: bool) -> usize {
        let index = if held {
            u64::MAX
        } else {
            self.model.slots.next_index()
        };
        let upstream_index = self.upstream.integer(Field::OutputIndex);
        let mut slot = Slot::from_item(base, index, upstream_index);
        let free = |id: &String| self.model.slots.with_id(id).is_none();
        let id = upstream_id.clone().filter(|id| !id.is_empty()).filter(free);
        let id = id.unwrap_or_else(|| self.model.mint.id(slot.kind.id_prefix()));
        slot.added = edit(base, &[Edit::Set("id", quote(&id))]);
        slot.upstream_id = upstream_id.clone().filter(|own| *own != id);
        slot.id = Some(id);
        slot.made_up = true;
        slot.held = held;
        slot.moved = true;
        if !slot.kind.is_call() {
            let added = Object::parse(&slot.added).unwrap_or_default();
            self.model.added.insert(Identity::of(&added));
        }
        let at = self.model.slots.open(slot);
        self.model
            .slots
            .alias(at, upstream_index, upstream_id.as_deref());
        at
    }

    /// Gives out `output_item.added` of a slot.
    pub(crate) fn give_added(&mut self, at: usize) {
        let fields = format!(
            r#""output_index":{},"item":{}"#,
            self.slot_ref(at).index,
            self.slot_ref(at).added
        );
        self.make(EventKind::OutputItemAdded, &fields);
    }

    /// Opens a part as the item's next one, which the upstream addresses by `index`, with `raw` as its beginning.
    pub(crate) fn open_part(
        &mut self,
        at: usize,
        kind: TextKind,
        index: Option<u64>,
        raw: Option<&str>,
    ) -> usize {
        let next = self.slot_ref(at).parts(kind).len() as u64;
        let raw = raw.unwrap_or_else(|| kind.empty_part());
        let upstream_index = index.unwrap_or(next);
        let opened = Part {
            upstream_index,
            made_up: raw == kind.empty_part(),
            ..Part::from_raw(next, raw).fitting(self.slot_ref(at).kind, kind)
        };
        let part = self.model.slots.push_part(at, kind, opened);
        self.model.slots.changes.clear();
        let fields = format!(r#"{},"part":{raw}"#, self.part_place(at, kind, part));
        self.make(kind.part_added(), &fields);
        part
    }
}
