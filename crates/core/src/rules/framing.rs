//! Framing: one line ending, no byte order mark, a blank line behind every event.

use crate::event::{Class, Payload};
use crate::mend::Mend;
use crate::model::Look;
use crate::sse::Oddities;
use crate::violation::Code;

use super::{ALL, Grade, OBJECTS, Rule, Said, join, say};

fn odd(look: &Look<'_>, oddity: Oddities, sentence: &'static str) -> Said {
    if look.event.frame().oddities().contains(oddity) {
        say(sentence)
    } else {
        None
    }
}

fn reframe(mend: &mut Mend<'_>) {
    let frame = mend.event.frame();
    if frame.is_comment() && !frame.raw().contains(&b':') {
        // Blank lines that belong to no event say nothing.
        return mend.drop_event();
    }
    mend.draft.reframe = true;
}

fn bom(look: &Look<'_>) -> Said {
    // openai-python loses the line behind it, which matters where that is the data.
    if look.is_sdk()
        && (look.event.payload() == Payload::Comment || look.event.frame().event_name().is_some())
    {
        return None;
    }
    odd(
        look,
        Oddities::BOM,
        "The body begins with a byte order mark",
    )
}

/// `codex exec` panics on a byte order mark.
pub(super) static BOM: Rule = Rule {
    code: Code("bom"),
    sdk: Grade::Violation,
    portable: Grade::Violation,
    open: Grade::Info,
    demands: "The body does not begin with a byte order mark.",
    mends: "The frame is written anew without it.",
    advice: "Begin the body with its first field. No byte order mark belongs in front of an event stream.",
    evidence: "DEVIATIONS 6.14; Codex 0.169 panics in eventsource-stream: \"start byte index 1 is not a char boundary\" (CLIENTS.md)",
    fixture: "bom",
    on: ALL,
    inspect: bom,
    mend: reframe,
};

/// Lone CR ends lines in WHATWG's grammar, and hardly a client reads it.
pub(super) static BARE_CR: Rule = Rule {
    code: Code("bare-cr"),
    sdk: Grade::Info,
    portable: Grade::Violation,
    open: Grade::Info,
    demands: "Lines do not end with a lone CR.",
    mends: "The frame is written anew with LF.",
    advice: "End lines with LF (`\\n`).",
    evidence: "DEVIATIONS 6.14; caidaoli/ccLoad#81; Codex 0.169 does not parse it (CLIENTS.md)",
    fixture: "bare-cr",
    on: ALL,
    inspect: |look| odd(look, Oddities::BARE_CR, "Lines end with CR alone"),
    mend: reframe,
};

/// CR LF is legal; naive readers split at LF and keep the CR.
pub(super) static CRLF: Rule = Rule {
    code: Code("crlf"),
    sdk: Grade::Info,
    portable: Grade::Violation,
    open: Grade::Info,
    demands: "Lines end with LF.",
    mends: "The frame is written anew with LF.",
    advice: "End lines with LF (`\\n`). CR LF is legal, but readers that split at LF keep the CR in the value.",
    evidence: "DEVIATIONS 6.14; PROTOCOL.md, framing; caidaoli/ccLoad#81",
    fixture: "crlf",
    on: ALL,
    inspect: |look| odd(look, Oddities::CRLF, "Lines end with CR LF"),
    mend: reframe,
};

/// A single newline between events makes one event of them all.
pub(super) static BLANK_LINE_MISSING: Rule = Rule {
    code: Code("blank-line-missing"),
    sdk: Grade::Violation,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "Every event ends with a blank line.",
    mends: "The event is framed anew.",
    advice: "End each event with an empty line, and write the event and its empty line in one go.",
    evidence: "DEVIATIONS 6.14; songquanpeng/one-api#277, looplj/axonhub#2243",
    fixture: "blank-line-missing",
    on: ALL,
    inspect: |look| {
        odd(
            look,
            Oddities::BLANK_LINE_MISSING,
            "No blank line stands between this event and the next",
        )
    },
    mend: reframe,
};

/// The last event without its blank line: WHATWG says not to dispatch it, and clients lose it silently.
pub(crate) static FINAL_BLANK_LINE_MISSING: Rule = Rule {
    code: Code("final-blank-line-missing"),
    sdk: Grade::Info,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "The last event ends with a blank line too.",
    mends: "The event is read if it is whole and of a known type, and framed anew.",
    advice: "Write the empty line behind the last event too, before the body ends: `data: {…}\\n\\n`.",
    evidence: "DEVIATIONS 4.8; openai/openai-node#2725, earendil-works/pi#9047",
    fixture: "final-blank-line-missing",
    on: &join::<14>(OBJECTS, &[Class::Sentinel]),
    inspect: |look| {
        if look.event.payload() == Payload::Comment {
            return None;
        }
        odd(
            look,
            Oddities::UNTERMINATED,
            "The body ends without a blank line behind its last event",
        )
    },
    mend: reframe,
};
