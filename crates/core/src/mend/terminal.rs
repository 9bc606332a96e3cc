//! The terminal event against the items: closing what is open, delivering what only the terminal holds, backfill.

use crate::event::{EventKind, Field};
use crate::json::{self, Object, edit};
use crate::model::{Closed, Identity};
use crate::slots::{ItemType, Slots, Told, payload_text};

use super::{Mend, conform};

/// How a terminal's `output` and the streamed items go together.
#[derive(Debug, Default)]
pub(crate) struct Concord {
    /// For each element of `output`: the slot that it is.
    pub(crate) slots: Vec<Option<usize>>,
    /// `output` holds the streamed items: all of them, in index order, with their ids and their text.
    pub(crate) same: bool,
    /// `output` is what the streamed items make: all of them, in index order, with their ids, their text and
    /// what their types need.
    pub(crate) agrees: bool,
}

impl Concord {
    /// The element that stands for a slot.
    fn listed<'o>(&self, at: usize, outputs: &'o [String]) -> Option<&'o str> {
        let place = self.slots.iter().position(|slot| *slot == Some(at))?;
        outputs.get(place).map(String::as_str)
    }
}

/// Matches `outputs` with the slots: by id, else by call id, else by position and type.
pub(crate) fn concord<S: AsRef<str>>(items: &Slots, outputs: &[S]) -> Concord {
    let order = items.ordered();
    let mut taken = vec![false; items.list.len()];
    let objects: Vec<Object<'_>> = outputs
        .iter()
        .map(|raw| Object::parse(raw.as_ref()).unwrap_or_default())
        .collect();
    let mut slots: Vec<Option<usize>> = vec![None; outputs.len()];
    let typed = |at: usize, item: &Object<'_>| {
        item.string("type")
            .is_some_and(|name| items.list[at].type_name == name)
    };
    for key in ["id", "call_id"] {
        for (place, item) in objects
            .iter()
            .enumerate()
            .filter(|(place, _)| slots[*place].is_none())
            .collect::<Vec<_>>()
        {
            let Some(value) = item.filled(key) else {
                continue;
            };
            let found = order.iter().copied().find(|&at| {
                let slot = &items.list[at];
                let known = if key == "id" { &slot.id } else { &slot.call_id };
                !taken[at] && known.as_deref() == Some(&*value) && (key == "id" || typed(at, item))
            });
            if let Some(at) = found {
                taken[at] = true;
                slots[place] = Some(at);
            }
        }
    }
    for (place, item) in objects.iter().enumerate() {
        if slots[place].is_none()
            && let Some(&at) = order.get(place)
            && !taken[at]
            && typed(at, item)
        {
            taken[at] = true;
            slots[place] = Some(at);
        }
    }
    // Another id at another place: the same text, and the same type, is the same item and not a second one.
    for (place, raw) in outputs
        .iter()
        .enumerate()
        .filter(|(place, _)| slots[*place].is_none())
        .collect::<Vec<_>>()
    {
        let same = order.iter().copied().find(|&at| {
            let slot = &items.list[at];
            let told = matches!(slot.kind, ItemType::Message | ItemType::Reasoning);
            told && !taken[at]
                && typed(at, &objects[place])
                && conform(slot, raw.as_ref(), "completed").text.is_empty()
        });
        if let Some(at) = same {
            taken[at] = true;
            slots[place] = Some(at);
        }
    }
    let in_order = slots.len() == order.len()
        && slots
            .iter()
            .zip(&order)
            .all(|(slot, at)| *slot == Some(*at));
    let (mut same, mut whole) = (in_order, true);
    for (slot, raw) in slots.iter().zip(outputs).filter(|_| in_order) {
        let Some(at) = slot else { continue };
        let conformed = conform(&items.list[*at], raw.as_ref(), "completed");
        same &= conformed.id.is_empty() && conformed.text.is_empty();
        whole &= conformed.fields.is_empty() && conformed.parts.is_empty();
    }
    Concord {
        slots,
        same,
        agrees: same && whole,
    }
}

