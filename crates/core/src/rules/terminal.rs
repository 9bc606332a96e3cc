//! The terminal event: its name, its status, its output.

use crate::event::{Class, EventKind, Field};
use crate::json::{Object, elements, is_array, quote};
use crate::mend::{concord, failed_output};
use crate::model::Look;
use crate::violation::Code;

use super::response::status_of;
use super::{Grade, Rule, Said, say};

const TERMINAL: &[Class] = &[Class::Terminal];

/// `response.done` and `response.cancelled` are no events of the protocol.
pub(super) static TERMINAL_ALIAS: Rule = Rule {
    code: Code("terminal-alias"),
    sdk: Grade::Info,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "The terminal event is `response.completed`, `response.incomplete` or `response.failed`.",
    mends: "`response.done` becomes what its `status` says; without a known one the response fails. `response.cancelled` becomes `response.failed`.",
    advice: "End with the event that `response.status` names, `response.completed`, `response.incomplete` or `response.failed`, instead of `response.done`.",
    evidence: "DEVIATIONS 4.7; can1357/oh-my-pi#4692, decolua/9router#2142",
    fixture: "response-done",
    on: TERMINAL,
    inspect: |look| {
        if look.event.kind() != EventKind::ResponseDone {
            return None;
        }
        let name = look.event.type_name();
        Some(format!("`{name}` stands for `{}`", name_of(look)).into())
    },
    mend: |mend| {
        if mend.kind == EventKind::ResponseDone {
            mend.fail(
                "upstream_status_unknown",
                "`response.done` came without a status that says how it ended",
            );
        } else {
            mend.draft.set("type", quote(mend.kind.name()));
        }
    },
};

fn name_of(look: &Look<'_>) -> &'static str {
    if look.kind == EventKind::ResponseDone {
        "an unknown status"
    } else {
        look.kind.name()
    }
}

/// The event's name and the response's status disagree.
pub(super) static STATUS_MISMATCH: Rule = Rule {
    code: Code("terminal-status-mismatch"),
    sdk: Grade::No,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "The terminal event's name and `response.status` agree.",
    mends: "The name wins, unless the status says that the response failed or is incomplete.",
    advice: "Let one value decide both the terminal event's name and `response.status`. An answer that a token limit cut off is `response.incomplete`, with `incomplete_details.reason`.",
    evidence: "DEVIATIONS 4.6; jundot/omlx#2817, Portkey-AI/gateway#1797",
    fixture: "terminal-status-mismatch",
    on: TERMINAL,
    inspect: |look| {
        let status = look.nested.filled("status")?;
        if *status == *status_of(look.kind) {
            return None;
        }
        Some(
            format!(
                "`{}` carries a response whose status is `{status}`",
                look.kind.name()
            )
            .into(),
        )
    },
    mend: |mend| {
        let response = mend
            .event
            .field(Field::Response)
            .and_then(crate::json::Object::parse)
            .unwrap_or_default();
        let kind = match response.string("status").as_deref() {
            Some("failed" | "cancelled") => EventKind::Failed,
            Some("incomplete") => EventKind::Incomplete,
            _ => mend.kind,
        };
        if kind == mend.kind {
            mend.draft.set_nested("status", quote(status_of(kind)));
        } else {
            mend.kind = kind;
            mend.draft.set("type", quote(kind.name()));
        }
    },
};

/// An item that was cut off ends a response that says it is complete.
pub(super) static ITEM_INCOMPLETE: Rule = Rule {
    code: Code("item-incomplete-not-last"),
    sdk: Grade::No,
    portable: Grade::Info,
    open: Grade::Violation,
    demands: "An item that ends `incomplete` is the last, and its response is incomplete too.",
    mends: "The terminal event becomes `response.incomplete`; under `portable` it is only said.",
    advice: "End the response with `response.incomplete` and its reason when the model was cut off in an item, and send nothing behind that item.",
    evidence: "The specification, items are state machines; PROTOCOL.md",
    fixture: "item-incomplete",
    on: TERMINAL,
    inspect: |look| {
        if look.kind != EventKind::Completed {
            return None;
        }
        let done = look
            .model
            .slots
            .list
            .iter()
            .filter_map(|slot| slot.done.as_deref());
        let listed = look.outputs().unwrap_or_default();
        let cut = done.chain(listed).find(|raw| {
            Object::parse(raw)
                .and_then(|item| item.filled("status"))
                .is_some_and(|status| status == "incomplete")
        })?;
        let item = Object::parse(cut)?;
        let id = item.filled("id").unwrap_or_default();
        Some(format!("The item `{id}` is incomplete and its response is completed").into())
    },
    mend: |mend| {
        mend.kind = EventKind::Incomplete;
        mend.draft.set("type", quote(mend.kind.name()));
        mend.draft.set_nested("status", quote(status_of(mend.kind)));
    },
};

/// The terminal's `output` is empty, null, missing, or not what was streamed.
pub(super) static OUTPUT_MISSING: Rule = Rule {
    code: Code("terminal-output-missing"),
    sdk: Grade::No,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "The terminal's `output` holds the items that were streamed, in index order.",
    mends: "`output` is filled with the items that were done; an item that only `output` holds is streamed first.",
    advice: "Put every finished item into the terminal event's `response.output`, in index order, also with `store: false`.",
    evidence: "DEVIATIONS 2.9, 4.2, 4.3; openai/openai-python#3321 (\"'NoneType' object is not iterable\"), NousResearch/hermes-agent#32963",
    fixture: "output-empty",
    on: TERMINAL,
    inspect,
    mend: |mend| {
        if mend.kind == EventKind::Failed {
            mend.order_failed();
        } else {
            mend.conclude();
        }
    },
};

fn inspect(look: &Look<'_>) -> Said {
    if look.kind == EventKind::Failed {
        let outputs = look.nested.get("output").and_then(elements)?;
        failed_output(&look.model.slots, &outputs)?;
        return say("The items in the failed response's `output` are not as they were streamed");
    }
    if !matches!(look.kind, EventKind::Completed | EventKind::Incomplete) {
        return None;
    }
    let Some(outputs) = look
        .outputs()
        .filter(|_| look.nested.get("output").is_some_and(is_array))
    else {
        return say("The terminal event's `output` is missing");
    };
    let unfinished = look.kind == EventKind::Incomplete
        && look
            .model
            .slots
            .list
            .iter()
            .any(|slot| slot.is_open() && !slot.can_be_closed());
    if outputs.is_empty()
        && look
            .model
            .slots
            .list
            .iter()
            .any(|slot| !unfinished || !slot.is_open())
    {
        return say("The terminal event's `output` is empty, although items were streamed");
    }
    let found = concord(&look.model.slots, &outputs);
    if unfinished || found.agrees {
        return None;
    }
    if found.same {
        return say("An item in the terminal event's `output` lacks what it was streamed with");
    }
    say("The terminal event's `output` is not what was streamed")
}
