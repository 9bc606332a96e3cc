//! The fields that an item, and a part, cannot do without.

use crate::event::{Class, EventKind, Field};
use crate::json::{Edit, Object, edit, is_object, is_string};
use crate::mend::{Mend, conform, conform_part};
use crate::model::Look;
use crate::slots::{ItemType, Slot, TextKind, payload_text};
use crate::violation::Code;

use super::part::is_alien;
use super::{Grade, Rule, Said, say};

/// An item without its arrays, its role, its status, its call's name.
pub(super) static ITEM_FIELDS_MISSING: Rule = Rule {
    code: Code("item-fields-missing"),
    sdk: Grade::Violation,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "An item has its type and what its type needs: `content`, `summary`, `role`, `arguments`, `call_id`, `name`, `status`.",
    mends: "The fields are filled with what is known, else empty; a call without a name or `call_id` is held until a later event has it.",
    advice: "Send items whole, their empty arrays included: a message with `role` and `content: []`, reasoning with `summary: []`, a call with `name`, `call_id` and `arguments: \"\"`, each with its `status`.",
    evidence: "DEVIATIONS 3.2, 3.11, 9.2; QuantumNous/new-api#7087, makecindy/cindy#4509",
    fixture: "item-fields-missing",
    on: &[
        Class::ItemAdded,
        Class::PartAdded,
        Class::CallDelta,
        Class::ItemDone,
    ],
    inspect,
    mend,
};

fn inspect(look: &Look<'_>) -> Said {
    if look.is_sdk() {
        return sdk(look);
    }
    match look.class {
        Class::ItemAdded if look.slot.is_none() => {
            let Some(raw) = look.event.field(Field::Item).filter(|raw| is_object(raw)) else {
                return say("The added item is missing");
            };
            let missing = added_edits(raw);
            let nameless = is_nameless(raw);
            let mut names: Vec<&str> = missing.iter().filter_map(Edit::key).collect();
            names.extend(nameless.then_some("name` or `call_id"));
            match names.as_slice() {
                [] if !missing.is_empty() => say(FOREIGN),
                names => lacks(names),
            }
        }
        Class::ItemDone => {
            let Some(raw) = look.event.field(Field::Item).filter(|raw| is_object(raw)) else {
                return say("The done item is missing");
            };
            let slot = look.slot()?;
            let conformed = conform(slot, raw, "completed");
            match conformed.field_names().as_slice() {
                [] if !conformed.parts.is_empty() => {
                    let mut names = conformed.lacking;
                    names.dedup();
                    Some(format!("A part of the item lacks `{}`", names.join("`, `")).into())
                }
                [] if !conformed.foreign.is_empty() => say(FOREIGN),
                names => lacks(names),
            }
        }
        _ => None,
    }
}

const FOREIGN: &str = "The item has fields of another type's";

fn lacks(names: &[&str]) -> Said {
    if names.is_empty() {
        None
    } else {
        Some(format!("The item lacks `{}`", names.join("`, `")).into())
    }
}

/// openai-python needs the type at once, a message's `content` when a part comes, a call's `arguments` when a delta
/// does, and its `call_id` when it is done with one. That is judged where the item is added, since it can be mended nowhere else.
fn sdk(look: &Look<'_>) -> Said {
    if look.kind == EventKind::FunctionCallArgumentsDelta {
        let at = look.at_index()?;
        let call = look.model.slots.list[at].kind == ItemType::FunctionCall;
        return if call {
            None
        } else {
            say("A delta of arguments comes for an item that is no function call")
        };
    }
    if look.kind != EventKind::OutputItemAdded {
        return None;
    }
    let raw = look.event.field(Field::Item).filter(|raw| *raw != "null")?;
    if !is_object(raw) || !look.nested.get("type").is_some_and(is_string) {
        return say("The added item has no type");
    }
    let slot = Slot::from_item(raw, 0, None);
    match slot.kind {
        ItemType::Message if slot.lacks_body => say("The added message has no `content` array"),
        ItemType::FunctionCall if slot.lacks_body => say("The added call has no `arguments`"),
        ItemType::FunctionCall | ItemType::CustomToolCall if slot.call_id.is_none() => {
            say("The added call has no `call_id`")
        }
        _ => None,
    }
}

/// A call that cannot be given on: nobody could run it, or join its output to it.
fn is_nameless(raw: &str) -> bool {
    let item = Object::parse(raw).unwrap_or_default();
    let kind = ItemType::from_name(&item.string("type").unwrap_or_default());
    kind.is_call() && (item.filled("name").is_none() || item.filled("call_id").is_none())
}

