//! How events are made to agree: indices, item and call ids, the response's id, model and output.

use serde_json::Value;

use super::Stream;
use crate::ev::{self, Ev, Family};

/// What is known of the item at one output index.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    family: Option<Family>,
    id: String,
    call_id: String,
    parts: u64,
}

impl Stream {
    /// Gives an event of an item its index, ids and part index.
    pub(super) fn settle_place(&mut self, ev: &mut Ev) {
        if ev.family.is_none() && ev.get("output_index").is_none() {
            return;
        }
        let added = ev.kind() == "response.output_item.added";
        let pinned = ev
            .is_pinned("output_index")
            .then(|| ev.get("output_index").and_then(Value::as_u64))
            .flatten();
        let index = match pinned {
            Some(index) => index,
            None if added => self.next_index(),
            None => self
                .last_index(ev.family)
                .unwrap_or_else(|| self.next_index()),
        };
        if added || !self.slots.contains_key(&index) {
            self.slots.insert(index, Slot::new(ev, self.turn, index));
        }
        if let Some(slot) = self.slots.get_mut(&index) {
            slot.settle(ev, index);
        }
        if ev.kind() == "response.output_item.done"
            && let Some(item) = ev.get("item")
        {
            self.done.insert(index, item.clone());
        }
    }

    /// Gives a lifecycle event the response's id and model, and its output the items' ids.
    pub(super) fn settle_response(&self, ev: &mut Ev) {
        ev.settle("response.id", format!("resp_relay{}", self.turn));
        ev.settle("response.model", self.model.as_str());
        if ev.output_from_stream {
            let items: Vec<Value> = self.done.values().cloned().collect();
            ev.settle("response.output", items);
            return;
        }
        let Some(output) = ev.get("response.output").and_then(Value::as_array) else {
            return;
        };
        let families: Vec<_> = output.iter().map(Family::of_item).collect();
        for (place, family) in families.into_iter().enumerate() {
            let Some(family) = family else { continue };
            let place = place as u64;
            let slot = self
                .slots
                .get(&place)
                .filter(|slot| slot.family == Some(family));
            let id = slot.map_or_else(|| family.item_id(self.turn, place), |slot| slot.id.clone());
            let call = slot.map_or_else(
                || ev::call_id(self.turn, place),
                |slot| slot.call_id.clone(),
            );
            ev.settle(&format!("response.output.{place}.id"), id);
            ev.settle(&format!("response.output.{place}.call_id"), call);
        }
    }

    fn next_index(&self) -> u64 {
        self.slots
            .last_key_value()
            .map_or(0, |(index, _)| index + 1)
    }

    fn last_index(&self, family: Option<Family>) -> Option<u64> {
        self.slots
            .iter()
            .rev()
            .find(|(_, slot)| slot.family == family)
            .map(|(index, _)| *index)
    }
}

impl Slot {
    /// The slot that an item's first event opens: with the ids that the event pins, else our own.
    fn new(ev: &Ev, turn: u64, index: u64) -> Self {
        let text = |path: &str| {
            let value = ev
                .is_pinned(path)
                .then(|| ev.get(path).and_then(Value::as_str))
                .flatten();
            value.map(str::to_owned)
        };
        let own = ev.family.unwrap_or(Family::Message).item_id(turn, index);
        Self {
            family: ev.family,
            id: text("item.id").or_else(|| text("item_id")).unwrap_or(own),
            call_id: text("item.call_id").unwrap_or_else(|| ev::call_id(turn, index)),
            parts: 0,
        }
    }

    fn settle(&mut self, ev: &mut Ev, index: u64) {
        ev.settle("output_index", index);
        ev.settle("item_id", self.id.as_str());
        ev.settle("item.id", self.id.as_str());
        ev.settle("item.call_id", self.call_id.as_str());
        if ev.kind().ends_with("part.added") {
            self.parts += 1;
        }
        let part = self.parts.saturating_sub(1);
        ev.settle("content_index", part);
        ev.settle("summary_index", part);
    }
}
