//! Taking in events: what each one adds to its slot.

use crate::event::{Class, Event, EventKind, Field};
use crate::json::{self, GrowingObject, Object};

use super::{Change, ItemType, Part, Slot, Slots, TextKind, payload_field, payload_text};

impl Slot {
    /// A slot from an item as raw JSON. `upstream_index` is what the upstream calls it by.
    pub(crate) fn from_item(raw: &str, index: u64, upstream_index: Option<u64>) -> Self {
        let item = Object::parse(raw).unwrap_or_default();
        let type_name = item.string("type").unwrap_or_default().into_owned();
        let kind = ItemType::from_name(&type_name);
        let parts = |field: &str, list: TextKind| -> Vec<Part> {
            let raws = item.get(field).and_then(json::elements).unwrap_or_default();
            let part =
                |(at, raw): (usize, &&str)| Part::from_raw(at as u64, raw).fitting(kind, list);
            raws.iter().enumerate().map(part).collect()
        };
        let body = match kind {
            ItemType::FunctionCall | ItemType::CustomToolCall => {
                payload_text(item.get(kind.payload_field()))
            }
            _ => None,
        };
        let mut growing = GrowingObject::default();
        growing.push(body.as_deref().unwrap_or_default());
        let lacks_body = match kind {
            ItemType::Message => !item.get("content").is_some_and(json::is_array),
            ItemType::FunctionCall => !item.get("arguments").is_some_and(json::is_string),
            _ => false,
        };
        Self {
            index,
            upstream_index,
            id: item.filled("id").map(std::borrow::Cow::into_owned),
            upstream_id: None,
            kind,
            type_name,
            call_id: item.filled("call_id").map(std::borrow::Cow::into_owned),
            name: item.filled("name").map(std::borrow::Cow::into_owned),
            added: raw.to_owned(),
            content: parts("content", TextKind::Output),
            summary: parts("summary", TextKind::Summary),
            growing,
            payload: body.unwrap_or_default().into_owned(),
            lost: None,
            confirmed: false,
            payload_done: false,
            failed: false,
            rival: false,
            repeated: false,
            upstream_call_id: None,
            prefilled: None,
            payload_seed: String::new(),
            done: None,
            done_at_index: false,
            made_up: false,
            held: false,
            lacks_body,
            indexless: false,
            moved: false,
            partial: false,
        }
    }
}

impl Slots {
    /// Takes in an event that belongs to `at`, read as `kind`, and to `part` where that is known.
    pub(crate) fn commit(
        &mut self,
        at: usize,
        event: &Event,
        kind: EventKind,
        part: Option<usize>,
    ) {
        self.last = at;
        match kind.class() {
            Class::PartAdded => self.part_added(at, event, kind),
            Class::TextDelta => {
                if let (Some(text), Some(delta)) = (TextKind::of(kind), event.text(Field::Delta)) {
                    let part = self.text_part(at, event, kind, text, part);
                    let delta = self.list[at].parts_mut(text)[part].not_owed(&delta);
                    self.append(at, text, part, delta);
                }
            }
            Class::TextDone => {
                if let Some(text) = TextKind::of(kind) {
                    let part = self.text_part(at, event, kind, text, part);
                    self.extend(at, text, part, event.text(text.text_field()).as_deref());
                    self.list[at].parts_mut(text)[part].text_done = true;
                }
            }
            Class::PartDone => self.part_done(at, event, kind, part),
            Class::CallDelta => {
                if let Some(delta) = event.text(Field::Delta) {
                    self.append_payload(at, &delta);
                }
            }
            Class::CallDone => {
                let field = payload_field(&self.list[at]);
                self.extend_payload(at, payload_text(event.field(field)).as_deref());
                self.list[at].payload_done = true;
            }
            Class::ItemDone => {
                if let Some(item) = event.field(Field::Item) {
                    self.close(at, item);
                    let slot = &mut self.list[at];
                    slot.done_at_index = event.integer(Field::OutputIndex) == slot.upstream_index;
                }
            }
            Class::ItemStatus if kind == EventKind::OutputTextAnnotationAdded => {
                let part = part.or_else(|| self.part(at, event, kind, TextKind::Output));
                if let (Some(part), Some(raw)) = (part, event.field(Field::Annotation)) {
                    let raw = raw.to_owned();
                    if self.keep(raw.len()) {
                        self.list[at].content[part].annotations.push(raw);
                    }
                }
            }
            Class::ItemStatus => {
                let failed = [EventKind::McpCallFailed, EventKind::McpListToolsFailed];
                self.list[at].failed |= failed.contains(&kind);
            }
            _ => {}
        }
    }

