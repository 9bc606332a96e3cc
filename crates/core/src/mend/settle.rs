//! Closing what the upstream left open: the rest of a text, its done event, its part, the item.

use crate::event::Field;
use crate::json::{self, Edit, Object, edit, quote};
use crate::slots::{ItemType, Part, TextKind};

use super::{Mend, Released, conform};

impl Mend<'_> {
    /// Streams what `item` holds beyond what was delivered, and closes every part or payload of the slot. Without an
    /// item the slot is closed as it stands. The item's own done event is left to the caller.
    pub(crate) fn settle(&mut self, at: usize, item: Option<&str>) {
        if self.slot_ref(at).partial {
            self.fail(
                "limit_response",
                "more came than limits.response allows to keep, and the rest cannot be filled in",
            );
            return;
        }
        let item = item.and_then(Object::parse).unwrap_or_default();
        match self.slot_ref(at).kind {
            ItemType::Message => self.settle_parts(at, &item, TextKind::Output, "content"),
            ItemType::Reasoning => {
                self.settle_parts(at, &item, TextKind::Summary, "summary");
                self.settle_parts(at, &item, TextKind::Reasoning, "content");
            }
            ItemType::FunctionCall | ItemType::CustomToolCall => self.settle_payload(at, &item),
            ItemType::Other => {}
        }
    }

    /// Makes the item's done event agree with its slot: what was not delivered is streamed, what is open is closed,
    /// what contradicts is written anew. Done once, whichever rule asks first.
    pub(crate) fn mend_item_done(&mut self) {
        let Some(mut at) = self.slot.filter(|_| !self.draft.settled) else {
            return;
        };
        let Some(raw) = self
            .event
            .field(Field::Item)
            .filter(|raw| json::is_object(raw))
            .map(str::to_owned)
        else {
            return self.drop_event();
        };
        self.draft.settled = true;
        if self.slot_ref(at).held {
            match self.release(at, &raw, true) {
                Released::Known(own) => at = own,
                Released::Repetition => return self.drop_event(),
                Released::Nameless => {
                    return self.fail(
                        "upstream_call_incomplete",
                        "the upstream finished a call without naming it",
                    );
                }
            }
            self.slot = Some(at);
        }
        self.settle(at, Some(&raw));
        self.readdress();
        let edits = conform(self.slot_ref(at), &raw, "completed");
        let edits = edits
            .fields
            .into_iter()
            .chain(edits.text)
            .chain(edits.parts)
            .chain(edits.foreign);
        self.draft.edit_nested(edits);
    }

    fn settle_parts(&mut self, at: usize, item: &Object<'_>, list: TextKind, field: &str) {
        let raws = item.get(field).and_then(json::elements).unwrap_or_default();
        let item_type = self.slot_ref(at).kind;
        let read = |(place, raw): (usize, &&str)| {
            Part::from_raw(place as u64, raw).fitting(item_type, list)
        };
        let whole: Vec<Part> = raws.iter().enumerate().map(read).collect();
        let slot = self.slot_ref(at);
        if slot.told_elsewhere(list, &whole, item) {
            return;
        }
        let here = slot.parts_like(list, &whole);
        if let Some(rest) = slot.recut(list, &whole) {
            self.send_more(at, list, &rest);
            return self.close_parts(at, list);
        }
        for ((part, raw), known) in whole.iter().zip(&raws).zip(here) {
            match part.kind {
                // A part of a type that is not the protocol's stays in its item and is not streamed.
                None => {}
                Some(kind) => {
                    let position = known.unwrap_or_else(|| {
                        let empty = edit(raw, &empty_edits(kind));
                        self.open_part(at, list, None, Some(&empty))
                    });
                    self.send_rest(at, kind, position, &part.text);
                }
            }
        }
        if raws.is_empty() {
            self.open_prefilled(at, list);
        }
        self.close_parts(at, list);
    }

    fn close_parts(&mut self, at: usize, list: TextKind) {
        for part in 0..self.slot_ref(at).parts(list).len() {
            self.close_part(at, list, part);
        }
    }

    /// Sends what an item that is cut into other parts holds more: in the last part, or behind it in a new one.
    fn send_more(&mut self, at: usize, list: TextKind, rest: &str) {
        let parts = self.slot_ref(at).parts(list);
        let last = parts.iter().rposition(|part| part.kind.is_some());
        let Some((last, kind)) = last.and_then(|last| Some((last, parts[last].kind?))) else {
            return;
        };
        if rest.is_empty() {
            return;
        }
        let over = parts[last].text_done || parts[last].done;
        let (part, whole) = if over {
            (self.open_part(at, kind, None, None), rest.to_owned())
        } else {
            (last, format!("{}{rest}", parts[last].text))
        };
        self.send_rest(at, kind, part, &whole);
    }

    /// Sends the part of `whole` that was not delivered yet, unless the delivered text contradicts it.
    pub(crate) fn send_rest(&mut self, at: usize, kind: TextKind, part: usize, whole: &str) {
        let seed = std::mem::take(&mut self.model.slots.list[at].parts_mut(kind)[part].seed);
        let whole = if whole.is_empty() { &seed } else { whole };
        let known = &self.slot_ref(at).parts(kind)[part];
        if known.text_done || known.done || known.kind != Some(kind) {
            return;
        }
        let Some(rest) = whole
            .strip_prefix(known.text.as_str())
            .filter(|rest| !rest.is_empty())
        else {
            return;
        };
        let rest = rest.to_owned();
        let rest = self.less_strays(at, kind, part, &rest);
        if rest.is_empty() {
            return;
        }
        let logprobs = if kind == TextKind::Output {
            r#","logprobs":[]"#
        } else {
            ""
        };
        let fields = format!(
            r#"{},"delta":{}{logprobs}"#,
            self.part_place(at, kind, part),
            quote(&rest)
        );
        self.make(kind.delta(), &fields);
        self.model.slots.append(at, kind, part, &rest);
        let sent = &mut self.model.slots.list[at].parts_mut(kind)[part];
        sent.owed.push_str(&rest);
        self.model.slots.changes.clear();
        self.model.content = true;
    }

    /// Gives out the text's done event, if it is missing.
    pub(crate) fn close_text(&mut self, at: usize, list: TextKind, part: usize) {
        if let Some(kind) = self.slot_ref(at).parts(list)[part].kind {
            self.send_seed(at, kind, part);
        }
        let known = &self.slot_ref(at).parts(list)[part];
        let Some(kind) = known.kind.filter(|_| !known.text_done && !known.done) else {
            return;
        };
        let logprobs = if kind == TextKind::Output {
            r#","logprobs":[]"#
        } else {
            ""
        };
        let (place, text) = (self.part_place(at, list, part), quote(&known.text));
        self.make(
            kind.text_done(),
            &format!(r#"{place},"{}":{text}{logprobs}"#, kind.text_field().name()),
        );
        self.model.slots.list[at].parts_mut(list)[part].text_done = true;
    }

    /// Gives out the part's done event, and its text's before it, if they are missing.
    pub(crate) fn close_part(&mut self, at: usize, list: TextKind, part: usize) {
        self.close_text(at, list, part);
        let known = &self.slot_ref(at).parts(list)[part];
        if known.done {
            return;
        }
        let fields = format!(
            r#"{},"part":{}"#,
            self.part_place(at, list, part),
            known.to_json()
        );
        self.make(list.part_done(), &fields);
        self.model.slots.list[at].parts_mut(list)[part].done = true;
    }
}

fn empty_edits(kind: TextKind) -> Vec<Edit> {
    let mut edits = vec![
        Edit::Set("type", quote(kind.part_type())),
        Edit::Set(kind.text_field().name(), quote("")),
    ];
    if kind == TextKind::Output {
        edits.push(Edit::Set("annotations", "[]".to_owned()));
        edits.push(Edit::Set("logprobs", "[]".to_owned()));
    }
    edits
}
