//! The terminal event against the items: closing what is open, delivering what only the terminal holds, backfill.

use crate::event::{EventKind, Field};
use crate::json::{self, Object, edit};
use crate::model::{Closed, Identity};
use crate::slots::{ItemType, Told, payload_text};

use super::{Mend, Released, concord, conform};

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
                None if self.is_repetition(raw) || self.was_joined(raw) => continue,
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
            if self.slot_ref(at).held {
                match self.release(at, raw, true) {
                    Released::Known(_) => {}
                    Released::Repetition => return,
                    Released::Nameless => return self.fail_call(),
                }
            }
            self.settle(at, Some(raw));
            if self.is_over() {
                return;
            }
            let status = self.closing_status();
            let item = edit(raw, &conform(self.slot_ref(at), raw, status).all());
            return self.give_done(at, &item);
        }
        if self.slot_ref(at).is_untold_rival() {
            // The same call was added twice, and nothing came of the second.
            return self.model.slots.take_out(at);
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
