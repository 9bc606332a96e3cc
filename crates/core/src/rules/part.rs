//! Text belongs to a part that was added, by its index.

use crate::event::{Class, EventKind, Field};
use crate::mend::Mend;
use crate::model::{Look, text_kind_of};
use crate::slots::{ItemType, TextKind};
use crate::violation::Code;

use super::{Grade, Rule, Said, say};

/// No `content_index`, or no `summary_index`.
pub(super) static CONTENT_INDEX_MISSING: Rule = Rule {
    code: Code("content-index-missing"),
    sdk: Grade::Violation,
    portable: Grade::Violation,
    demands: "Every event of a part carries `content_index`, or `summary_index`.",
    mends: "It is assigned: the open part, else the next.",
    evidence: "DEVIATIONS 2.7, 2.8; anomalyco/opencode#28447",
    fixture: "content-index-missing",
    on: &[
        Class::PartAdded,
        Class::TextDelta,
        Class::TextDone,
        Class::PartDone,
    ],
    inspect: |look| {
        let field = look.text_kind()?.index_field();
        if look.event.integer(field).is_some() || look.is_sdk() && !is_output_text(look.kind) {
            return None;
        }
        Some(format!("The event has no `{}`", field.name()).into())
    },
    mend: ensure,
};

fn is_output_text(kind: EventKind) -> bool {
    matches!(kind, EventKind::OutputTextDelta | EventKind::OutputTextDone)
}

/// Text for a part that was never added.
pub(super) static PART_NOT_ADDED: Rule = Rule {
    code: Code("part-not-added"),
    sdk: Grade::Violation,
    portable: Grade::Violation,
    demands: "Text comes for a part that was added, once, in an item of the right type.",
    mends: "The part is inserted; a part added twice is dropped.",
    evidence: "DEVIATIONS 3.7; Wei-Shaw/sub2api#2875",
    fixture: "part-not-added",
    on: &[
        Class::PartAdded,
        Class::TextDelta,
        Class::TextDone,
        Class::PartDone,
    ],
    inspect,
    mend: ensure,
};

fn inspect(look: &Look<'_>) -> Said {
    let text = look.text_kind()?;
    if look.is_sdk() {
        let at = look
            .model
            .slots
            .at_index(look.event.integer(Field::OutputIndex))
            .filter(|_| is_output_text(look.kind))?;
        let slot = &look.model.slots.list[at];
        if slot.kind != ItemType::Message {
            return say("Output text comes for an item that is no message");
        }
        // openai-python finds parts by their position.
        let position = usize::try_from(look.event.integer(Field::ContentIndex)?).ok();
        let part = position.and_then(|position| slot.content.get(position));
        let fits = part.is_some_and(|part| part.kind == Some(TextKind::Output));
        return if fits {
            None
        } else {
            say("Output text comes for a part that was not added")
        };
    }
    let slot = look.slot()?;
    match look.class {
        Class::PartAdded => {
            let index = look.event.integer(text.index_field())?;
            slot.part_at(text, index)?;
            Some(format!("Part {index} was already added").into())
        }
        _ => {
            let fits = look
                .part
                .is_some_and(|part| slot.parts(text)[part].kind == Some(text));
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
    let Some(text) = text_kind_of(mend.event, mend.kind) else {
        return;
    };
    let index = mend.event.integer(text.index_field());
    if mend.kind.class() == Class::PartAdded {
        let known = index.and_then(|index| mend.slot_ref(at).part_at(text, index));
        match index {
            // The part that was made for its first text is this one, come late.
            Some(_) if known.is_some() => mend.drop_event(),
            Some(_) => {}
            None => {
                let next = mend.slot_ref(at).parts(text).len().to_string();
                mend.draft.set(text.index_field().name(), next);
            }
        }
        return;
    }
    let known = mend.part.filter(|part| {
        mend.slot_ref(at)
            .parts(text)
            .get(*part)
            .is_some_and(|part| part.kind == Some(text))
    });
    let part = known.unwrap_or_else(|| {
        let free = index.filter(|index| mend.slot_ref(at).part_at(text, *index).is_none());
        mend.ensure_part(at, text, free, None)
    });
    mend.part = Some(part);
    mend.readdress();
}
