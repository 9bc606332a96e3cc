//! A whole stream of events that agree with each other.
//!
//! In: events from [`ev`]. Out: the same events with response id, model, output indices, item ids
//! and call ids that fit together (given when an event is pushed), and sequence numbers (given when
//! the bytes are asked for, so that a stream from which an event was dropped still counts from 0).
//! What a test pinned with a setter is left alone.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use serde_json::Value;

use crate::ev::{self, Ev, Family, Item, MODEL};

/// A stream under construction. Push events, or whole items; then change it: drop, map, cut.
#[derive(Clone, Debug)]
pub struct Stream {
    evs: Vec<Ev>,
    turn: u64,
    model: String,
    slots: BTreeMap<u64, Slot>,
    done: BTreeMap<u64, Value>,
}

/// What is known of the item at one output index.
#[derive(Clone, Debug)]
struct Slot {
    family: Option<Family>,
    id: String,
    call_id: String,
    parts: u64,
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

    /// Gives an event of an item its index, ids and part index.
    fn settle_place(&mut self, ev: &mut Ev) {
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
    fn settle_response(&self, ev: &mut Ev) {
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

/// A conforming stream: `created`, `in_progress`, one message with these deltas, `completed`.
#[must_use]
pub fn conforming_text<'a>(deltas: impl IntoIterator<Item = &'a str>) -> Stream {
    Stream::new().prelude().message(deltas).complete()
}

/// A conforming stream: a reasoning item with a summary, then a message.
#[must_use]
pub fn conforming_reasoning_then_text<'a>(
    summary: impl IntoIterator<Item = &'a str>,
    text: impl IntoIterator<Item = &'a str>,
) -> Stream {
    Stream::new()
        .prelude()
        .reasoning(summary)
        .message(text)
        .complete()
}

/// A conforming stream: one function call with its arguments in these deltas.
#[must_use]
pub fn conforming_tool_call<'a>(
    name: &str,
    arguments: impl IntoIterator<Item = &'a str>,
) -> Stream {
    Stream::new().prelude().call(name, arguments).complete()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use serde_json::json;

    fn field(stream: &Stream, path: &str) -> Vec<Value> {
        stream
            .evs()
            .iter()
            .map(|ev| ev.get(path).cloned().unwrap_or(Value::Null))
            .collect()
    }

    #[test]
    fn a_conforming_stream_agrees_with_itself() {
        let stream = conforming_reasoning_then_text(["Hm", "m."], ["Hel", "lo"]);
        let evs = stream.evs();
        let kinds: Vec<_> = evs
            .iter()
            .map(|ev| ev.kind().trim_start_matches("response."))
            .collect();
        assert_eq!(
            kinds,
            [
                "created",
                "in_progress",
                "output_item.added",
                "reasoning_summary_part.added",
                "reasoning_summary_text.delta",
                "reasoning_summary_text.delta",
                "reasoning_summary_text.done",
                "reasoning_summary_part.done",
                "output_item.done",
                "output_item.added",
                "content_part.added",
                "output_text.delta",
                "output_text.delta",
                "output_text.done",
                "content_part.done",
                "output_item.done",
                "completed",
            ]
        );
        let numbers: Vec<_> = (0..17).map(Value::from).collect();
        assert_eq!(field(&stream, "sequence_number"), numbers);
        assert_eq!(evs[4].get("item_id"), Some(&json!("rs_relay1_0")));
        assert_eq!(evs[11].get("item_id"), Some(&json!("msg_relay1_1")));
        assert_eq!(evs[11].get("output_index"), Some(&json!(1)));
        let output = evs[16].get("response.output").unwrap();
        assert_eq!(output[0], *evs[8].get("item").unwrap());
        assert_eq!(output[1], *evs[15].get("item").unwrap());
        assert_eq!(output[1]["content"][0]["text"], "Hello");
    }

    #[test]
    fn dropping_an_event_renumbers_and_keeps_the_ids() {
        let stream = conforming_text(["Hi"]).drop_type("response.created");
        assert_eq!(stream.evs()[0].kind(), "response.in_progress");
        assert_eq!(field(&stream, "sequence_number")[0], json!(0));
    }

    #[test]
    fn deltas_without_items_get_one_index_for_each_family() {
        let stream: Stream = [
            ev::summary_delta("a"),
            ev::text_delta("b"),
            ev::summary_delta("c"),
        ]
        .into_iter()
        .collect();
        assert_eq!(
            field(&stream, "output_index"),
            [json!(0), json!(1), json!(0)]
        );
        assert_eq!(
            field(&stream, "item_id"),
            ["rs_relay1_0", "msg_relay1_1", "rs_relay1_0"]
        );
    }

    #[test]
    fn pinned_values_stay_and_are_followed() {
        let stream = Stream::new()
            .push(ev::message_added().index(3).item_id("msg_mine"))
            .push(ev::text_delta("a"))
            .push(ev::text_delta("b").item_id("msg_other").sequence(9))
            .push(ev::text_delta("c").without("output_index"));
        assert_eq!(
            field(&stream, "output_index"),
            [json!(3), json!(3), json!(3), Value::Null]
        );
        assert_eq!(
            field(&stream, "item_id"),
            [
                Value::Null,
                "msg_mine".into(),
                "msg_other".into(),
                "msg_mine".into()
            ]
        );
        assert_eq!(
            field(&stream, "sequence_number"),
            [json!(0), json!(1), json!(9), json!(3)]
        );
    }

    #[test]
    fn interleaved_calls_are_told_apart_by_index() {
        let stream = Stream::new()
            .push(ev::call_added("a"))
            .push(ev::call_added("b"))
            .push(ev::arguments_delta("{}").index(0))
            .push(ev::arguments_delta("{}"))
            .push(ev::call_done("a", "{}").index(0))
            .push(ev::call_done("b", "{}"))
            .complete();
        let evs = stream.evs();
        assert_eq!(evs[2].get("item_id"), Some(&json!("fc_relay1_0")));
        assert_eq!(evs[3].get("item_id"), Some(&json!("fc_relay1_1")));
        assert_eq!(evs[4].get("item.call_id"), Some(&json!("call_relay1_0")));
        assert_eq!(
            evs[6].get("response.output.1.call_id"),
            Some(&json!("call_relay1_1"))
        );
    }

    #[test]
    fn given_items_take_the_ids_of_the_items_in_the_stream() {
        let stream = Stream::new()
            .turn(4)
            .model("m")
            .push(ev::created())
            .push(ev::reasoning_added())
            .push(ev::message_added().item_id("msg_up"))
            .push(ev::completed([
                Item::reasoning("r"),
                Item::message("t"),
                Item::raw(json!({"type": "message", "id": "x"})),
            ]));
        let evs = stream.evs();
        assert_eq!(evs[0].get("response.id"), Some(&json!("resp_relay4")));
        assert_eq!(evs[3].get("response.model"), Some(&json!("m")));
        let ids: Vec<_> = (0..3)
            .map(|at| {
                evs[3]
                    .get(&format!("response.output.{at}.id"))
                    .unwrap()
                    .clone()
            })
            .collect();
        assert_eq!(ids, ["rs_relay4_0", "msg_up", "x"]);
    }

    #[test]
    fn a_second_part_has_the_next_index() {
        let stream = Stream::new().push(ev::reasoning_added()).extend([
            ev::summary_part_added(),
            ev::summary_delta("a"),
            ev::summary_part_added(),
            ev::summary_delta("b"),
        ]);
        assert_eq!(
            field(&stream, "summary_index")[1..],
            [json!(0), json!(0), json!(1), json!(1)]
        );
    }

    #[test]
    fn vendor_events_take_no_number_and_terminals_take_what_was_done() {
        let stream = Stream::new()
            .push(ev::rate_limits())
            .prelude()
            .message(["Hi"])
            .push(ev::incomplete("max_output_tokens"));
        assert_eq!(
            field(&stream, "sequence_number")[..2],
            [Value::Null, json!(0)]
        );
        assert_eq!(
            stream.response().unwrap()["output"][0]["content"][0]["text"],
            "Hi"
        );
        assert_eq!(
            stream.response().unwrap()["incomplete_details"]["reason"],
            "max_output_tokens"
        );
    }
}
