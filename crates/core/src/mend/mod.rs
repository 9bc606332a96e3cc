//! Mending one event: what is spliced into it, what is made before and behind it, or that it goes no further.
//!
//! A rule's `mend` function works on a [`Mend`]. It writes to the [`Draft`] of the event in hand, and gives out made-up
//! events through the routines here, which keep the model in step. All routines are idempotent: two findings about
//! one gap close it once.

mod concord;
mod conform;
mod draft;
mod ending;
mod failed;
mod open;
mod payload;
mod response;
mod seed;
mod settle;
mod stray;
mod terminal;
mod twin;

use crate::ending::ResponseError;
use crate::event::{Class, Event, EventKind, Field, Payload};
use crate::json::{self, Edit, quote};
use crate::model::{Model, Place, nested_of};
use crate::rules;
use crate::schema;
use crate::slots::{Slot, TextKind};
use crate::sse::Frame;
use crate::violation::Profile;

pub(crate) use concord::concord;
pub(crate) use conform::{conform, conform_part};
pub(crate) use draft::Draft;
pub(crate) use ending::{error_code, error_object};
pub(crate) use failed::failed_output;
pub(crate) use twin::Released;

/// The mending of one event.
pub(crate) struct Mend<'m> {
    pub(crate) model: &'m mut Model,
    /// The event as it stands.
    pub(crate) event: &'m Event,
    /// The event as the upstream sent it.
    pub(crate) upstream: &'m Event,
    /// What the event is mended to.
    pub(crate) profile: Profile,
    pub(crate) kind: EventKind,
    pub(crate) slot: Option<usize>,
    pub(crate) part: Option<usize>,
    pub(crate) draft: Draft,
    out: &'m mut Vec<Event>,
}

impl<'m> Mend<'m> {
    pub(crate) fn new(
        model: &'m mut Model,
        event: &'m Event,
        upstream: &'m Event,
        place: Place,
        profile: Profile,
        out: &'m mut Vec<Event>,
    ) -> Self {
        let Place { kind, slot, part } = place;
        Self {
            model,
            event,
            upstream,
            profile,
            kind,
            slot,
            part,
            draft: Draft::default(),
            out,
        }
    }

    /// Nothing more is to be done: the event is dropped, or the response failed.
    pub(crate) fn is_over(&self) -> bool {
        self.draft.dropped || self.model.failure.is_some()
    }

    /// The event goes no further.
    pub(crate) fn drop_event(&mut self) {
        self.draft.dropped = true;
    }

    /// The stream cannot be made whole honestly: the response fails with this error.
    pub(crate) fn fail(&mut self, code: &str, message: impl Into<String>) {
        if self.model.failure.is_none() {
            self.model.failure = Some(ResponseError::local(code, message));
        }
    }

    /// The mended event and where it belongs; `None` when it goes no further.
    pub(crate) fn result(mut self) -> Option<(Event, Place)> {
        if self.is_over() {
            return None;
        }
        if self.model.renumber && self.draft.changes() && self.event.payload() == Payload::Object {
            // Written together with the rest. It is written again if events are made before this one.
            let number = self.model.next_sequence();
            self.draft.set("sequence_number", number.to_string());
        }
        let name = self.kind.name_under(self.profile);
        let mended = self.draft.finish(self.event, name, nested_of(self.kind));
        Some((
            mended,
            Place {
                kind: self.kind,
                slot: self.slot,
                part: self.part,
            },
        ))
    }

    /// Gives out a made-up event; `fields` is raw JSON, what stands behind `type` and `sequence_number`.
    pub(crate) fn make(&mut self, kind: EventKind, fields: &str) {
        let number = self.model.next_sequence();
        self.model.sequence = Some(number);
        self.model.renumber = true;
        let comma = if fields.is_empty() { "" } else { "," };
        let name = kind.name_under(self.profile);
        let mut data = format!(r#"{{"type":"{name}","sequence_number":{number}{comma}{fields}}}"#);
        if self.profile == Profile::OpenResponses {
            data = schema::fitted(kind, &data);
        }
        self.out
            .push(Event::read(Frame::compose(name, data.as_bytes())));
    }

    /// The text that the event carries, opens or closes.
    pub(crate) fn text_kind(&self) -> Option<TextKind> {
        let slot = self.slot.map(|at| self.slot_ref(at));
        crate::model::text_kind_of(self.event, self.kind, slot)
    }

    pub(crate) fn slot_ref(&self, at: usize) -> &Slot {
        &self.model.slots.list[at]
    }

    /// `"item_id":…,"output_index":…` of a slot.
    pub(crate) fn place(&self, at: usize) -> String {
        let slot = self.slot_ref(at);
        let id = slot.id.as_deref().unwrap_or_default();
        let index = slot
            .shown_index()
            .map(|index| format!(r#","output_index":{index}"#));
        format!(r#""item_id":{}{}"#, quote(id), index.unwrap_or_default())
    }

    /// `place` with the index of one of the slot's parts.
    pub(crate) fn part_place(&self, at: usize, kind: TextKind, part: usize) -> String {
        let index = self.slot_ref(at).parts(kind)[part].index;
        format!(
            r#"{},"{}":{index}"#,
            self.place(at),
            kind.index_field().name()
        )
    }

    /// Writes the slot's own index and id, and the part's, into the draft wherever the event says something else.
    pub(crate) fn readdress(&mut self) {
        let Some(at) = self.slot else { return };
        let slot = &self.model.slots.list[at];
        match slot.shown_index() {
            index if self.event.integer(Field::OutputIndex) == index => {}
            Some(index) => self.draft.set("output_index", index.to_string()),
            None => self.draft.edit(Edit::Remove("output_index".to_owned())),
        }
        let has_item = self.event.field(Field::Item).is_some_and(json::is_object);
        if let Some(id) = &slot.id {
            if has_item {
                let item = json::Object::parse(self.event.field(Field::Item).unwrap_or_default())
                    .unwrap_or_default();
                if item.string("id").as_deref() != Some(id) {
                    self.draft.set_nested("id", quote(id));
                }
            } else if self.event.text(Field::ItemId).as_deref() != Some(id)
                && (self.kind.needs_item_id() || self.event.field(Field::ItemId).is_some())
            {
                self.draft.set("item_id", quote(id));
            }
        }
        self.readdress_part();
    }

    /// Late text goes on in a new item: what else comes for the old one belongs to it too.
    pub(crate) fn follow_from_here(&mut self, at: usize) {
        let index = self.upstream.integer(Field::OutputIndex);
        let id = self.upstream.text(Field::ItemId);
        self.model.slots.redirect(at, index, id.as_deref());
    }

    /// Follows an item that was moved: its events get its own index and id, and so does the terminal's `output`.
    pub(crate) fn follow(&mut self) {
        let held = self.slot.is_some_and(|at| self.slot_ref(at).held);
        match self.kind.class() {
            Class::Terminal => self.conclude(),
            Class::CallDelta | Class::CallDone if held => rules::hold(self),
            Class::ItemDone if held => self.mend_item_done(),
            _ => self.readdress(),
        }
    }

    fn readdress_part(&mut self) {
        let (Some(at), Some(part)) = (self.slot, self.part) else {
            return;
        };
        let Some(kind) = self.text_kind() else {
            return;
        };
        let Some(index) = self
            .slot_ref(at)
            .parts(kind)
            .get(part)
            .map(|part| part.index)
        else {
            return;
        };
        if self.event.integer(kind.index_field()) != Some(index) {
            self.draft.set(kind.index_field().name(), index.to_string());
        }
    }
}