/// What an item needs when it is added.
fn added_edits(raw: &str) -> Vec<Edit> {
    let slot = Slot::from_item(raw, 0, None);
    let blank = Slot {
        id: None,
        content: Vec::new(),
        summary: Vec::new(),
        ..slot
    };
    let found = conform(&blank, raw, "in_progress");
    found.fields.into_iter().chain(found.foreign).collect()
}

fn mend(mend: &mut Mend<'_>) {
    if mend.kind.class() == Class::ItemDone {
        return mend.mend_item_done();
    }
    let raw = mend
        .event
        .field(Field::Item)
        .filter(|raw| is_object(raw))
        .map(str::to_owned);
    let Some(raw) =
        raw.filter(|raw| Object::parse(raw).is_some_and(|item| item.filled("type").is_some()))
    else {
        return mend.drop_event();
    };
    let item = Object::parse(&raw).unwrap_or_default();
    if is_nameless(&raw) {
        let kind = ItemType::from_name(&item.string("type").unwrap_or_default());
        let at = mend.open_unknown(kind);
        let seed = payload_text(item.get(kind.payload_field())).unwrap_or_default();
        mend.model.slots.list[at].payload_seed = seed.into_owned();
        mend.model
            .slots
            .alias(at, None, item.string("id").as_deref());
        return mend.drop_event();
    }
    mend.draft.edit_nested(added_edits(&raw));
}

/// A part without its type, text or annotations.
pub(super) static PART_FIELDS_MISSING: Rule = Rule {
    code: Code("part-fields-missing"),
    sdk: Grade::Violation,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "A part has its type, its text and, for output text, `annotations`.",
    mends: "The fields are filled; a part of a type that is not known stays in its item and is not streamed.",
    advice: "Send parts whole: `{\"type\":\"output_text\",\"text\":\"\",\"annotations\":[]}` when one is added, the same with its text when it is done.",
    evidence: "DEVIATIONS 3.2; CLIENTS.md, part_null; PROTOCOL.md, annotations",
    fixture: "part-fields-missing",
    on: &[Class::PartAdded, Class::PartDone],
    inspect: |look| {
        let part = look.event.field(Field::Part);
        if look.is_sdk() {
            let judged = look.kind == EventKind::ContentPartAdded
                && look
                    .slot()
                    .is_some_and(|slot| slot.kind == ItemType::Message);
            let name = look.nested.filled("type");
            let texted = name.as_deref().is_some_and(|name| name != "output_text")
                || name.is_some() && look.nested.get("text").is_some_and(is_string);
            return match part.is_some_and(is_object) {
                false if judged => say("The added part is missing"),
                true if judged && !texted => say("The added part has no type, or no text"),
                _ => None,
            };
        }
        let Some(raw) = part.filter(|raw| is_object(raw)) else {
            return say("The part is missing");
        };
        if is_alien(raw, look.kind) {
            let known = look.nested.string("type");
            let known = known.is_some_and(|name| TextKind::of_part(&name).is_some());
            return if known || look.class == Class::PartAdded {
                say("The part's type is none that such an event has")
            } else {
                None
            };
        }
        let kind = look.text_kind()?;
        let missing = conform_part(raw, kind);
        let names: Vec<&str> = missing.iter().filter_map(Edit::key).collect();
        if names.is_empty() {
            None
        } else {
            Some(format!("The part lacks `{}`", names.join("`, `")).into())
        }
    },
    mend: |mend| {
        if let Some(raw) = mend.event.field(Field::Part)
            && is_alien(raw, mend.kind)
        {
            return mend.drop_event();
        }
        let Some(kind) = mend.text_kind() else {
            return;
        };
        let part = mend.event.field(Field::Part).filter(|raw| is_object(raw));
        let added = mend.kind.class() == Class::PartAdded;
        // The end of a part that nothing is known of says nothing. A message has parts of two kinds: which of them begins,
        // its first delta tells.
        if part.is_none()
            && if added {
                is_of_message(mend)
            } else {
                mend.part.is_none()
            }
        {
            return mend.drop_event();
        }
        let raw = part.unwrap_or("{}").to_owned();
        mend.draft
            .set("part", edit(&raw, &conform_part(&raw, kind)));
    },
};

fn is_of_message(mend: &Mend<'_>) -> bool {
    let kind = mend.slot.map(|at| mend.slot_ref(at).kind);
    mend.kind == EventKind::ContentPartAdded && kind.is_none_or(|kind| kind == ItemType::Message)
}
