//! Deltas: strings, and into what is open.

use std::borrow::Cow;

use crate::event::{Class, EventKind, Field};
use crate::json::{Object, elements, is_object, is_string, is_truthy, quote, unescape};
use crate::mend::Mend;
use crate::model::Look;
use crate::slots::{ItemType, Lost, Slot, TextKind};
use crate::violation::Code;

use super::{Grade, Rule, Said, say};

/// `"delta": {"text": "…"}`, or no delta at all.
pub(super) static DELTA_NOT_STRING: Rule = Rule {
    code: Code("delta-not-string"),
    sdk: Grade::Violation,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "A delta of text or arguments is a string.",
    mends: "`delta.text` is taken, of a call also `arguments`, or its whole arguments as an object; an array of strings is joined; any other is dropped, and what comes behind it in a call waits for the done event.",
    advice: "Send `delta` as a string (`\"delta\":\"Hello\"`), not as an object, and send no event where there is no text.",
    evidence: "DEVIATIONS 3.12; tombii/better-ccflare#233",
    fixture: "delta-not-string",
    on: &[Class::TextDelta, Class::CallDelta],
    inspect: |look| {
        let judged = !look.is_sdk()
            || matches!(
                look.kind,
                EventKind::OutputTextDelta | EventKind::FunctionCallArgumentsDelta
            );
        let string = look.event.field(Field::Delta).is_some_and(is_string);
        let hole = |slot: &Slot| look.class == Class::CallDelta && slot.lost == Some(Lost::Hole);
        match look.slot() {
            Some(slot) if string && hole(slot) => {
                say("The delta comes behind one that could not be read")
            }
            _ if !judged || string => None,
            _ => say("The delta is no string"),
        }
    },
    mend: |mend| {
        if mend.kind.class() == Class::CallDelta {
            return mend_call(mend);
        }
        let raw = mend
            .event
            .field(Field::Delta)
            .filter(|raw| is_object(raw))
            .and_then(Object::parse);
        let text = raw.and_then(|delta| delta.string("text").map(std::borrow::Cow::into_owned));
        match text.or_else(|| joined(mend.event.field(Field::Delta)?)) {
            Some(text) => mend.draft.set("delta", quote(&text)),
            None => mend.drop_event(),
        }
    },
};

/// A call's delta as another event would wrap it is unwrapped. Of any other nobody knows what it held: it leaves a hole,
/// and nothing is given on behind it until the done event tells the whole.
fn mend_call(mend: &mut Mend<'_>) {
    let kind = match mend.kind {
        EventKind::CustomToolCallInputDelta => ItemType::CustomToolCall,
        _ => ItemType::FunctionCall,
    };
    let slot = mend.slot.map(|at| mend.slot_ref(at));
    let first = slot.is_none_or(|slot| slot.payload.is_empty() && slot.payload_seed.is_empty());
    let open = slot.is_none_or(|slot| slot.lost != Some(Lost::Hole));
    let raw = mend.event.field(Field::Delta).unwrap_or_default();
    let text = unwrapped(raw, kind, first).or_else(|| joined(raw).map(Cow::Owned));
    if let Some(text) = text.filter(|_| open) {
        return mend.draft.set("delta", quote(&text));
    }
    let at = mend.slot.unwrap_or_else(|| mend.open_unknown(kind));
    let slot = &mut mend.model.slots.list[at];
    if !slot.payload_done && slot.is_open() {
        slot.lost = Some(Lost::Hole);
        // The numbering shows that something is missing here.
        mend.model.renumber = true;
    }
    mend.drop_event();
}

/// The pieces of a delta that is an array of strings, as one.
fn joined(raw: &str) -> Option<String> {
    let pieces = elements(raw)?;
    pieces.into_iter().map(unescape).collect()
}

/// The text in a delta that is an object: wrapped as other protocols do it, or the object itself where it is a function
/// call's first delta and so all its arguments.
fn unwrapped(raw: &str, kind: ItemType, first: bool) -> Option<Cow<'_, str>> {
    let delta = Object::parse(raw)?;
    let wrapped = ["text", "arguments", "partial_json", "input"]
        .into_iter()
        .find(|key| delta.has_only(&["type", "index", key]) && delta.string(key).is_some());
    match wrapped {
        Some(key) => delta.string(key),
        None if kind == ItemType::FunctionCall && first && is_truthy(raw) => {
            Some(Cow::Borrowed(raw))
        }
        None => None,
    }
}

/// A delta, or a second done, into what was already done.
pub(super) static DELTA_AFTER_DONE: Rule = Rule {
    code: Code("delta-after-done"),
    sdk: Grade::No,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "Nothing comes for a text, part or item that was done.",
    mends: "A late delta that the done event already brought is dropped; any other opens a new part while its item is open, else a new item at the next index; a second done is dropped.",
    advice: "Send an item's done events when the next item begins or the response ends, not at the first chunk that looks like an end (an empty `tool_calls` is none).",
    evidence: "DEVIATIONS 2.5; diegosouzapw/OmniRoute#13693, #14007",
    fixture: "delta-after-done",
    on: &[
        Class::PartAdded,
        Class::TextDelta,
        Class::TextDone,
        Class::PartDone,
        Class::CallDelta,
        Class::CallDone,
        Class::ItemStatus,
        Class::ItemDone,
    ],
    inspect,
    mend,
};

fn inspect(look: &Look<'_>) -> Said {
    let slot = look.slot()?;
    let part = look
        .text_kind()
        .zip(look.part)
        .map(|(kind, part)| &slot.parts(kind)[part]);
    let late = match look.class {
        _ if !slot.is_open() => true,
        Class::TextDelta | Class::TextDone => part.is_some_and(|part| part.text_done || part.done),
        Class::PartDone | Class::ItemStatus => part.is_some_and(|part| part.done),
        Class::CallDelta | Class::CallDone => slot.payload_done && !slot.held,
        _ => false,
    };
    late.then(|| format!("`{}` comes for what was already done", look.kind.name()).into())
}

fn mend(mend: &mut Mend<'_>) {
    let text = TextKind::of(mend.kind).filter(|_| mend.kind.class() == Class::TextDelta);
    let says_something = mend
        .event
        .field(Field::Delta)
        .is_some_and(|raw| raw != "\"\"");
    let Some(text) = text.filter(|_| says_something) else {
        return mend.drop_event();
    };
    match not_sent_yet(mend, text) {
        Some(rest) if rest.is_empty() => return mend.drop_event(),
        Some(rest) => mend.draft.set("delta", quote(&rest)),
        None => {}
    }
    let (at, index) = match mend.slot.filter(|at| mend.slot_ref(*at).is_open()) {
        // Only the part was done: its item's own done event is still to come, and speaks of both.
        Some(at) => (at, mend.event.integer(text.index_field())),
        None => {
            let at = mend.open_unknown(text.item_type());
            mend.follow_from_here(at);
            (at, Some(0))
        }
    };
    mend.slot = Some(at);
    mend.part = Some(mend.open_part(at, text, index, None));
    mend.readdress();
}

/// What a late delta goes on with behind the text that its done event already brought; `None` where that is all of it.
fn not_sent_yet(mend: &mut Mend<'_>, text: TextKind) -> Option<String> {
    let delta = unescape(mend.draft.current(mend.event, Field::Delta)?)?.into_owned();
    let at = mend.slot?;
    let parts = mend.model.slots.list[at].parts_mut(text).iter_mut();
    parts
        .filter(|part| part.kind == Some(text))
        .map(|part| part.not_owed(&delta))
        .find(|rest| rest.len() < delta.len())
        .map(str::to_owned)
}
