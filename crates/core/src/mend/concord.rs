//! Which item of the stream each element of the terminal's `output` is.

use crate::json::{Object, same_value};
use crate::schema::bare;
use crate::slots::{ItemType, Slots, Told, payload_text};

use super::conform;

/// How a terminal's `output` and the streamed items go together.
#[derive(Debug, Default)]
pub(crate) struct Concord {
    /// For each element of `output`: the slot that it is.
    pub(crate) slots: Vec<Option<usize>>,
    /// `output` holds the streamed items: all of them, in index order, with their ids and their text.
    pub(crate) same: bool,
    /// `output` is what the streamed items make: all of them, in index order, with their ids, their text and what their
    /// types need.
    pub(crate) agrees: bool,
}

impl Concord {
    /// The element that stands for a slot.
    pub(super) fn listed<'o>(&self, at: usize, outputs: &'o [String]) -> Option<&'o str> {
        let place = self.slots.iter().position(|slot| *slot == Some(at))?;
        outputs.get(place).map(String::as_str)
    }
}

/// Matches `outputs` with the slots: by id, else by call id, else by position and type. Of calls the name has to be the
/// same as well, since relays give them fresh ids and in another order (DEVIATIONS 2.9).
pub(crate) fn concord<S: AsRef<str>>(items: &Slots, outputs: &[S]) -> Concord {
    let raws: Vec<&str> = outputs.iter().map(AsRef::as_ref).collect();
    let mut matching = Matching {
        items,
        order: items.ordered(),
        taken: vec![false; items.list.len()],
        objects: raws
            .iter()
            .map(|raw| Object::parse(raw).unwrap_or_default())
            .collect(),
        found: vec![None; raws.len()],
    };
    matching.by_id();
    matching.by_call_id();
    matching.by_content(|slot| slot.kind.is_call(), &raws);
    // An item that was left open, as by an upstream that began again, is not the one that says just what another did.
    matching.by_content(|slot| !slot.is_open() && slot.holds_text(), &raws);
    matching.by_position();
    matching.by_content(|slot| slot.kind.has_parts(), &raws);
    let (order, slots) = (matching.order, matching.found);
    let in_order = slots.len() == order.len()
        && slots
            .iter()
            .zip(&order)
            .all(|(slot, at)| *slot == Some(*at));
    let (mut same, mut whole) = (in_order, true);
    for (slot, raw) in slots.iter().zip(raws).filter(|_| in_order) {
        let Some(at) = slot else { continue };
        let slot = &items.list[*at];
        let conformed = conform(slot, raw, "completed");
        // What the deltas were is judged where the item was done: `output` says what it said.
        let as_done = || {
            slot.done
                .as_deref()
                .is_some_and(|done| same_value(done, raw))
        };
        same &= conformed.id.is_empty() && (conformed.text.is_empty() || as_done());
        let lacks = [&conformed.fields, &conformed.parts, &conformed.foreign];
        whole &= lacks.iter().all(|edits| edits.is_empty());
    }
    Concord {
        slots,
        same,
        agrees: same && whole,
    }
}

struct Matching<'s, 'o> {
    items: &'s Slots,
    order: Vec<usize>,
    taken: Vec<bool>,
    objects: Vec<Object<'o>>,
    found: Vec<Option<usize>>,
}

impl Matching<'_, '_> {
    /// Gives each element that has no slot yet the first free one that fits.
    fn each(&mut self, fits: impl Fn(&Self, usize, usize) -> bool) {
        for place in 0..self.objects.len() {
            if self.found[place].is_some() {
                continue;
            }
            let free = |at: &usize| !self.taken[*at] && fits(self, place, *at);
            if let Some(at) = self.order.iter().copied().find(free) {
                self.taken[at] = true;
                self.found[place] = Some(at);
            }
        }
    }

    /// Where one id stands for several items their types tell them apart, and what is a call is no text.
    fn by_id(&mut self) {
        for exactly in [true, false] {
            self.each(|this, place, at| {
                let (slot, item) = (&this.items.list[at], &this.objects[place]);
                let kind = item.filled("type").map(|name| ItemType::from_name(&name));
                let other = kind.is_some_and(|kind| kind.is_call() != slot.kind.is_call());
                let id = item.filled("id");
                id.is_some_and(|id| slot.id.as_deref() == Some(&*id))
                    && (this.typed(place, at) || !exactly && !other)
            });
        }
    }

    /// Two calls of one call id are told apart by what they say.
    fn by_call_id(&mut self) {
        for exactly in [true, false] {
            self.each(|this, place, at| {
                let (slot, item) = (&this.items.list[at], &this.objects[place]);
                let called = |id: &str| {
                    slot.is_called(id)
                        || !slot.kind.is_call() && slot.call_id.as_deref() == Some(id)
                };
                this.typed(place, at)
                    && item.filled("call_id").is_some_and(|id| called(&id))
                    && (!exactly || slot.is_repeated_by(item))
            });
        }
    }

    fn by_position(&mut self) {
        self.each(|this, place, at| {
            let (slot, item) = (&this.items.list[at], &this.objects[place]);
            let name = item.filled("name");
            let other = slot.kind.is_call() && slot.name.is_some() && name.is_some();
            this.order.get(place) == Some(&at)
                && this.typed(place, at)
                && !(other && name.as_deref() != slot.name.as_deref())
        });
    }

    /// Another id at another place: the same text, and the same type, is the same item and not a second one.
    fn by_content(&mut self, of: fn(&crate::slots::Slot) -> bool, raws: &[&str]) {
        self.each(|this, place, at| {
            let (slot, item) = (&this.items.list[at], &this.objects[place]);
            if !of(slot) || !this.typed(place, at) {
                return false;
            }
            if slot.kind.is_call() {
                let whole = payload_text(item.get(slot.kind.payload_field()));
                return slot.is_repeated_by(item)
                    && !matches!(slot.told(whole.as_deref()), Told::Unsaid);
            }
            conform(slot, raws[place], "completed").text.is_empty()
        });
    }

    fn typed(&self, place: usize, at: usize) -> bool {
        let name = self.objects[place].string("type");
        name.is_some_and(|name| bare(&self.items.list[at].type_name) == bare(&name))
    }
}
