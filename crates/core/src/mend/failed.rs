//! The `output` of a response that failed: what was done stands there as it was streamed, in index order. Nothing is closed
//! or streamed for it: the upstream gave up.

use crate::event::Field;
use crate::json::{self, Edit, Object, edit};
use crate::slots::{Slot, Slots};

use super::{Mend, concord, conform};

/// The elements of a failed response's `output` as they have to be; `None` where they are so.
pub(crate) fn failed_output(items: &Slots, outputs: &[&str]) -> Option<Vec<String>> {
    let found = concord(items, outputs);
    let mut listed: Vec<(u64, String)> = Vec::new();
    for (raw, slot) in outputs.iter().zip(found.slots) {
        let edits = match slot.map(|at| &items.list[at]) {
            Some(slot) => of_streamed(slot, raw),
            None => of_its_own(raw),
        };
        // What was not streamed stands behind what was.
        let index = slot.map_or(u64::MAX, |at| items.list[at].index);
        listed.push((index, edit(raw, &edits)));
    }
    listed.sort_by_key(|(index, _)| *index);
    let listed: Vec<String> = listed.into_iter().map(|(_, raw)| raw).collect();
    (listed != outputs).then_some(listed)
}

/// An item that is still open has what the upstream says of it, under its own id.
fn of_streamed(slot: &Slot, raw: &str) -> Vec<Edit> {
    if slot.done.as_deref() == Some(raw) {
        return Vec::new();
    }
    if !slot.is_open() {
        return conform(slot, raw, "completed").all();
    }
    let mut conformed = conform(slot, raw, "incomplete");
    conformed.text.clear();
    conformed.all()
}

fn of_its_own(raw: &str) -> Vec<Edit> {
    let slot = Slot::from_item(raw, 0, None);
    if slot.type_name.is_empty() {
        return Vec::new();
    }
    conform(&slot, raw, "incomplete").all()
}

impl Mend<'_> {
    /// Puts a failed response's `output` in order.
    pub(crate) fn order_failed(&mut self) {
        let response = self.draft.current(self.event, Field::Response);
        let response = response.and_then(Object::parse).unwrap_or_default();
        let outputs = response.get("output").and_then(json::elements);
        let Some(outputs) = outputs else { return };
        if let Some(listed) = failed_output(&self.model.slots, &outputs) {
            self.draft.set_nested("output", json::array(listed));
        }
    }
}
