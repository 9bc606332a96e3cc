//! Taking an event in.

use crate::ending::ResponseError;
use crate::event::{Class, Event, EventKind, Field};
use crate::json::{self, Object};
use crate::slots::{Address, Part, Slot, TextKind};
use crate::sse::Oddities;

use super::{Closed, Identity, Model, Place};

impl Model {
    /// Takes in `event` as it goes downstream. `upstream` is the same event as it came: it tells by which index and id
    /// the upstream will speak of the item. `place` is where it belongs.
    pub(crate) fn commit(&mut self, event: &Event, upstream: &Event, place: Place) {
        let Place { kind, slot, .. } = place;
        self.numbers.note(upstream, self.upstream_sequence);
        if let Some(number) = upstream.integer(Field::SequenceNumber) {
            self.upstream_sequence = Some(number);
        }
        if let Some(number) = event.integer(Field::SequenceNumber) {
            self.sequence = Some(number);
        }
        if event.frame().oddities().contains(Oddities::ID) {
            self.id_line = event.frame().id().is_some_and(|id| !id.is_empty());
        }
        match kind.class() {
            Class::Prelude => self.prelude(event, kind),
            Class::Terminal => self.end(event, kind),
            Class::Error => {
                let flat = Object::parse(event.data()).unwrap_or_default();
                let error = ResponseError::merge(event.present(Field::Error), &flat);
                // Whatever comes now, no `created` can come before it any more.
                self.created = true;
                self.error = Some(error.unwrap_or_else(|| {
                    ResponseError::upstream(
                        None,
                        "the upstream sent an error without a message".to_owned(),
                        None,
                        None,
                    )
                }));
            }
            Class::ItemAdded => match slot {
                Some(at) => self
                    .slots
                    .alias(at, upstream.integer(Field::OutputIndex), None),
                None => self.added(event, upstream),
            },
            Class::ItemDone => self.done(event, upstream, slot),
            _ => {
                if let Some(at) = slot {
                    if upstream.raw_field(Field::OutputIndex).is_none() {
                        self.slots
                            .note_id(at, upstream.text(Field::ItemId).as_deref());
                    }
                    self.slots.commit(at, event, kind, place.part);
                    self.note_part(at, upstream, kind);
                    self.content |= matches!(
                        kind.class(),
                        Class::PartAdded
                            | Class::TextDelta
                            | Class::TextDone
                            | Class::PartDone
                            | Class::CallDelta
                            | Class::CallDone
                    ) && !self.slots.changes.is_empty();
                    self.slots.changes.clear();
                } else if kind.class() == Class::TextDelta {
                    self.content |= event
                        .text(Field::Delta)
                        .is_some_and(|delta| !delta.is_empty());
                }
            }
        }
    }

    /// Notes by which index the upstream speaks of the part that it just added.
    fn note_part(&mut self, at: usize, upstream: &Event, kind: EventKind) {
        let text = match kind {
            EventKind::ContentPartAdded => TextKind::Output,
            EventKind::ReasoningSummaryPartAdded => TextKind::Summary,
            _ => return,
        };
        let index = upstream.integer(text.index_field());
        let held = upstream
            .field(Field::Part)
            .map(|raw| Part::from_raw(0, raw).text)
            .unwrap_or_default();
        let Some(part) = self.slots.list[at].parts_mut(text).last_mut() else {
            return;
        };
        part.upstream_index = index.unwrap_or(part.upstream_index);
        if part.text.is_empty() && !held.is_empty() {
            part.seed = held;
        }
    }

    fn prelude(&mut self, event: &Event, kind: EventKind) {
        self.created |= kind == EventKind::Created;
        let Some(response) = event.field(Field::Response).and_then(Object::parse) else {
            return;
        };
        self.learn_response(&response);
        if kind == EventKind::Created {
            for (at, raw) in response
                .get("output")
                .and_then(json::elements)
                .unwrap_or_default()
                .iter()
                .enumerate()
            {
                self.slots
                    .open(Slot::from_item(raw, at as u64, Some(at as u64)));
            }
        }
    }

    /// Notes the id, model and time of the first response object that tells them.
    pub(crate) fn learn_response(&mut self, response: &Object<'_>) {
        let id = response.filled("id").map(std::borrow::Cow::into_owned);
        match &self.response_id {
            None => self.response_id = Some(id),
            Some(known) if id.is_some() && *known != id => self.upstream_response_id = id,
            Some(_) => {}
        }
        if self.created_at.is_none() {
            self.created_at = response.present("created_at").map(str::to_owned);
        }
        if self.model_name.is_none() {
            self.model_name = response
                .present("model")
                .filter(|raw| json::is_string(raw))
                .map(str::to_owned);
        }
    }

    fn added(&mut self, event: &Event, upstream: &Event) {
        let Some(raw) = event.field(Field::Item).filter(|raw| json::is_object(raw)) else {
            return;
        };
        let upstream_index = upstream.integer(Field::OutputIndex);
        let index = event
            .integer(Field::OutputIndex)
            .unwrap_or_else(|| self.slots.next_index());
        let mut slot = Slot::from_item(raw, index, upstream_index);
        if !slot.kind.is_call() {
            self.added
                .insert(Identity::of(&Object::parse(raw).unwrap_or_default()));
        }
        let own = upstream
            .field(Field::Item)
            .and_then(Object::parse)
            .unwrap_or_default();
        let own_id = own.filled("id").map(std::borrow::Cow::into_owned);
        slot.moved = event.integer(Field::OutputIndex) != upstream_index || slot.id != own_id;
        slot.upstream_id = own_id.filter(|own| slot.id.as_ref() != Some(own));
        if let Some(own) = upstream.field(Field::Item).filter(|own| *own != raw) {
            slot.seed_from(own);
        }
        slot.indexless = event.integer(Field::OutputIndex).is_none();
        self.content |= slot
            .summary
            .iter()
            .chain(&slot.content)
            .any(|part| !part.text.is_empty());
        let at = self.slots.open(slot);
        let item = upstream
            .field(Field::Item)
            .and_then(Object::parse)
            .unwrap_or_default();
        self.slots
            .alias(at, upstream_index, item.string("id").as_deref());
        self.slots.changes.clear();
    }

    fn done(&mut self, event: &Event, upstream: &Event, slot: Option<usize>) {
        let Some(raw) = event.field(Field::Item).filter(|raw| json::is_object(raw)) else {
            return;
        };
        let index = upstream.integer(Field::OutputIndex);
        let item = Object::parse(raw).unwrap_or_default();
        let at = slot.unwrap_or_else(|| {
            let own = event
                .integer(Field::OutputIndex)
                .unwrap_or_else(|| self.slots.next_index());
            let mut slot = Slot::from_item(raw, own, index);
            slot.made_up = true;
            self.slots.open(slot)
        });
        self.slots
            .commit(at, event, EventKind::OutputItemDone, None);
        self.slots.changes.clear();
        let address = Address::of(upstream, EventKind::OutputItemDone, &item);
        self.slots.alias(at, index, address.id.as_deref());
        let index = event.integer(Field::OutputIndex);
        let id = item.string("id").map(std::borrow::Cow::into_owned);
        self.note_closed(Identity::of(&item), Closed { index, id });
        self.content = true;
    }

    fn end(&mut self, event: &Event, kind: EventKind) {
        self.terminal = Some(kind);
        let response = event
            .field(Field::Response)
            .and_then(Object::parse)
            .unwrap_or_default();
        self.learn_response(&response);
    }
}
