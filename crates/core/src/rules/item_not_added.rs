//! An item's first event is `response.output_item.added`.

use std::borrow::Cow;

use crate::event::{Class, EventKind, Field};
use crate::json::{GrowingObject, Object, is_object};
use crate::mend::Mend;
use crate::model::Look;
use crate::slots::{ItemType, payload_field, payload_text};
use crate::violation::Code;

use super::{Grade, OF_ITEM, Rule, Said, say};

/// An event of an item that was never added.
pub(super) static ITEM_NOT_ADDED: Rule = Rule {
    code: Code("item-not-added"),
    sdk: Grade::Violation,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "An item's first event is `response.output_item.added`.",
    mends: "`response.output_item.added` is inserted. A call is held until its name is known; the status of a hosted tool whose item only the upstream knows is dropped.",
    advice: "Send `response.output_item.added` before anything else of an item, also before a delta that comes alone.",
    evidence: "DEVIATIONS 3.1, 3.9; BerriAI/litellm#22102 (Codex: \"OutputTextDelta without active item\"), Wei-Shaw/sub2api#2875",
    fixture: "deltas-only",
    on: OF_ITEM,
    inspect,
    mend,
};

fn inspect(look: &Look<'_>) -> Said {
    let index = look.event.integer(Field::OutputIndex);
    match (look.class, look.slot()) {
        (Class::ItemAdded, None) => return None,
        (Class::ItemAdded, Some(_)) => {
            return say("`response.output_item.added` comes after the item's first event");
        }
        // It was said of its first event.
        (_, Some(slot)) if slot.held => return None,
        _ => {}
    }
    if look.is_sdk() {
        let judged = matches!(
            look.kind,
            EventKind::ContentPartAdded
                | EventKind::OutputTextDelta
                | EventKind::OutputTextDone
                | EventKind::FunctionCallArgumentsDelta
        );
        // openai-python finds items by index alone.
        if !judged || look.at_index().is_some() {
            return None;
        }
        let index = index.map_or("None".to_owned(), |index| index.to_string());
        let sentence = format!(
            "Received a content event for output index {index} before receiving its output item"
        );
        return Some(sentence.into());
    }
    if look.slot.is_some() {
        return None;
    }
    Some(
        format!(
            "`{}` comes for an item that was not added",
            look.kind.name()
        )
        .into(),
    )
}

fn mend(mend: &mut Mend<'_>) {
    if mend.slot.is_some_and(|at| !mend.slot_ref(at).held) && mend.kind.class() != Class::ItemAdded
    {
        // openai-python does not find the item by this index, but its id or type tells which it is.
        return mend.readdress();
    }
    match mend.kind.class() {
        Class::ItemAdded => late_added(mend),
        Class::CallDelta | Class::CallDone => hold(mend),
        Class::ItemDone => done(mend),
        Class::ItemStatus => match mend.open_hosted() {
            Some(at) => {
                mend.slot = Some(at);
                mend.readdress();
            }
            None => mend.drop_event(),
        },
        _ => {
            let Some(text) = mend.text_kind() else {
                return mend.drop_event();
            };
            if mend.kind.class() == Class::TextDelta && mend.was_sent() {
                return;
            }
            mend.slot = Some(mend.open_unknown(text.item_type()));
            mend.readdress();
        }
    }
}

/// The item's own `added`, after one was made for it. A call that was held is released by it.
fn late_added(mend: &mut Mend<'_>) {
    let Some(at) = mend.slot else { return };
    let upstream_index = mend.upstream.integer(Field::OutputIndex);
    mend.model.slots.alias(at, upstream_index, None);
    let raw = mend.event.field(Field::Item).unwrap_or("{}");
    let named = Object::parse(raw).is_some_and(|item| item.filled("name").is_some());
    if mend.slot_ref(at).held && named {
        mend.release(at, raw, false);
    }
    mend.drop_event();
}

/// A call's arguments before its name: kept, and sent when the name is known.
pub(crate) fn hold(mend: &mut Mend<'_>) {
    let kind = match mend.kind {
        EventKind::CustomToolCallInputDelta | EventKind::CustomToolCallInputDone => {
            ItemType::CustomToolCall
        }
        _ => ItemType::FunctionCall,
    };
    let at = mend.slot.unwrap_or_else(|| mend.open_unknown(kind));
    let done = mend.kind.class() == Class::CallDone;
    let field = if done {
        payload_field(mend.slot_ref(at))
    } else {
        Field::Delta
    };
    let text = payload_text(mend.draft.current(mend.event, field)).map(Cow::into_owned);
    if let Some(text) = text.filter(|text| !done || !mend.slot_ref(at).is_blank(text)) {
        if done {
            // Nothing of it went out yet: what its done event says is right.
            let slot = &mut mend.model.slots.list[at];
            slot.payload.clear();
            (slot.growing, slot.lost) = (GrowingObject::default(), None);
        }
        mend.model.slots.append_payload(at, &text);
        mend.model.slots.changes.clear();
    }
    mend.drop_event();
}

/// An item that is known only by its done event.
fn done(mend: &mut Mend<'_>) {
    let raw = mend.event.field(Field::Item).filter(|raw| is_object(raw));
    let Some(raw) = raw.map(str::to_owned) else {
        return mend.drop_event();
    };
    if Object::parse(&raw).is_none_or(|item| item.filled("type").is_none()) {
        return mend.drop_event();
    }
    if mend.slot.is_none() {
        let item = Object::parse(&raw).unwrap_or_default();
        let kind = ItemType::from_name(&item.string("type").unwrap_or_default());
        if kind.is_call() && item.filled("name").is_none() {
            mend.fail(
                "upstream_call_incomplete",
                "the upstream finished a call without naming it",
            );
            return;
        }
        mend.slot = Some(mend.open_known(&raw));
    }
    mend.mend_item_done();
}
