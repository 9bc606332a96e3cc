//! A call's arguments: they come as deltas, which are pieces of one JSON object.

use crate::event::{Class, Event, Field};
use crate::json::{is_string, is_whole_object};
use crate::mend::Mend;
use crate::slots::{ItemType, Lost, Slot, payload_text};
use crate::violation::Code;

use super::{Grade, Rule, say};

/// Ciphertext in place of arguments, as GitHub Copilot sends it. Whether that is what it is the call's done event tells,
/// so the reader looks ahead to it (ARCHITECTURE.md, what may wait): deltas that it confirms are the call's own bad JSON.
pub(crate) static OBFUSCATED: Rule = Rule {
    code: Code("arguments-obfuscated"),
    sdk: Grade::No,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "The deltas of a call's arguments are pieces of one JSON object, or at least of what its done event says.",
    mends: "Deltas are held back from the first one on that cannot be a piece of the arguments; what the done event says is sent as one delta. A call whose plain arguments never come makes the response fail.",
    advice: "Send arguments in plain text as they are generated; where they cannot be shown yet, send no delta and the whole arguments in `arguments.done`.",
    evidence: "DEVIATIONS 9.8 (GitHub Copilot); lidge-jun/opencodex#996",
    fixture: "arguments-obfuscated",
    on: &[Class::CallDelta],
    inspect: |look| {
        let slot = look.slot().filter(|slot| is_judged(slot))?;
        let raw = look
            .event
            .field(Field::Delta)
            .filter(|raw| is_string(raw))?;
        let hole = slot.lost == Some(Lost::Hole);
        if hole || slot.lost.is_none() && continues(slot, raw) {
            return None;
        }
        // Only where deltas cannot go on is it asked whether they repeat the text so far (DEVIATIONS 3.13).
        let repeats = !slot.payload.is_empty()
            && payload_text(Some(raw)).is_some_and(|delta| delta.starts_with(&slot.payload));
        if repeats && look.model.cumulative {
            None
        } else if repeats {
            say(REPEATS)
        } else {
            say("The delta is no piece of the call's arguments, which are a JSON object")
        }
    },
    mend: hold_back,
};

const REPEATS: &str = "The delta is no piece of the call's arguments: it repeats the text so far (`compat.cumulative_deltas` takes it so)";

fn is_judged(slot: &Slot) -> bool {
    slot.kind == ItemType::FunctionCall
        && slot.is_open()
        && !(slot.held || slot.payload_done || slot.confirmed || slot.partial)
}

/// The event's delta goes on with the arguments of the call that it belongs to.
pub(crate) fn continue_arguments(slot: &Slot, event: &Event) -> bool {
    !is_judged(slot)
        || event
            .field(Field::Delta)
            .is_some_and(|raw| continues(slot, raw))
}

fn continues(slot: &Slot, raw: &str) -> bool {
    let mut growing = slot.growing;
    if !slot.payload_seed.is_empty()
        && slot.continues_seed(&payload_text(Some(raw)).unwrap_or_default())
    {
        growing.push(&slot.payload_seed);
    }
    growing.push_quoted(raw)
}

fn hold_back(mend: &mut Mend<'_>) {
    if let Some(at) = mend.slot {
        mend.model.slots.list[at].lost = Some(Lost::Obscured);
    }
    mend.drop_event();
}

/// Arguments that nobody can read as an object: the model wrote them so, or they were cut.
pub(super) static NOT_JSON: Rule = Rule {
    code: Code("arguments-not-json"),
    sdk: Grade::Info,
    portable: Grade::Info,
    open: Grade::No,
    demands: "The arguments of a call that is done are a JSON object, or empty.",
    mends: "Nothing: what to answer the model is the agent's business.",
    advice: "Pass the model's arguments on as they are. Where they were cut, end the response as incomplete and not as completed.",
    evidence: "DEVIATIONS 9.4, 8.9; xuzhougeng/wisp-science#775, theopenco/llmgateway#2997",
    fixture: "arguments-not-json",
    on: &[Class::ItemDone],
    inspect: |look| {
        if look.nested.string("type")? != "function_call" {
            return None;
        }
        let arguments = payload_text(look.nested.get("arguments"))?;
        if arguments.trim().is_empty() || is_whole_object(&arguments) {
            None
        } else {
            say("The arguments of a call are no JSON object")
        }
    },
    mend: |_| {},
};
