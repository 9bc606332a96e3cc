//! Annotations: each is there, and has its place among those of its part.

use crate::event::{Class, EventKind, Field};
use crate::json::{Object, integer, is_object};
use crate::mend::Mend;
use crate::model::Look;
use crate::slots::TextKind;
use crate::violation::Code;

use super::{Grade, Rule, Said, say};

/// An annotation's event without its annotation, or without its index.
pub(super) static ANNOTATION_FIELDS_MISSING: Rule = Rule {
    code: Code("annotation-fields-missing"),
    sdk: Grade::No,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "`response.output_text.annotation.added` carries its `annotation`, and its `annotation_index`, counted from 0 in each part.",
    mends: "The index is assigned: the next of its part. An event without an annotation is dropped.",
    advice: "Count the annotations of a part from 0, and send that number as `annotation_index` with each of their events.",
    evidence: "PROTOCOL.md, annotations; openai-python, openai-node and async-openai have the field as required",
    fixture: "annotation-fields-missing",
    on: &[Class::ItemStatus],
    inspect,
    mend,
};

fn inspect(look: &Look<'_>) -> Said {
    if look.kind != EventKind::OutputTextAnnotationAdded {
        return None;
    }
    if !look.event.field(Field::Annotation).is_some_and(is_object) {
        return say("The event has no annotation");
    }
    if index(look.event.data()).is_none() {
        return say("The event has no `annotation_index`");
    }
    None
}

fn index(data: &str) -> Option<u64> {
    let event = Object::parse(data)?;
    integer(event.get("annotation_index")?.as_bytes())
}

fn mend(mend: &mut Mend<'_>) {
    if !mend.event.field(Field::Annotation).is_some_and(is_object) {
        return mend.drop_event();
    }
    let part = mend.slot.zip(mend.part);
    let known = part.and_then(|(at, part)| mend.slot_ref(at).parts(TextKind::Output).get(part));
    let next = known.map_or(0, |part| part.annotations.len());
    mend.draft.set("annotation_index", next.to_string());
}
