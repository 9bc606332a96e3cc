//! A whole stream of events that agree with each other.
//!
//! In: events from [`ev`]. Out: the same events with response id, model, output indices, item ids
//! and call ids that fit together (given when an event is pushed), and sequence numbers (given when
//! the bytes are asked for, so that a stream from which an event was dropped still counts from 0).
//! What a test pinned with a setter is left alone.

mod conforming;
mod settle;

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use serde_json::Value;

use crate::ev::{self, Ev, Item, MODEL};

pub use conforming::{conforming_reasoning_then_text, conforming_text, conforming_tool_call};
use settle::Slot;

/// A stream under construction. Push events, or whole items; then change it: drop, map, cut.
#[derive(Clone, Debug)]
pub struct Stream {
    evs: Vec<Ev>,
    turn: u64,
    model: String,
    slots: BTreeMap<u64, Slot>,
    done: BTreeMap<u64, Value>,
}

impl Stream {
    /// An empty stream: turn 1, the default model.
    #[must_use]
    pub fn new() -> Self {
        Self {
            evs: Vec::new(),
            turn: 1,
            model: MODEL.to_owned(),
            slots: BTreeMap::new(),
            done: BTreeMap::new(),
        }
    }

    /// The number in every id (`resp_relay2`, `msg_relay2_0`), so that the ids of two turns differ.
    /// To be said before the first push.
    #[must_use]
    pub fn turn(mut self, turn: u64) -> Self {
        self.turn = turn;
        self
    }

    /// The model that every response object names. To be said before the first push.
    #[must_use]
    pub fn model(mut self, model: &str) -> Self {
        model.clone_into(&mut self.model);
        self
    }

    /// Adds an event, made to agree with those before it.
    #[must_use]
    pub fn push(mut self, mut ev: Ev) -> Self {
        self.settle_place(&mut ev);
        self.settle_response(&mut ev);
        self.evs.push(ev);
        self
    }

    /// Adds several events.
    #[must_use]
    pub fn extend(self, evs: impl IntoIterator<Item = Ev>) -> Self {
        evs.into_iter().fold(self, Self::push)
    }

    /// `created` and `in_progress`.
    #[must_use]
    pub fn prelude(self) -> Self {
        self.push(ev::created()).push(ev::in_progress())
    }

