//! Each item has an output index of its own, and each of its events carries it.

use crate::event::{Class, Field};
use crate::json::is_object;
use crate::mend::Mend;
use crate::model::Look;
use crate::violation::Code;

use super::{Grade, OF_ITEM, Rule, Said, say};

/// An item that is added now, and not one that is dropped or was added before.
fn is_added(look: &Look<'_>) -> bool {
    look.class == Class::ItemAdded
        && look.slot.is_none()
        && look.event.field(Field::Item).is_some_and(is_object)
}

fn assign(mend: &mut Mend<'_>) {
    if mend.kind.class() == Class::ItemAdded && super::item_id::repeats(mend) {
        mend.drop_event();
    } else if mend.kind.class() == Class::ItemAdded {
        let index = mend.model.slots.next_index();
        mend.draft.set("output_index", index.to_string());
    } else {
        mend.readdress();
    }
}

/// No `output_index`.
pub(super) static MISSING: Rule = Rule {
    code: Code("output-index-missing"),
    sdk: Grade::No,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "Every event of an item carries `output_index`.",
    mends: "The index is assigned: by item id, by call id, else that of the open item of the right type.",
    advice: "Count the items from 0 as they are added, and send that number as `output_index` with each of their events.",
    evidence: "DEVIATIONS 2.3; ggml-org/llama.cpp#20607, Oaklight/llm-rosetta#56",
    fixture: "index-missing",
    on: OF_ITEM,
    inspect: |look| {
        let missing = look.event.integer(Field::OutputIndex).is_none();
        let expected = look
            .slot()
            .map_or_else(|| is_added(look), |slot| !slot.indexless);
        if missing && expected {
            say("The event has no `output_index`")
        } else {
            None
        }
    },
    mend: assign,
};

/// An index that another item has.
pub(super) static DUPLICATE: Rule = Rule {
    code: Code("output-index-duplicate"),
    sdk: Grade::Violation,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "No two items are added at one output index.",
    mends: "The later one gets the next index.",
    advice: "Count the output items yourself. The index of a call in a chat completion's `tool_calls` is no output index: reasoning and text before the call are items too.",
    evidence: "DEVIATIONS 2.4; diegosouzapw/OmniRoute#10025, Soju06/codex-lb#543",
    fixture: "output-index-duplicate",
    on: &[Class::ItemAdded],
    inspect: |look| {
        let index = look.event.integer(Field::OutputIndex);
        if look.is_sdk() {
            let null = !look.event.field(Field::Item).is_some_and(is_object);
            let taken =
                look.model.slots.at_index(index).is_some() || look.model.slots.was_moved_to(index);
            if null || !taken || look.slot.is_some() {
                return None;
            }
            let index = index.map_or("None".to_owned(), |index| index.to_string());
            return Some(format!("Duplicate response output index {index}.").into());
        }
        let index =
            index.filter(|index| is_added(look) && *index < look.model.slots.next_index())?;
        Some(format!("Output index {index} is taken by another item").into())
    },
    mend: assign,
};

/// An index that leaves one out.
pub(super) static GAP: Rule = Rule {
    code: Code("output-index-gap"),
    sdk: Grade::No,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "Items are added at the next output index.",
    mends: "The item gets the next index.",
    advice: "Give each item that is added the next number; an item that you hold back takes none.",
    evidence: "CLIENTS.md, output_index_gap: openai-python 2.24 and openai-node 6 read `output` by position",
    fixture: "output-index-gap",
    on: &[Class::ItemAdded],
    inspect: |look| {
        let next = look.model.slots.next_index();
        let index = look
            .event
            .integer(Field::OutputIndex)
            .filter(|index| is_added(look) && *index > next)?;
        Some(format!("Output index {index} leaves out {next}").into())
    },
    mend: assign,
};

/// An event that names its item by another index.
pub(super) static CHANGED: Rule = Rule {
    code: Code("output-index-changed"),
    sdk: Grade::No,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "Every event of an item carries the index that the item was added at.",
    mends: "The item's own index is written.",
    advice: "Remember the index that an item was added at, and send it with each of the item's events.",
    evidence: "DEVIATIONS 2.4, 9.3; CLIENTS.md, output_index_zero; Soju06/codex-lb#543",
    fixture: "output-index-changed",
    on: OF_ITEM,
    inspect: changed,
    mend: assign,
};

fn changed(look: &Look<'_>) -> Said {
    // A call that is held has no index yet.
    let slot = look.slot().filter(|slot| !slot.held)?;
    let now = look.event.integer(Field::OutputIndex)?;
    if Some(now) == slot.shown_index() || look.class == Class::ItemAdded {
        return None;
    }
    // Why it stands at another one was said where it was added.
    if slot.moved && slot.upstream_index == Some(now) {
        return None;
    }
    Some(
        format!(
            "The item stands at output index {}, the event says {now}",
            slot.index
        )
        .into(),
    )
}