    /// Closes a slot with an item as raw JSON; text in it that was not delivered yet counts as delivered now.
    pub(crate) fn close(&mut self, at: usize, raw: &str) {
        let item = Object::parse(raw).unwrap_or_default();
        let item_type = self.list[at].kind;
        for (field, list_kind) in [
            ("summary", TextKind::Summary),
            ("content", TextKind::Output),
        ] {
            let list = item.get(field).and_then(json::elements).unwrap_or_default();
            let read = |(place, raw): (usize, &&str)| {
                Part::from_raw(place as u64, raw).fitting(item_type, list_kind)
            };
            let whole: Vec<Part> = list.iter().enumerate().map(read).collect();
            let slot = &self.list[at];
            if slot.told_elsewhere(list_kind, &whole, &item) {
                continue;
            }
            if let Some(rest) = slot.recut(list_kind, &whole) {
                self.extend_last(at, list_kind, &rest);
                continue;
            }
            let here = slot.parts_like(list_kind, &whole);
            for (part, known) in whole.iter().zip(here) {
                let Some(text) = part.kind else { continue };
                let position = known.unwrap_or_else(|| {
                    self.push_part(
                        at,
                        text,
                        Part {
                            text: String::new(),
                            ..part.clone()
                        },
                    )
                });
                self.extend(at, text, position, Some(&part.text));
            }
        }
        let kind = self.list[at].kind;
        if kind.is_call() {
            let whole = payload_text(item.get(kind.payload_field()));
            self.extend_payload(at, whole.as_deref());
        }
        let kept = self.keep(raw.len());
        let slot = &mut self.list[at];
        slot.partial |= !kept;
        slot.name = slot
            .name
            .take()
            .or_else(|| item.filled("name").map(std::borrow::Cow::into_owned));
        slot.call_id = slot
            .call_id
            .take()
            .or_else(|| item.filled("call_id").map(std::borrow::Cow::into_owned));
        slot.payload_done = true;
        slot.done = Some(if kept { raw.to_owned() } else { String::new() });
        self.changes.push(Change::Done { slot: at });
    }

    /// What an item that is cut into other parts holds more goes on in the last part.
    fn extend_last(&mut self, at: usize, list: TextKind, rest: &str) {
        let parts = self.list[at].parts(list);
        let last = parts.iter().rposition(|part| part.kind.is_some());
        if let Some((last, kind)) = last.and_then(|last| Some((last, parts[last].kind?))) {
            let whole = format!("{}{rest}", parts[last].text);
            self.extend(at, kind, last, Some(&whole));
        }
    }

    fn part_added(&mut self, at: usize, event: &Event, kind: EventKind) {
        let Some(raw) = event.field(Field::Part).filter(|raw| json::is_object(raw)) else {
            return;
        };
        let field = if kind == EventKind::ReasoningSummaryPartAdded {
            TextKind::Summary
        } else {
            TextKind::Output
        };
        let next = self.list[at].parts(field).len() as u64;
        let index = event.integer(field.index_field()).unwrap_or(next);
        let kind = match self.list[at].kind {
            ItemType::Reasoning if field == TextKind::Output => TextKind::Reasoning,
            _ => field,
        };
        let part = Part::from_raw(index, raw)
            .or_kind(kind)
            .fitting(self.list[at].kind, field);
        self.push_part(at, field, part);
    }