    /// A whole message: added, one text part with these deltas, all its dones.
    #[must_use]
    pub fn message<'a>(self, deltas: impl IntoIterator<Item = &'a str>) -> Self {
        let deltas: Vec<_> = deltas.into_iter().collect();
        let text = deltas.concat();
        self.push(ev::message_added())
            .push(ev::part_added())
            .extend(deltas.into_iter().map(ev::text_delta))
            .push(ev::text_done(&text))
            .push(ev::part_done(&text))
            .push(ev::message_done(&text))
    }

    /// A whole reasoning item: added, one summary part with these deltas, all its dones.
    #[must_use]
    pub fn reasoning<'a>(self, deltas: impl IntoIterator<Item = &'a str>) -> Self {
        let deltas: Vec<_> = deltas.into_iter().collect();
        let summary = deltas.concat();
        self.push(ev::reasoning_added())
            .push(ev::summary_part_added())
            .extend(deltas.into_iter().map(ev::summary_delta))
            .push(ev::summary_done(&summary))
            .push(ev::summary_part_done(&summary))
            .push(ev::reasoning_done(&summary))
    }

    /// A whole reasoning item with raw reasoning text in place of a summary.
    #[must_use]
    pub fn reasoning_text<'a>(self, deltas: impl IntoIterator<Item = &'a str>) -> Self {
        let deltas: Vec<_> = deltas.into_iter().collect();
        let text = deltas.concat();
        self.push(ev::reasoning_added())
            .push(ev::reasoning_part_added())
            .extend(deltas.into_iter().map(ev::reasoning_text_delta))
            .push(ev::reasoning_text_done(&text))
            .push(ev::reasoning_part_done(&text))
            .push(ev::item_done(Item::reasoning_text(&text)))
    }

    /// A whole function call with its arguments in these deltas.
    #[must_use]
    pub fn call<'a>(self, name: &str, deltas: impl IntoIterator<Item = &'a str>) -> Self {
        let deltas: Vec<_> = deltas.into_iter().collect();
        let arguments = deltas.concat();
        self.push(ev::call_added(name))
            .extend(deltas.into_iter().map(ev::arguments_delta))
            .push(ev::arguments_done(&arguments))
            .push(ev::call_done(name, &arguments))
    }

    /// `completed`, with the items that were done as its output.
    #[must_use]
    pub fn complete(self) -> Self {
        self.push(ev::completed_with_done_items())
    }

    /// Drops every event of this type.
    #[must_use]
    pub fn drop_type(self, kind: &str) -> Self {
        self.retain(|ev| ev.kind() != kind)
    }

    /// Keeps the events that the test says yes to.
    #[must_use]
    pub fn retain(mut self, mut keep: impl FnMut(&Ev) -> bool) -> Self {
        self.evs.retain(|ev| keep(ev));
        self
    }

    /// Changes every event.
    #[must_use]
    pub fn map(mut self, change: impl FnMut(Ev) -> Ev) -> Self {
        self.evs = self.evs.into_iter().map(change).collect();
        self
    }

    /// Changes every event of this type.
    #[must_use]
    pub fn map_type(self, kind: &str, mut change: impl FnMut(Ev) -> Ev) -> Self {
        self.map(|ev| if ev.kind() == kind { change(ev) } else { ev })
    }

    /// Keeps the first `count` events.
    #[must_use]
    pub fn take(mut self, count: usize) -> Self {
        self.evs.truncate(count);
        self
    }

    /// Keeps what comes before the first event of this type (everything, if there is none).
    #[must_use]
    pub fn before(self, kind: &str) -> Self {
        let count = self.position(kind).unwrap_or(self.evs.len());
        self.take(count)
    }

    /// Keeps what comes up to the first event of this type, and that event.
    #[must_use]
    pub fn through(self, kind: &str) -> Self {
        let count = self
            .position(kind)
            .map_or(self.evs.len(), |position| position + 1);
        self.take(count)
    }

    /// Puts an event before the event at this position, as it is: nothing is made to agree.
    #[must_use]
    pub fn insert(mut self, position: usize, ev: Ev) -> Self {
        let position = position.min(self.evs.len());
        self.evs.insert(position, ev);
        self
    }

    /// Where the first event of this type is.
    #[must_use]
    pub fn position(&self, kind: &str) -> Option<usize> {
        self.evs.iter().position(|ev| ev.kind() == kind)
    }

    /// The events with their sequence numbers.
    #[must_use]
    pub fn evs(&self) -> Vec<Ev> {
        let mut evs = self.evs.clone();
        let numbered = evs
            .iter_mut()
            .filter(|ev| ev.get("sequence_number").is_some());
        for (number, ev) in numbered.enumerate() {
            ev.settle("sequence_number", number);
        }
        evs
    }

    /// The body, event by event.
    #[must_use]
    pub fn frames(&self) -> Vec<Bytes> {
        self.evs().iter().map(Ev::to_bytes).collect()
    }

    /// The whole body.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let mut body = BytesMut::new();
        for frame in self.frames() {
            body.extend_from_slice(&frame);
        }
        body.freeze()
    }

    /// The response object of the last terminal event: what a request without `stream` is answered.
    #[must_use]
    pub fn response(&self) -> Option<Value> {
        self.evs
            .iter()
            .rev()
            .find_map(|ev| ev.get("response"))
            .cloned()
    }
}

impl Default for Stream {
    fn default() -> Self {
        Self::new()
    }
}

impl FromIterator<Ev> for Stream {
    fn from_iter<T: IntoIterator<Item = Ev>>(evs: T) -> Self {
        Self::new().extend(evs)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
