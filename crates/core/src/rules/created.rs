//! The archetype: the first event of a stream is `response.created`.
//!
//! Hermes issue #8133: a relay starts with `response.in_progress`. The strict client dies with a sentence, which is said
//! here in the same words so that a search finds it.

use crate::event::{Class, EventKind, Field};
use crate::model::Look;
use crate::violation::Code;

use super::{Grade, OBJECTS, Rule, Said};

fn expected(look: &Look<'_>) -> Said {
    Some(
        format!(
            "Expected to have received `response.created` before `{}`",
            look.event.type_name()
        )
        .into(),
    )
}

/// The first event is another event of the protocol.
pub(super) static CREATED_MISSING: Rule = Rule {
    code: Code("created-missing"),
    sdk: Grade::Violation,
    portable: Grade::Violation,
    open: Grade::Info,
    demands: "The first event is `response.created`.",
    mends: "`response.created` is put in front, made from the first `response` object, else from what is known of the request.",
    advice: "Send `response.created` first, with the same `response` object that `response.in_progress` carries.",
    evidence: "DEVIATIONS 1.3, 1.5; NousResearch/hermes-agent#8133, #8134, BerriAI/litellm#22102; openai-python: \"Expected to have received `response.created` before `response.in_progress`\"",
    fixture: "no-created",
    on: OBJECTS,
    inspect: |look| {
        if look.model.created || look.kind == EventKind::Created {
            return None;
        }
        // Where it is only said, that is once.
        if look.is_open() && look.model.numbers.begun() {
            return None;
        }
        // A first event that is the upstream's verdict is an ending (PROTOCOL.md, profiles).
        if look.is_sdk()
            && (look.class == Class::Error
                || look.kind == EventKind::Failed
                || look.model.error.is_some())
        {
            return None;
        }
        expected(look)
    },
    mend: |mend| {
        let response = mend
            .event
            .field(Field::Response)
            .filter(|raw| raw.starts_with('{'));
        mend.ensure_created(response.map(str::to_owned).as_deref());
    },
};

/// A vendor event comes before `response.created`.
pub(super) static CREATED_NOT_FIRST: Rule = Rule {
    code: Code("created-not-first"),
    sdk: Grade::Violation,
    portable: Grade::Violation,
    open: Grade::Info,
    demands: "No event, vendor events included, comes before `response.created`.",
    mends: "The vendor event is dropped.",
    advice: "Send vendor events behind `response.created`, or say the same in a response header.",
    evidence: "DEVIATIONS 1.4; NousResearch/hermes-agent#14634 (`codex.rate_limits`), #32592",
    fixture: "rate-limits-first",
    on: &[Class::Unknown],
    inspect: |look| {
        if look.model.created {
            None
        } else {
            expected(look)
        }
    },
    mend: |mend| mend.drop_event(),
};