    fn part_done(&mut self, at: usize, event: &Event, kind: EventKind, part: Option<usize>) {
        let field = if kind == EventKind::ReasoningSummaryPartDone {
            TextKind::Summary
        } else {
            TextKind::Output
        };
        let item_type = self.list[at].kind;
        let whole = event
            .field(Field::Part)
            .map(|raw| Part::from_raw(0, raw).fitting(item_type, field));
        let text = whole.as_ref().and_then(|part| part.kind).unwrap_or(field);
        let part = self.text_part(at, event, kind, text, part);
        self.extend(at, text, part, whole.map(|part| part.text).as_deref());
        self.list[at].parts_mut(text)[part].done = true;
    }

    /// Adds a part to a slot and says where it stands.
    pub(crate) fn push_part(&mut self, at: usize, kind: TextKind, part: Part) -> usize {
        let mut part = part;
        if !self.keep(part.raw.len() + part.text.len()) {
            part.raw = kind.empty_part().to_owned();
            part.text.clear();
            self.list[at].partial = true;
        }
        if self.patient {
            part.wait();
        }
        if part.text.is_empty() && self.list[at].prefilled.is_some() {
            let position = self.list[at].parts(kind).len();
            part.seed = self.list[at]
                .prefilled_text(kind, position)
                .unwrap_or_default();
        }
        let given = part.text.len();
        let parts = self.list[at].parts_mut(kind);
        parts.push(part);
        let position = parts.len() - 1;
        if given > 0 {
            self.changes.push(Change::Text {
                slot: at,
                kind,
                part: position,
                from: 0,
            });
        }
        position
    }

    /// The part that a text event speaks of; made when it was never added.
    fn text_part(
        &mut self,
        at: usize,
        event: &Event,
        kind: EventKind,
        text: TextKind,
        part: Option<usize>,
    ) -> usize {
        let known = part.filter(|part| *part < self.list[at].parts(text).len());
        if let Some(part) = known.or_else(|| self.part(at, event, kind, text)) {
            return part;
        }
        let next = self.list[at].parts(text).len() as u64;
        let index = event.integer(text.index_field()).unwrap_or(next);
        self.push_part(at, text, Part::empty(index, text))
    }

    /// Appends delivered text to a part.
    pub(crate) fn append(&mut self, at: usize, kind: TextKind, part: usize, delta: &str) {
        if !delta.is_empty() {
            let seed = std::mem::take(&mut self.list[at].parts_mut(kind)[part].seed);
            // A delta that begins what was there already, or goes beyond it, says it again (DEVIATIONS 3.6).
            if !seed.is_empty() && !delta.starts_with(&seed) && !seed.starts_with(delta) {
                return self.append(at, kind, part, &(seed + delta));
            }
        }
        let keep = self.keep(delta.len());
        let slot = &mut self.list[at];
        slot.partial |= !keep;
        if keep && !delta.is_empty() {
            let text = &mut slot.parts_mut(kind)[part].text;
            let from = text.len();
            text.push_str(delta);
            self.changes.push(Change::Text {
                slot: at,
                kind,
                part,
                from,
            });
        }
    }

    /// Takes what `whole` holds beyond the delivered text. Text that contradicts it changes nothing: what was
    /// delivered stands.
    fn extend(&mut self, at: usize, kind: TextKind, part: usize, whole: Option<&str>) {
        let seed = std::mem::take(&mut self.list[at].parts_mut(kind)[part].seed);
        let whole = whole
            .filter(|whole| !whole.is_empty())
            .or((!seed.is_empty()).then_some(seed.as_str()));
        let slot = &self.list[at];
        if slot.partial {
            return;
        }
        let delivered = &slot.parts(kind)[part].text;
        if let Some(rest) = whole.and_then(|whole| whole.strip_prefix(delivered.as_str())) {
            let rest = rest.to_owned();
            self.append(at, kind, part, &rest);
            self.list[at].parts_mut(kind)[part].owed.push_str(&rest);
        }
    }
}
