//! An event's name: `type` in its data, and the same in its `event:` line.

use crate::event::{Class, Field, Payload};
use crate::json::{is_string, quote};
use crate::violation::Code;

use super::{ALL, Grade, NAMED, OBJECTS, Rule, say};

/// The data has no `type`: the `event:` line names it.
pub(super) static TYPE_MISSING: Rule = Rule {
    code: Code("type-missing"),
    sdk: Grade::Violation,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "Every event's data has a `type`.",
    mends: "`type` is taken from the `event:` line; an event without either is dropped.",
    advice: "Put the event's name into its data as `type`; the `event:` line alone is not read by most clients.",
    evidence: "DEVIATIONS 3.3; 7836246/cursor2api#116",
    fixture: "type-missing",
    on: ALL,
    inspect: |look| {
        let missing = look.event.payload() == Payload::Object
            && !look.event.field(Field::Type).is_some_and(is_string);
        // openai-python needs it on the first event only.
        if !missing || look.is_sdk() && look.model.created {
            return None;
        }
        say("The event's data has no `type`")
    },
    mend: |mend| {
        if mend.kind.class() == Class::Unknown {
            mend.drop_event();
        } else {
            mend.draft
                .set("type", quote(mend.kind.name_under(mend.profile)));
        }
    },
};

/// An older name for an event of the protocol, or the name of another call's.
pub(crate) static EVENT_ALIAS: Rule = Rule {
    code: Code("event-alias"),
    sdk: Grade::Info,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "Events have the names that the protocol gives them.",
    mends: "The event gets its name.",
    advice: "Use the protocol's name: `response.reasoning_text.delta` and `.done`, not `response.reasoning.delta` and `.done`; for a custom call `response.custom_tool_call_input.delta` and `.done`, with its `input`.",
    evidence: "`response.reasoning.delta` in the Open Responses schema; openai-node throws on it",
    fixture: "event-alias",
    on: OBJECTS,
    inspect: |look| {
        let other = look.model.slots.names_other_call(look.event);
        if let Some(slot) = other.filter(|_| !look.is_sdk()) {
            let name = look.event.type_name();
            return Some(format!("`{name}` comes for a `{}`", slot.type_name).into());
        }
        let known = if look.is_open() {
            // `response.done` is the matter of `terminal-alias`, a truthy `error` anywhere that of `error-shape`.
            look.event.is_quoted(Field::Type, look.wire_name())
                || matches!(look.class, Class::Terminal | Class::Error)
                || look.event.field(Field::Type).is_none()
        } else {
            look.event.kind() == look.kind
                || !matches!(look.class, Class::TextDelta | Class::TextDone)
                || look.event.field(Field::Type).is_none()
        };
        if known {
            None
        } else {
            Some(format!("`{}` is `{}`", look.event.type_name(), look.wire_name()).into())
        }
    },
    mend: |mend| {
        mend.draft
            .set("type", quote(mend.kind.name_under(mend.profile)));
    },
};

/// `event:` and `type` say the same.
pub(super) static EVENT_NAME_MISMATCH: Rule = Rule {
    code: Code("event-name-mismatch"),
    sdk: Grade::No,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "`event:` equals `type`.",
    mends: "The `event:` line is written anew.",
    advice: "Write `event: NAME` before `data:`, with the name that `type` has.",
    evidence: "The specification's MUST; LiteLLM and llm-mock-api send no `event:` (PROTOCOL.md)",
    fixture: "event-name-mismatch",
    on: NAMED,
    inspect: |look| {
        let own = look.event.type_name();
        let wanted = match look.class {
            // Dropped, unless it is a vendor's.
            Class::Unknown if !look.is_open() => return None,
            Class::Unknown => own.as_ref(),
            _ => look.wire_name(),
        };
        match look.event.frame().event_name() {
            Some(name) if name == wanted => None,
            Some(name) => Some(format!("`event: {name}` names an event of type `{wanted}`").into()),
            None => say("The event has no `event:` line"),
        }
    },
    mend: |mend| mend.draft.reframe = true,
};
