//! Text belongs to a part that was added, by its index.

use crate::event::{Class, EventKind, Field};
use crate::json::{Object, is_object};
use crate::mend::Mend;
use crate::model::Look;
use crate::slots::{ItemType, TextKind};
use crate::violation::Code;

use super::{Grade, Rule, Said, say};

/// No `content_index`, or no `summary_index`.
pub(super) static CONTENT_INDEX_MISSING: Rule = Rule {
    code: Code("content-index-missing"),
    sdk: Grade::Violation,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "Every event of a part carries its `content_index`, or `summary_index`; parts are counted from 0.",
    mends: "The index is assigned: that of the open part, else the next.",
    advice: "Count an item's parts from 0, and send that number as `content_index` (for a reasoning summary `summary_index`) with each of their events.",
    evidence: "DEVIATIONS 2.7, 2.8; anomalyco/opencode#28447 (\"reasoning part …:undefined not found\"), Oaklight/llm-rosetta#56",
    fixture: "content-index-missing",
    on: &[
        Class::PartAdded,
        Class::TextDelta,
        Class::TextDone,
        Class::PartDone,
        Class::ItemStatus,
    ],
    inspect: index,
    mend: ensure,
};

fn index(look: &Look<'_>) -> Said {
    let text = look.text_kind()?;
    let field = text.index_field();
    let given = look.event.integer(field);
    if look.is_sdk() {
        let needed = is_output_text(look.kind) && given.is_none();
        return needed.then(|| format!("The event has no `{}`", field.name()).into());
    }
    let Some(given) = given else {
        return Some(format!("The event has no `{}`", field.name()).into());
    };
    let slot = look.slot()?;
    let own = match (look.class, look.part) {
        (Class::PartAdded, Some(_)) => return None,
        (Class::PartAdded, None) => slot.parts(text).len() as u64,
        (_, part) => slot.parts(text)[part?].index,
    };
    (own != given).then(|| {
        format!(
            "The part stands at `{}` {own}, the event says {given}",
            field.name()
        )
        .into()
    })
}

fn is_output_text(kind: EventKind) -> bool {
    matches!(kind, EventKind::OutputTextDelta | EventKind::OutputTextDone)
}

/// Text for a part that was never added.
pub(super) static PART_NOT_ADDED: Rule = Rule {
    code: Code("part-not-added"),
    sdk: Grade::Violation,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "Text comes for a part that was added, once, in an item of the right type.",
    mends: "The part is inserted; a part added twice is dropped.",
    advice: "Send `response.content_part.added` (for a reasoning summary `response.reasoning_summary_part.added`) before the first delta of its text, once.",
    evidence: "DEVIATIONS 3.1, 3.7; Wei-Shaw/sub2api#2875, Oaklight/llm-rosetta#56",
    fixture: "part-not-added",
    on: &[
        Class::PartAdded,
        Class::TextDelta,
        Class::TextDone,
        Class::PartDone,
        Class::ItemStatus,
    ],
    inspect,
    mend: ensure,
};

fn inspect(look: &Look<'_>) -> Said {
    let text = look.text_kind()?;
    if look.is_sdk() {
        let at = look.at_index().filter(|_| is_output_text(look.kind))?;
        let slot = &look.model.slots.list[at];
        if slot.kind != ItemType::Message {
            return say("Output text comes for an item that is no message");
        }
        // openai-python finds parts by their position.
        let position = usize::try_from(look.event.integer(Field::ContentIndex)?).ok();
        let part = position.and_then(|position| slot.content.get(position));
        let fits = part.is_some_and(|part| part.kind == Some(TextKind::Output) && !part.untyped);
        return if fits {
            None
        } else {
            say("Output text comes for a part that was not added")
        };
    }
    let slot = look.slot()?;
    match look.class {
        Class::PartAdded => look.part.map(|_| "The part was already added".into()),
        class => {
            let known = look.part.map(|part| &slot.parts(text)[part]);
            if class == Class::TextDelta && known.is_some_and(|part| part.again && !part.text_done)
            {
                return say("Text comes for a part that was added again");
            }
            let part = known.map(|part| part.kind);
            let fits = match part {
                Some(None) => class == Class::PartDone,
                Some(kind) => kind == Some(text),
                None => false,
            };
            if fits {
                None
            } else {
                say("Text comes for a part that was not added")
            }
        }
    }
}

fn ensure(mend: &mut Mend<'_>) {
    let Some(at) = mend.slot else { return };
    let Some(text) = mend.text_kind() else {
        return;
    };
    let index = mend.event.integer(text.index_field());
    if mend.kind.class() == Class::PartAdded {
        if let Some(part) = mend.part {
            // The part that was made for its first text is this one, come late.
            let known = &mut mend.model.slots.list[at].parts_mut(text)[part];
            known.again = !known.made_up && !known.text.is_empty();
            known.made_up = false;
            return mend.drop_event();
        }
        let next = mend.slot_ref(at).parts(text).len().to_string();
        return mend.draft.set(text.index_field().name(), next);
    }
    let fits = |part: &usize| {
        mend.slot_ref(at)
            .parts(text)
            .get(*part)
            .is_some_and(|part| part.kind == Some(text))
    };
    let again = |part: &usize| {
        mend.kind.class() == Class::TextDelta && mend.slot_ref(at).parts(text)[*part].again
    };
    let known = mend
        .part
        .filter(|_| mend.kind.class() == Class::PartDone)
        .or(mend.part.filter(fits).filter(|part| !again(part)));
    if let Some(part) = mend.part.filter(fits).filter(again) {
        mend.model.slots.list[at].parts_mut(text)[part].again = false;
    }
    let raw = mend.event.field(Field::Part).filter(|raw| is_object(raw));
    if known.is_none() && raw.is_some_and(|raw| is_alien(raw, mend.kind)) {
        return mend.drop_event();
    }
    if known.is_none() && mend.kind.class() == Class::TextDelta && mend.was_sent() {
        return;
    }
    let part = known.unwrap_or_else(|| mend.open_part(at, text, index, None));
    mend.part = Some(part);
    mend.readdress();
}

/// A part that says its type, and not one that such an event has.
pub(super) fn is_alien(raw: &str, kind: EventKind) -> bool {
    let part = Object::parse(raw).unwrap_or_default();
    let of_summary = TextKind::of(kind) == Some(TextKind::Summary);
    part.filled("type").is_some_and(|name| {
        TextKind::of_part(&name).is_none_or(|own| (own == TextKind::Summary) != of_summary)
    })
}
