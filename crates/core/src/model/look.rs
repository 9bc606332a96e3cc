//! One event seen against the model: its effective kind, the object in it, the slot and part that it speaks of.

use crate::event::{Class, Event, EventKind, Field};
use crate::json::{self, Object};
use crate::slots::{Address, ItemType, Slot, TextKind};
use crate::violation::Profile;

use super::Model;

/// Where an event belongs: its effective kind, its slot and its part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) kind: EventKind,
    pub(crate) slot: Option<usize>,
    pub(crate) part: Option<usize>,
}

/// What a rule looks at.
pub(crate) struct Look<'a> {
    pub(crate) model: &'a Model,
    pub(crate) event: &'a Event,
    pub(crate) profile: Profile,
    /// The kind that the event is read as: an alias under its proper name, a missing `type` taken from `event:`.
    pub(crate) kind: EventKind,
    pub(crate) class: Class,
    /// The `response`, `item` or `part` object; empty where the event has none.
    pub(crate) nested: Object<'a>,
    pub(crate) address: Address<'a>,
    pub(crate) slot: Option<usize>,
    pub(crate) part: Option<usize>,
    /// The event names its slot by the very index and id that the slot has.
    pub(crate) exact: bool,
    /// The event was mended: its index and id are those that go downstream.
    mended: bool,
}

impl<'a> Look<'a> {
    pub(crate) fn new(model: &'a Model, event: &'a Event, profile: Profile) -> Self {
        let mut look = Self::bare(model, event, profile);
        if matches!(look.class, Class::TextDelta | Class::CallDelta) {
            look.slot = model.slots.named_exactly(event, look.kind);
            look.exact = look.slot.is_some();
        }
        if look.exact {
            look.find_part();
        } else if look.kind.is_of_item() {
            look.address = Address::of(event, look.kind, &look.nested);
            look.slot = match look.class {
                Class::ItemAdded => look.late_added(),
                _ => model.slots.resolve(&look.address),
            };
            look.find_part();
        }
        look
    }

    /// Looks again at an event that was mended: it stays where it belongs, since its index and id are now those that go
    /// downstream.
    pub(crate) fn again(
        model: &'a Model,
        event: &'a Event,
        profile: Profile,
        place: Place,
    ) -> Self {
        let mut look = Self::bare(model, event, profile);
        look.mended = true;
        look.slot = place.slot;
        look.part = place.part;
        if look.part.is_none() {
            look.find_part();
        }
        look
    }

    fn bare(model: &'a Model, event: &'a Event, profile: Profile) -> Self {
        let kind = kind_under(event, profile);
        let class = kind.class();
        let nested = nested_field(class)
            .and_then(|field| event.field(field))
            .and_then(Object::parse);
        let nested = nested.unwrap_or_default();
        Self {
            model,
            event,
            profile,
            kind,
            class,
            nested,
            address: Address::default(),
            slot: None,
            part: None,
            exact: false,
            mended: false,
        }
    }

    fn find_part(&mut self) {
        if let (Some(slot), Some(text)) = (self.slot, self.text_kind()) {
            let slots = &self.model.slots;
            self.part = if self.class == Class::PartAdded {
                slots.part_added_before(slot, self.event, self.kind, text)
            } else {
                slots.part(slot, self.event, self.kind, text)
            };
        }
    }

    pub(crate) fn place(&self) -> Place {
        Place {
            kind: self.kind,
            slot: self.slot,
            part: self.part,
        }
    }

    /// The event's name on the wire, as the profile has it.
    pub(crate) fn wire_name(&self) -> &'static str {
        self.kind.name_under(self.profile)
    }

    pub(crate) fn is_open(&self) -> bool {
        self.profile == Profile::OpenResponses
    }

    pub(crate) fn is_sdk(&self) -> bool {
        self.profile == Profile::OpenAiSdk
    }

    pub(crate) fn slot(&self) -> Option<&'a Slot> {
        self.slot.map(|at| &self.model.slots.list[at])
    }

    /// The slot that openai-python finds: by the event's output index alone, a missing one being an index too.
    pub(crate) fn at_index(&self) -> Option<usize> {
        let index = self.event.integer(Field::OutputIndex);
        let own = |at: &usize| self.model.slots.list[*at].shown_index() == index;
        match self.slot {
            slot if self.mended => slot.filter(own),
            slot if self.exact => slot,
            _ => self.model.slots.at_index(index),
        }
    }

    /// The field in which a call's done event holds the arguments or the input.
    pub(crate) fn payload_field(&self) -> Field {
        if self.kind == EventKind::CustomToolCallInputDone {
            Field::Input
        } else {
            Field::Arguments
        }
    }

    /// The text that the event carries, opens or closes.
    pub(crate) fn text_kind(&self) -> Option<TextKind> {
        text_kind(self.kind, &self.nested, self.slot())
    }

    /// For `added`: the slot that was opened before, because another of the item's events came first.
    fn late_added(&self) -> Option<usize> {
        let at = self.model.slots.resolve(&self.address)?;
        let slot = &self.model.slots.list[at];
        let named = slot.id.is_some() && slot.id.as_deref() == self.address.id.as_deref();
        // Its done event may have come before all others.
        (slot.made_up && (slot.is_open() || named && slot.is_owed())).then_some(at)
    }

    /// The elements of `response.output`, as raw JSON; for a terminal also those of a top-level `output`.
    pub(crate) fn outputs(&self) -> Option<Vec<&'a str>> {
        self.nested
            .get("output")
            .or_else(|| self.event.field(Field::Output))
            .and_then(json::elements)
    }
}

