//! Finding the slot that an event speaks of.

use crate::event::{Class, Event, EventKind, Field};
use crate::json::{self, Object};
use crate::schema::bare;

use super::{ItemType, Part, Slot, Slots, TextKind, Told, payload_text};

/// How an event names its item, and of what type the item has to be.
#[derive(Debug, Clone, Default)]
pub(crate) struct Address<'a> {
    pub(crate) index: Option<u64>,
    pub(crate) id: Option<std::borrow::Cow<'a, str>>,
    pub(crate) call_id: Option<std::borrow::Cow<'a, str>>,
    /// The item's type, where the event tells it.
    pub(crate) type_name: Option<std::borrow::Cow<'a, str>>,
    pub(crate) want: Option<ItemType>,
    /// The event is about a part: its item is of a type that has parts.
    pub(crate) has_parts: bool,
    /// The event is about a call's arguments or input: they go into a call whose own are not done.
    pub(crate) into_call: bool,
    /// The type of item that a hosted tool's event belongs to.
    pub(crate) hosted: Option<&'static str>,
    /// The name and the arguments of a call that is done.
    pub(crate) call: Option<(std::borrow::Cow<'a, str>, std::borrow::Cow<'a, str>)>,
    /// The content of a message that is done, as raw JSON.
    pub(crate) content: Option<&'a str>,
}

impl<'a> Address<'a> {
    /// The address in `event`, read as `kind`; `item` is its `item` or `part` object, for the events that have one.
    pub(crate) fn of(event: &'a Event, kind: EventKind, item: &Object<'a>) -> Self {
        let index = event.integer(Field::OutputIndex);
        match kind.class() {
            Class::ItemAdded | Class::ItemDone => {
                let type_name = item.filled("type");
                let want = type_name.as_deref().map(ItemType::from_name);
                let call = want.filter(|want| want.is_call() && kind.class() == Class::ItemDone);
                let call = call.map(|call| {
                    let whole = payload_text(item.get(call.payload_field()));
                    let name = item.string("name").unwrap_or_default();
                    (name, whole.unwrap_or_default())
                });
                let content = item
                    .get("content")
                    .filter(|_| kind.class() == Class::ItemDone && want == Some(ItemType::Message));
                Self {
                    index,
                    id: item.filled("id"),
                    call_id: item.filled("call_id"),
                    type_name,
                    want,
                    has_parts: false,
                    into_call: false,
                    hosted: None,
                    call,
                    content,
                }
            }
            Class::PartAdded | Class::PartDone => {
                // The part tells what item it belongs to; of a type that is not known, any.
                let by_type = || {
                    item.string("type")
                        .and_then(|name| TextKind::of_part(&name))
                };
                let text = TextKind::of(kind).or_else(by_type);
                Self {
                    index,
                    id: event.text(Field::ItemId),
                    want: text.map(TextKind::item_type),
                    has_parts: true,
                    ..Self::default()
                }
            }
            _ => Self {
                index,
                id: event.text(Field::ItemId),
                call_id: event.text(Field::CallId).filter(|id| !id.is_empty()),
                want: want(kind),
                hosted: kind.hosted_item(),
                into_call: matches!(kind.class(), Class::CallDelta | Class::CallDone),
                ..Self::default()
            },
        }
    }

    fn fits(&self, slot: &Slot) -> bool {
        if self.has_parts && !matches!(slot.kind, ItemType::Message | ItemType::Reasoning) {
            return false;
        }
        if let Some(hosted) = self.hosted {
            return bare(&slot.type_name) == hosted;
        }
        match (&self.type_name, self.want) {
            // An item that names itself by its id is that item, whatever type it claims.
            (Some(name), _) => {
                bare(&slot.type_name) == bare(name)
                    || self.id.is_some() && slot.id.as_deref() == self.id.as_deref()
            }
            (None, Some(ItemType::FunctionCall)) => slot.kind == ItemType::FunctionCall,
            (None, Some(want)) => slot.kind == want,
            (None, None) => true,
        }
    }
}

/// The type of item that an event of this kind belongs to.
pub(crate) fn want(kind: EventKind) -> Option<ItemType> {
    match kind {
        EventKind::FunctionCallArgumentsDelta | EventKind::FunctionCallArgumentsDone => {
            Some(ItemType::FunctionCall)
        }
        EventKind::CustomToolCallInputDelta | EventKind::CustomToolCallInputDone => {
            Some(ItemType::CustomToolCall)
        }
        _ => TextKind::of(kind).map(TextKind::item_type),
    }
}