impl Mend<'_> {
    /// Makes the stream and its terminal agree: closes every open item, from `output` where that holds it, else from
    /// what was delivered; delivers what only `output` holds; writes `output` anew where it does not say all that.
    pub(crate) fn conclude(&mut self) {
        let outputs = self.outputs();
        let found = concord(&self.model.slots, &outputs);
        for at in self.model.slots.ordered() {
            if self.slot_ref(at).is_open() {
                self.conclude_item(at, found.listed(at, &outputs));
            }
            if self.is_over() {
                return;
            }
        }
        let mut listed: Vec<(usize, String)> = Vec::new();
        for (raw, slot) in outputs.iter().zip(&found.slots) {
            let at = match slot {
                Some(at) => *at,
                None if Object::parse(raw).is_some_and(|item| item.filled("type").is_some()) => {
                    let at = self.open_known(raw);
                    self.conclude_item(at, Some(raw));
                    at
                }
                None => continue,
            };
            if self.is_over() || self.contradicts(at, raw) {
                return;
            }
            let slot = self.slot_ref(at);
            listed.push((at, edit(raw, &conform(slot, raw, "completed").all())));
        }
        let after = concord(&self.model.slots, &outputs);
        let listed_at_all = self
            .draft
            .current(self.event, Field::Response)
            .and_then(Object::parse);
        let listed_at_all = listed_at_all
            .is_some_and(|response| response.get("output").is_some_and(json::is_array));
        if after.agrees && listed_at_all || self.is_over() {
            return;
        }
        if self.model.slots.overflowed && self.model.slots.list.iter().any(|slot| slot.partial) {
            self.fail(
                "limit_response",
                "more came than limits.response allows to keep, and `output` cannot be filled in",
            );
            return;
        }
        let order = self.model.slots.ordered();
        let whole = order.into_iter().filter_map(|at| {
            let from_terminal = listed
                .iter()
                .find(|(slot, _)| *slot == at)
                .map(|(_, raw)| raw.clone());
            from_terminal.or_else(|| self.slot_ref(at).done.clone())
        });
        let whole: Vec<String> = whole.collect();
        self.draft.set_nested("output", json::array(whole));
    }

    /// The elements of the terminal's `output` as it stands by now.
    fn outputs(&self) -> Vec<String> {
        let response = self
            .draft
            .current(self.event, Field::Response)
            .and_then(Object::parse)
            .unwrap_or_default();
        let raw = response
            .present("output")
            .or_else(|| self.event.present(Field::Output))
            .unwrap_or("[]");
        json::elements(raw)
            .unwrap_or_default()
            .into_iter()
            .map(str::to_owned)
            .collect()
    }

    /// `output` lists other arguments for a call than were done: the response fails.
    fn contradicts(&mut self, at: usize, raw: &str) -> bool {
        let slot = self.slot_ref(at);
        let item = Object::parse(raw).unwrap_or_default();
        let whole = payload_text(item.get(slot.kind.payload_field()));
        let contradicts = slot.kind.is_call()
            && !slot.partial
            && matches!(slot.told(whole.as_deref()), Told::Contradicts);
        if contradicts {
            self.fail_contradiction();
        }
        contradicts
    }

    fn conclude_item(&mut self, at: usize, listed: Option<&str>) {
        if let Some(raw) = listed {
            if self.slot_ref(at).held && !self.release(at, raw, true) {
                return self.fail_call();
            }
            self.settle(at, Some(raw));
            if self.is_over() {
                return;
            }
            let status = self.closing_status();
            let item = edit(raw, &conform(self.slot_ref(at), raw, status).all());
            return self.give_done(at, &item);
        }
        if !self.slot_ref(at).can_be_closed() {
            if self.slot_ref(at).partial {
                return self.settle(at, None);
            }
            // An incomplete response may leave a call unfinished; nobody must run it, so it is not closed.
            if self.kind != EventKind::Incomplete {
                self.fail_call();
            }
            return;
        }
        self.settle(at, None);
        let item = self.slot_ref(at).to_json(self.closing_status());
        let item = edit(
            &item,
            &conform(self.slot_ref(at), &item, self.closing_status()).all(),
        );
        self.give_done(at, &item);
    }

    fn closing_status(&self) -> &'static str {
        if self.kind == EventKind::Incomplete {
            "incomplete"
        } else {
            "completed"
        }
    }

    /// Gives out `output_item.done` of a slot.
    pub(crate) fn give_done(&mut self, at: usize, item: &str) {
        let item = &edit(item, &[self.slot_ref(at).id_as_added()]);
        let index = self.slot_ref(at).shown_index();
        let place = index
            .map(|index| format!(r#""output_index":{index},"#))
            .unwrap_or_default();
        self.make(
            EventKind::OutputItemDone,
            &format!(r#"{place}"item":{item}"#),
        );
        self.model.slots.close(at, item);
        self.model.slots.changes.clear();
        self.model.slots.list[at].done_at_index = true;
        let object = Object::parse(item).unwrap_or_default();
        let id = object.string("id").map(std::borrow::Cow::into_owned);
        let closed = Closed { index, id };
        self.model.note_closed(Identity::of(&object), closed);
        self.model.content |= self.slot_ref(at).kind != ItemType::Other || !item.is_empty();
    }
}