/// The kind of text of the part that an event speaks of. For `content_part.*` the part itself tells, else its item.
fn text_kind(kind: EventKind, nested: &Object<'_>, slot: Option<&Slot>) -> Option<TextKind> {
    if !matches!(
        kind,
        EventKind::ContentPartAdded | EventKind::ContentPartDone
    ) {
        return TextKind::of(kind);
    }
    let own = nested
        .string("type")
        .and_then(|name| TextKind::of_part(&name));
    let by_item = || match slot.map(|slot| slot.kind) {
        Some(ItemType::Reasoning) => TextKind::Reasoning,
        _ if nested.get("refusal").is_some() => TextKind::Refusal,
        _ => TextKind::Output,
    };
    Some(own.unwrap_or_else(by_item))
}

/// The top-level field that holds the event's object.
pub(crate) fn nested_field(class: Class) -> Option<Field> {
    match class {
        Class::Prelude | Class::Terminal => Some(Field::Response),
        Class::ItemAdded | Class::ItemDone => Some(Field::Item),
        Class::PartAdded | Class::PartDone => Some(Field::Part),
        _ => None,
    }
}

/// The kind that an event is read as.
pub(crate) fn effective_kind(event: &Event) -> EventKind {
    let mut kind = event.kind();
    if kind == EventKind::Unknown && event.field(Field::Type).is_none() {
        kind = EventKind::from_name(event.frame().event_name().unwrap_or_default());
    }
    match kind {
        EventKind::ReasoningDelta => EventKind::ReasoningTextDelta,
        EventKind::ReasoningDone => EventKind::ReasoningTextDone,
        EventKind::ResponseDone => by_status(event),
        // openai-python takes a truthy `error` on any event as the upstream's error.
        kind if kind != EventKind::Failed
            && kind.class() != Class::Error
            && event.field(Field::Error).is_some_and(json::is_truthy) =>
        {
            EventKind::Error
        }
        kind => kind,
    }
}

/// The effective kind under a profile: Open Responses has OpenAI's events under OpenAI's prefix.
fn kind_under(event: &Event, profile: Profile) -> EventKind {
    match effective_kind(event) {
        EventKind::Unknown if profile == Profile::OpenResponses => {
            EventKind::from_prefixed(&event.type_name()).unwrap_or(EventKind::Unknown)
        }
        kind => kind,
    }
}

/// What `response.done` stands for: its status decides, and without a known one it is no success (DEVIATIONS 4.7).
fn by_status(event: &Event) -> EventKind {
    let response = event
        .field(Field::Response)
        .and_then(Object::parse)
        .unwrap_or_default();
    let status = response
        .string("status")
        .or_else(|| event.text(Field::Status));
    match status.as_deref() {
        _ if event.text(Field::Type).as_deref() == Some("response.cancelled") => EventKind::Failed,
        Some("completed") => EventKind::Completed,
        Some("incomplete") => EventKind::Incomplete,
        Some("failed" | "cancelled") => EventKind::Failed,
        _ => EventKind::ResponseDone,
    }
}

/// The top-level field that holds the object of an event of this kind.
pub(crate) fn nested_of(kind: EventKind) -> Option<Field> {
    nested_field(kind.class())
}

/// [`text_kind`] of an event whose part was not read yet.
pub(crate) fn text_kind_of(
    event: &Event,
    kind: EventKind,
    slot: Option<&Slot>,
) -> Option<TextKind> {
    let part = event.field(Field::Part).and_then(Object::parse);
    text_kind(kind, &part.unwrap_or_default(), slot)
}
