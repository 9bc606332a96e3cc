//! Blocks that are no event: what a reader that trusts every `data:` line falls over.

use crate::ending::ResponseError;
use crate::event::{Class, Payload};
use crate::json::Object;
use crate::model::Look;
use crate::sse::{Frame, Oddities};
use crate::violation::Code;

use super::{ALL, Grade, Rule, Said, say};

fn payload(look: &Look<'_>, payload: Payload, sentence: &'static str) -> Said {
    if look.event.payload() == payload {
        say(sentence)
    } else {
        None
    }
}

const JUNK: &[Class] = &[Class::Junk];

/// Bytes that are no UTF-8. The event is read with U+FFFD in their place, so that the rest of it is not lost.
pub(crate) static INVALID_UTF8: Rule = Rule {
    code: Code("invalid-utf8"),
    sdk: Grade::Violation,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "Events are UTF-8.",
    mends: "The bytes become U+FFFD; if no event is left, it is dropped.",
    advice: "Pass bytes on, or decode whole lines. A chunk from the network may end in the middle of a character.",
    evidence: "DEVIATIONS 6.6; WHATWG HTML 9.2.6; farion1231/cc-switch#1923, musistudio/claude-code-router#1672",
    fixture: "invalid-utf8",
    on: ALL,
    inspect: |look| {
        let odd = look
            .event
            .frame()
            .oddities()
            .contains(Oddities::INVALID_UTF8);
        if odd {
            say("The event holds bytes that are no UTF-8")
        } else {
            None
        }
    },
    mend: |mend| mend.drop_event(),
};

/// A block with fields but no data.
pub(super) static DATA_EMPTY: Rule = Rule {
    code: Code("data-empty"),
    sdk: Grade::Violation,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "A block with `event:`, `id:` or `retry:` has data.",
    mends: "The block is dropped.",
    advice: "Keep the connection alive with a comment (`: ping`), not with a block that has only `event:`, `id:` or `retry:`; and set no `id:` in the stream, since a comment behind one makes openai-python read an empty event.",
    evidence: "DEVIATIONS 6.11, 6.13; openai/openai-python#2722, diegosouzapw/OmniRoute#1146",
    fixture: "data-empty",
    on: JUNK,
    inspect: |look| {
        let frame = look.event.frame();
        // openai-python passes over a block in which it knows no field.
        let known = frame.has_data()
            || frame.event_name().is_some()
            || frame.id().is_some()
            || frame.oddities().contains(Oddities::RETRY)
            || look.model.id_line;
        if look.is_sdk() && !known {
            return None;
        }
        payload(look, Payload::Empty, "A block has no data")
    },
    mend: |mend| mend.drop_event(),
};

/// `data: null`.
pub(super) static DATA_NULL: Rule = Rule {
    code: Code("data-null"),
    sdk: Grade::Violation,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "An event's data is not `null`.",
    mends: "The block is dropped.",
    advice: "Send nothing where there is no event, instead of `data: null`.",
    evidence: "DEVIATIONS 6.15; CLIENTS.md, data_null_frame",
    fixture: "data-null",
    on: JUNK,
    inspect: |look| payload(look, Payload::Null, "An event's data is `null`"),
    mend: |mend| mend.drop_event(),
};

/// JSON that is no object.
pub(super) static DATA_NOT_OBJECT: Rule = Rule {
    code: Code("data-not-object"),
    sdk: Grade::Violation,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "An event's data is a JSON object.",
    mends: "The block is dropped.",
    advice: "Send one JSON object as the data of each event. Markers and signs of life belong in comments (`: ping`).",
    evidence: "DEVIATIONS 6.15; lidge-jun/opencodex#1006 (a body of `null`)",
    fixture: "data-not-object",
    on: JUNK,
    inspect: |look| {
        payload(
            look,
            Payload::NotObject,
            "An event's data is JSON, but no object",
        )
    },
    mend: |mend| mend.drop_event(),
};

/// An error as a JSON body of its own, behind events.
pub(crate) static DATA_LINE_MISSING: Rule = Rule {
    code: Code("data-line-missing"),
    sdk: Grade::Info,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "What is said in a stream stands behind `data:`, an error too.",
    mends: "The error is read, and is the stream's: an `error` event.",
    advice: "Once events were sent, send an error as an event (`event: error`, `data: {…}`), and not as the JSON body of an HTTP error: readers of event streams pass over lines without a field's name.",
    evidence: "DEVIATIONS 5.2, 6.15; WHATWG HTML 9.2.6 (a line whose field is not known is ignored)",
    fixture: "data-line-missing",
    on: &[Class::Comment, Class::Junk],
    inspect: |look| {
        bare_error(look.event.frame())?;
        say("An error comes without `data:`")
    },
    mend: |mend| mend.drop_event(),
};

/// The error that the frame's lines make, none of which is one of an event stream.
pub(crate) fn bare_error(frame: &Frame) -> Option<&str> {
    if frame.has_data() || !frame.oddities().contains(Oddities::UNKNOWN_FIELD) {
        return None;
    }
    let text = std::str::from_utf8(frame.raw()).ok()?.trim();
    let body = Object::parse(text).filter(|_| text.starts_with('{'))?;
    let told = body.present("error").is_some() || body.string("type").as_deref() == Some("error");
    (told && ResponseError::from_json(text).is_some()).then_some(text)
}

/// Junk between good frames.
pub(crate) static DATA_NOT_JSON: Rule = Rule {
    code: Code("data-not-json"),
    sdk: Grade::Violation,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "An event's data is JSON.",
    mends: "The block is dropped. Where only the line breaks in its JSON were written as they are, the event is read; the plain words of an `event: error` are the error's message.",
    advice: "Serialise each event whole, with its newlines escaped, behind one `data:`. What cannot be serialised belongs in your log, metadata in a comment.",
    evidence: "DEVIATIONS 6.10, 6.15; justlovemaki/AIClient2API#695 (`data: : OPENROUTER PROCESSING`)",
    fixture: "data-not-json",
    on: JUNK,
    inspect: |look| payload(look, Payload::NotJson, "An event's data is not JSON"),
    mend: |mend| mend.drop_event(),
};
