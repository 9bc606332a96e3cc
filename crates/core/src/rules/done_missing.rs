//! What is opened is closed before the terminal event.

use crate::event::{Class, EventKind};
use crate::json::Object;
use crate::mend::{Mend, concord};
use crate::model::{Identity, Look};
use crate::slots::{Part, Slot, TextKind};
use crate::violation::Code;

use super::{Grade, Rule, Said, say};

fn parts(slot: &Slot) -> impl Iterator<Item = &Part> {
    slot.summary.iter().chain(&slot.content)
}

/// A text without its done event.
pub(super) static TEXT: Rule = Rule {
    code: Code("text-done-missing"),
    sdk: Grade::No,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "A text is closed by its `.done` event before its part is.",
    mends: "The done event is inserted, with the delivered text.",
    advice: "Send `response.output_text.done` with the whole text before `response.content_part.done`.",
    evidence: "DEVIATIONS 3.8; ogx-ai/ogx#5309, agentgateway/agentgateway#3326",
    fixture: "text-done-missing",
    on: &[Class::PartDone, Class::ItemDone],
    inspect: |look| {
        let slot = look.slot().filter(|slot| slot.is_open())?;
        let open = match look.class {
            Class::PartDone => {
                let part = look
                    .text_kind()
                    .zip(look.part)
                    .map(|(kind, part)| &slot.parts(kind)[part])?;
                part.kind.is_some() && !part.text_done && !part.done
            }
            _ => parts(slot).any(|part| part.kind.is_some() && !part.text_done && !part.done),
        };
        if open {
            say("A text is not done when its part or item is")
        } else {
            None
        }
    },
    mend: |mend| {
        if mend.kind.class() == Class::PartDone {
            super::done_text::mend_part_done(mend);
        } else {
            mend.mend_item_done();
        }
    },
};

/// A part without its done event, or an item with a part that never was.
pub(super) static PART: Rule = Rule {
    code: Code("part-done-missing"),
    sdk: Grade::No,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "An item's parts are streamed, and each is closed by its `.done` event before the item is.",
    mends: "What the parts hold beyond what was delivered is sent as a delta, and the done events are inserted.",
    advice: "Send `response.content_part.done` for each part before `response.output_item.done`, and stream every part that the done item holds.",
    evidence: "DEVIATIONS 3.8, 3.9; langchain-ai/langchain#37625; CLIENTS.md, no_dones, items_done_only",
    fixture: "no-dones",
    on: &[Class::ItemDone],
    inspect: |look| {
        let slot = look.slot().filter(|slot| slot.is_open() && !slot.held)?;
        if parts(slot).any(|part| part.kind.is_some() && !part.done) {
            return say("A part is not done when its item is");
        }
        let more = |field: &str, list: TextKind| {
            let raws = look
                .nested
                .get(field)
                .and_then(crate::json::elements)
                .unwrap_or_default();
            let read = |raw: &&str| {
                Part::from_raw(0, raw)
                    .fitting(slot.kind, list)
                    .kind
                    .is_some()
            };
            let known = slot
                .parts(list)
                .iter()
                .filter(|part| part.kind.is_some())
                .count();
            raws.iter().filter(|raw| read(raw)).count() > known
        };
        let streams = |kind| slot.kind == TextKind::item_type(kind);
        let untold = streams(TextKind::Summary) && more("summary", TextKind::Summary)
            || (streams(TextKind::Output) || streams(TextKind::Reasoning))
                && more("content", TextKind::Output);
        if untold {
            say("The item holds a part that was not streamed")
        } else {
            None
        }
    },
    mend: |mend| mend.mend_item_done(),
};

/// A call's arguments without their done event.
pub(super) static ARGUMENTS: Rule = Rule {
    code: Code("arguments-done-missing"),
    sdk: Grade::No,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "A call's arguments, or input, are closed by their `.done` event before the call is.",
    mends: "What was not delivered is sent as a delta, and the done event is inserted.",
    advice: "Send `response.function_call_arguments.done` with the whole arguments before the call's `response.output_item.done`, also for a call without arguments.",
    evidence: "DEVIATIONS 9.1, 9.6; vllm-project/vllm#54236, earendil-works/pi#2745",
    fixture: "arguments-done-missing",
    on: &[Class::ItemDone],
    inspect: |look| {
        let slot = look
            .slot()
            .filter(|slot| slot.is_open() && !slot.held && slot.kind.is_call())?;
        if slot.payload_done {
            None
        } else {
            say("A call's arguments are not done when the call is")
        }
    },
    mend: |mend| mend.mend_item_done(),
};

/// An item that is open at the terminal event, or that only the terminal event holds.
pub(super) static ITEM: Rule = Rule {
    code: Code("item-done-missing"),
    sdk: Grade::Violation,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "Every item is added, and closed by `response.output_item.done` before the terminal event.",
    mends: "The item is closed from the terminal's `output`, else from what was delivered. A call that is not whole makes the response fail.",
    advice: "Send `response.output_item.done` with the finished item for every item, before the terminal event.",
    evidence: "DEVIATIONS 3.8; ogx-ai/ogx#5309; openai-python: \"Cannot complete response with unfinished output items.\"",
    fixture: "item-done-missing",
    on: &[Class::Terminal],
    inspect: item,
    mend: |mend| mend.conclude(),
};

fn item(look: &Look<'_>) -> Said {
    const SENTENCE: &str = "Cannot complete response with unfinished output items.";
    let model = look.model;
    if look.is_sdk() {
        if look.kind != EventKind::Completed {
            return None;
        }
        let outputs = look.outputs().unwrap_or_default();
        let finals: Vec<Object<'_>> = outputs
            .iter()
            .map(|raw| Object::parse(raw).unwrap_or_default())
            .collect();
        let unfinished = model
            .slots
            .list
            .iter()
            .filter(|slot| !slot.done_at_index)
            .any(|slot| {
                let added = Object::parse(&slot.added).unwrap_or_default();
                let identity = Identity::of(&added);
                let listed = finals
                    .iter()
                    .rev()
                    .find(|item| Identity::of(item) == identity);
                !listed.is_some_and(|item| {
                    identity.compatible(added.string("id").as_deref(), item.string("id").as_deref())
                })
            });
        return if unfinished { say(SENTENCE) } else { None };
    }
    if !matches!(look.kind, EventKind::Completed | EventKind::Incomplete) {
        return None;
    }
    let cut = |slot: &Slot| look.kind == EventKind::Incomplete && !slot.can_be_closed();
    if model
        .slots
        .list
        .iter()
        .any(|slot| slot.is_open() && !cut(slot))
    {
        return say(SENTENCE);
    }
    let only_there = concord(&model.slots, &look.outputs().unwrap_or_default())
        .slots
        .contains(&None);
    if only_there {
        say("The terminal event's `output` holds an item that was not streamed")
    } else {
        None
    }
}

/// The text of a part, by the event that is about to close it.
pub(super) fn part_of(mend: &Mend<'_>) -> Option<(usize, TextKind, usize)> {
    let kind = mend.text_kind()?;
    Some((mend.slot?, kind, mend.part?))
}