impl Slots {
    /// The slot that is addressed: by index, then by id, then by call id, then the last open one of the type. A slot
    /// of another type is never taken.
    pub(crate) fn resolve(&self, address: &Address<'_>) -> Option<usize> {
        if let Some(last) = self.list.get(self.last)
            && last.upstream_index == address.index
            && last.id.as_deref() == address.id.as_deref()
            && address.fits(last)
        {
            return Some(self.last);
        }
        let fits = |at: &usize| address.fits(&self.list[*at]);
        let by_id = address
            .id
            .as_deref()
            .and_then(|id| self.by_id.get(id))
            .copied()
            .filter(fits);
        if address.index.is_some() {
            // Two items under one index (DEVIATIONS 2.4) are told apart by their ids; otherwise the index wins.
            let twin = by_id.filter(|at| self.list[*at].upstream_index == address.index);
            let by_index = self.by_index.get(&address.index).copied().filter(fits);
            let found = twin
                .or(by_index)
                .or(by_id)
                .or_else(|| self.by_call_id(address));
            if found.is_some() || !self.by_index.contains_key(&address.index) {
                return found.or_else(|| self.only_without_index(address));
            }
            // Several items under one index, and no id to tell them apart: the newest open one of the type.
            return self.candidates(address).next_back();
        }
        by_id.or_else(|| self.by_call_id(address)).or_else(|| {
            // What is open is closed in the order in which it was opened; what is added to is the newest.
            if address.type_name.is_some() {
                let by_content = self.by_content(address);
                let by_content = by_content.or_else(|| self.by_text(address));
                by_content.or_else(|| self.candidates(address).next())
            } else {
                self.candidates(address).next_back()
            }
        })
    }

    /// The open slots that the event could mean if neither id nor call id tells.
    fn candidates(&self, address: &Address<'_>) -> impl DoubleEndedIterator<Item = usize> {
        (0..self.list.len()).filter(move |at| {
            let slot = &self.list[*at];
            let there = address.index.is_none() || slot.upstream_index == address.index;
            there
                && slot.is_open()
                && !(address.into_call && slot.payload_done)
                && address.fits(slot)
        })
    }

    /// The one open call whose name and arguments are those that are done: what was streamed of it says just that, or,
    /// if nothing was, could go on to say it.
    fn by_content(&self, address: &Address<'_>) -> Option<usize> {
        let (name, whole) = address.call.as_ref()?;
        let only = |fits: fn(&Told<'_>) -> bool| {
            let mut fitting = self.candidates(address).filter(|at| {
                let slot = &self.list[*at];
                let named = slot.name.as_deref().is_none_or(|known| *known == **name);
                named && fits(&slot.told(Some(whole)))
            });
            fitting.next().filter(|_| fitting.next().is_none())
        };
        only(|told| matches!(told, Told::Same | Told::Stands))
            .or_else(|| only(|told| matches!(told, Told::Rest(_))))
    }

    /// Of several open messages the newest that says just what is done; an upstream that began again left the others.
    fn by_text(&self, address: &Address<'_>) -> Option<usize> {
        self.candidates(address).nth(1)?;
        let raws = json::elements(address.content?)?;
        let whole: Vec<Part> = raws.iter().map(|raw| Part::from_raw(0, raw)).collect();
        let texts = |parts: &[Part]| {
            parts
                .iter()
                .map(|part| part.text.clone())
                .collect::<String>()
        };
        let text = texts(&whole);
        let says = |at: &usize| !text.is_empty() && texts(&self.list[*at].content) == text;
        self.candidates(address).rev().find(says)
    }

    /// The one open call that has no index of the upstream's, for an index that no item has.
    fn only_without_index(&self, address: &Address<'_>) -> Option<usize> {
        if !address.into_call {
            return None;
        }
        let nowhere = Address {
            index: None,
            ..address.clone()
        };
        let mut open = self
            .candidates(&nowhere)
            .filter(|at| self.list[*at].upstream_index.is_none());
        open.next().filter(|_| open.next().is_none())
    }

    /// Several open calls could be meant, and nothing tells which (DEVIATIONS 9.3).
    pub(crate) fn is_ambiguous(&self, address: &Address<'_>) -> bool {
        let by_id = || {
            let at = self.by_id.get(address.id.as_deref()?)?;
            Some(address.fits(&self.list[*at]))
        };
        (address.into_call || address.call.is_some())
            && !by_id().unwrap_or(false)
            && self.by_call_id(address).is_none()
            && self.candidates(address).nth(1).is_some()
            && self.by_content(address).is_none()
    }

    /// The slot that the event names by exactly its index and id, as nearly every delta does: that of the event before,
    /// else another one that goes by both.
    pub(crate) fn named_exactly(&self, event: &Event, kind: EventKind) -> Option<usize> {
        let index = event.integer(Field::OutputIndex);
        let is = |at: &usize| {
            let slot = self.list.get(*at)?;
            let id = slot.id.as_ref()?;
            let same = slot.upstream_index == index
                && event.is_quoted(Field::ItemId, id)
                && want(kind).is_none_or(|want| want == slot.kind);
            same.then_some(id)
        };
        if is(&self.last).is_some() {
            return Some(self.last);
        }
        let at = self.at_index(index)?;
        let id = is(&at)?;
        (self.with_id(id) == Some(at)).then_some(at)
    }

