//! A call that was held, and calls that share a call id: the call id joins a call to its output, so no two may have the
//! same one (DEVIATIONS 9.2), and the same call again must not be run twice.

use std::borrow::Cow;

use crate::json::{Edit, Object, edit, quote};
use crate::slots::{ItemType, Lost, payload_text};

use super::Mend;

/// What became of a held call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Released {
    /// Its `added` is out, at this slot: its own, or that of the call that it was part of.
    Known(usize),
    /// It is another one again, and nothing of it goes out.
    Repetition,
    /// Its name is still not known.
    Nameless,
}

impl Mend<'_> {
    /// The call id of a call: its own; the item's id where there is none, since that joins it then; one that is made up
    /// where another call has it.
    pub(super) fn own_call_id(&mut self, item: &Object<'_>, at: Option<usize>) -> String {
        let own = item.filled("call_id").or_else(|| item.filled("id"));
        let free = own.filter(|id| self.model.slots.called(id, at).is_none());
        free.map_or_else(|| self.model.mint.id("call"), Cow::into_owned)
    }

    /// Notes by which call id the upstream calls a call that got another.
    pub(super) fn note_upstream_call_id(&mut self, at: usize, item: &Object<'_>) {
        let slot = &mut self.model.slots.list[at];
        let given = item.filled("call_id").map(Cow::into_owned);
        slot.upstream_call_id = given.filter(|given| Some(given) != slot.call_id.as_ref());
    }

    /// `raw` is a call that is done, once more under its own call id.
    pub(crate) fn is_repetition(&self, raw: &str) -> bool {
        let item = Object::parse(raw).unwrap_or_default();
        let call_id = item.filled("call_id");
        call_id.is_some_and(|id| self.model.slots.repeated_by(&id, &item))
    }

    /// A held call has become known through `raw`: its `added` goes out, and what was held of its arguments. Where `raw`
    /// closes the call and tells them itself it is right, since nothing of them went out yet; that is left to whoever
    /// closes the call.
    pub(crate) fn release(&mut self, at: usize, raw: &str, closes: bool) -> Released {
        let item = Object::parse(raw).unwrap_or_default();
        let Some(name) = item.filled("name").map(Cow::into_owned) else {
            return Released::Nameless;
        };
        let given = item.filled("call_id");
        if let Some(twin) = given.and_then(|id| self.model.slots.called(&id, Some(at))) {
            if !closes {
                // Which of the two it is, its done event will tell.
                self.model.slots.list[at].rival = true;
                return Released::Nameless;
            }
            if let Some(released) = self.part_from(at, twin, raw) {
                return released;
            }
        }
        let call_id = self.own_call_id(&item, Some(at));
        let slot = &self.model.slots.list[at];
        let id = slot.id.clone().unwrap_or_default();
        let field = slot.kind.payload_field();
        let added = edit(
            raw,
            &[
                Edit::Set("type", quote(slot.kind.name())),
                Edit::Set("id", quote(&id)),
                Edit::Set("call_id", quote(&call_id)),
                Edit::Set("status", quote("in_progress")),
                Edit::Set(field, quote("")),
            ],
        );
        let slot = &mut self.model.slots.list[at];
        (slot.added, slot.name, slot.call_id) = (added, Some(name), Some(call_id));
        self.note_upstream_call_id(at, &item);
        let told = payload_text(item.get(field));
        let held = self.take_held(at, told.map(Cow::into_owned), closes);
        self.model.slots.place(at);
        self.give_added(at);
        if !held.is_empty() {
            self.send_payload_rest(at, &held);
        }
        Released::Known(at)
    }

    /// What goes out of the arguments that were held: not those that their done event will say, and no ciphertext.
    fn take_held(&mut self, at: usize, told: Option<String>, closes: bool) -> String {
        let slot = &mut self.model.slots.list[at];
        let told = told.filter(|whole| !slot.is_blank(whole));
        slot.payload_done = false;
        let broken = slot.kind == ItemType::FunctionCall && slot.growing.is_broken();
        if broken && slot.lost.is_none() {
            slot.lost = Some(Lost::Obscured);
        }
        let mut held = std::mem::take(&mut slot.payload);
        slot.growing = Default::default();
        if closes && told.is_some() || slot.lost.is_some() {
            held.clear();
        }
        if let Some(told) = told.filter(|_| !closes && held.is_empty()) {
            slot.payload_seed = told;
        }
        held
    }

    /// The held call has the call id of another one: it is that one again, or a part of it, or another; `None` then.
    fn part_from(&mut self, at: usize, twin: usize, raw: &str) -> Option<Released> {
        let item = Object::parse(raw).unwrap_or_default();
        let known = self.slot_ref(twin);
        let held = self.slot_ref(at);
        if known.is_open() && !known.held && !held.rival && known.kind == held.kind {
            // It was added, and its deltas came under an index or id of which that was not known.
            let index = held.upstream_index;
            let id = item.filled("id");
            self.model.slots.take_out(at);
            self.model.slots.redirect(twin, index, id.as_deref());
            return Some(Released::Known(twin));
        }
        if self.is_repetition(raw) {
            self.model.slots.take_out(at);
            return Some(Released::Repetition);
        }
        if known.is_open() && !known.stands_alone() {
            let name = item.filled("name").unwrap_or_default();
            self.fail(
                "call_identity_conflict",
                format!("the upstream streams two calls of `{name}` at once under one call id"),
            );
            return Some(Released::Repetition);
        }
        None
    }
}