    fn by_call_id(&self, address: &Address<'_>) -> Option<usize> {
        let call_id = address.call_id.as_deref()?;
        let found = self
            .list
            .iter()
            .rposition(|slot| slot.call_id.as_deref() == Some(call_id))?;
        address.fits(&self.list[found]).then_some(found)
    }

    /// The event names a call of the other kind than its own name does.
    pub(crate) fn names_other_call(&self, event: &Event) -> Option<&Slot> {
        let want = event.kind().of_other_call().and_then(want)?;
        let index = event.integer(Field::OutputIndex);
        let by_id = || self.with_id(&event.text(Field::ItemId)?);
        let at = by_id().or_else(|| self.at_index(Some(index?)))?;
        let slot = &self.list[at];
        (slot.kind == want && !slot.made_up && slot.is_open()).then_some(slot)
    }

    /// Some item is known by the index or the id, whatever its type.
    pub(crate) fn is_known(&self, address: &Address<'_>) -> bool {
        let id = address.id.as_deref();
        address.index.is_some() && self.by_index.contains_key(&address.index)
            || id.is_some_and(|id| self.by_id.contains_key(id))
    }

    /// The slot that the upstream's index leads to, whatever its type.
    pub(crate) fn at_index(&self, index: Option<u64>) -> Option<usize> {
        self.by_index.get(&index).copied()
    }

    /// The slot of this id, whatever its type.
    pub(crate) fn with_id(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// The part of a slot that an event speaks of: by its index, else the last open one of its kind.
    pub(crate) fn part(
        &self,
        slot: usize,
        event: &Event,
        kind: EventKind,
        text: TextKind,
    ) -> Option<usize> {
        let slot = &self.list[slot];
        match event.integer(text.index_field()) {
            Some(index) => {
                let fits =
                    |part: &super::Part| part.upstream_index == index && part.kind == Some(text);
                let parts = slot.parts(text);
                let place = usize::try_from(index)
                    .ok()
                    .filter(|place| *place < parts.len());
                let by_place = || place;
                // Nearly always a part stands where its index says. Where one index stands for several parts
                // (DEVIATIONS 2.8), the newest is meant.
                let over = |part: &super::Part| {
                    part.done || part.text_done && kind.class() != Class::PartDone
                };
                let renumbered = |last: usize| {
                    parts[last].index != index
                        || place.is_some_and(|place| place != last && over(&parts[place]))
                };
                let newest = parts.len().checked_sub(1);
                let same = newest
                    .filter(|last| fits(&parts[*last]) && renumbered(*last))
                    .or_else(|| place.filter(|place| fits(&parts[*place])))
                    .or_else(|| parts.iter().rposition(fits));
                same.or_else(|| slot.part_at(text, index))
                    .or_else(|| slot.part_that_says(text, event, kind))
                    .or_else(|| by_place().filter(|_| kind.class() != Class::PartAdded))
            }
            None => slot
                .parts(text)
                .iter()
                .rposition(|part| part.kind == Some(text) && !part.done),
        }
    }

    /// The part that an event adds although it is there: it was made for text that came too early, or the upstream adds it
    /// once more before it is done. A new part begins behind that, also under an index that was used before; before that
    /// only a delta shows whether one does.
    pub(crate) fn part_added_before(
        &self,
        slot: usize,
        event: &Event,
        kind: EventKind,
        text: TextKind,
    ) -> Option<usize> {
        let at = self.part(slot, event, kind, text)?;
        let part = &self.list[slot].parts(text)[at];
        // Its done event may have come before it, and have brought what the deltas behind it bring again.
        let open = part.kind == Some(text) && (!part.done || !part.owed.is_empty());
        let named = event.integer(text.index_field()).is_some();
        (open && (part.made_up || named)).then_some(at)
    }
}

impl Slot {
    /// The open part that a done event means which names none: its text says all that was delivered of that one.
    fn part_that_says(&self, text: TextKind, event: &Event, kind: EventKind) -> Option<usize> {
        let whole = match kind.class() {
            Class::TextDone => event.text(text.text_field())?.into_owned(),
            Class::PartDone => Part::from_raw(0, event.field(Field::Part)?).text,
            _ => return None,
        };
        let over = |part: &Part| part.done || part.text_done && kind.class() == Class::TextDone;
        self.parts(text).iter().rposition(|part| {
            let says = !part.text.is_empty() && whole.starts_with(&part.text);
            part.kind == Some(text) && !over(part) && says
        })
    }
}
