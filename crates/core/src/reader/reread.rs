//! Frames that say more than they look like: with bytes that are no UTF-8, or with JSON whose line breaks were written
//! as they are (DEVIATIONS 6.14), or with an error in plain words. They are read again in the form that was meant.

use crate::event::{Class, Event, Field, Payload};
use crate::json::{self, Edit, edit};
use crate::model::effective_kind;
use crate::rules::{self, Finding};
use crate::sse::{Frame, Oddities};

/// What reading a frame again gives.
pub(super) enum Reread {
    /// There was nothing to read again.
    Same,
    /// Nothing is left of it.
    Nothing,
    /// The event that was meant.
    Event(Box<Event>),
}

/// Reads the event's frame again where `findings` say that it was not what it was meant to be.
pub(super) fn read_again(event: &Event, findings: &[Finding]) -> Reread {
    let frame = event.frame();
    let found = |rule: &rules::Rule| findings.iter().any(|one| one.rule.code == rule.code);
    let violates = findings.iter().any(Finding::is_violation);
    if violates
        && found(&rules::DATA_LINE_MISSING)
        && let Some(body) = rules::bare_error(frame)
    {
        let body = edit(body, &[Edit::Set("type", json::quote("error"))]);
        let data = with_escaped_breaks(&body);
        let event = Event::read(Frame::compose("error", data.as_bytes()));
        return Reread::Event(Box::new(event));
    }
    if frame.oddities().contains(Oddities::INVALID_UTF8) && !findings.is_empty() {
        return match lossy(frame) {
            Some(event) => Reread::Event(Box::new(event)),
            None => Reread::Nothing,
        };
    }
    if event.payload() == Payload::NotJson
        && frame.event_name() == Some("error")
        && found(&rules::DATA_NOT_JSON)
    {
        return Reread::Event(Box::new(told(frame)));
    }
    let in_lines = Oddities::MULTI_LINE | Oddities::UNKNOWN_FIELD;
    if event.payload() == Payload::NotJson
        && frame.oddities().intersects(in_lines)
        && found(&rules::DATA_NOT_JSON)
        && let Some(event) = rejoined(frame)
    {
        return Reread::Event(Box::new(event));
    }
    Reread::Same
}

/// The event of a call under the name that the other kind of call has for it.
pub(super) fn by_its_name(event: &Event) -> Reread {
    let Some(kind) = event.kind().of_other_call() else {
        return Reread::Same;
    };
    let mut edits = vec![Edit::Set("type", json::quote(kind.name()))];
    for (from, to) in [(Field::Arguments, "input"), (Field::Input, "arguments")] {
        if let Some(raw) = event.field(from) {
            edits.push(Edit::Set(to, raw.to_owned()));
            edits.push(Edit::Remove(from.name().to_owned()));
        }
    }
    let data = edit(event.data(), &edits);
    let event = Event::read(Frame::compose(kind.name(), data.as_bytes()));
    Reread::Event(Box::new(event))
}

/// The same frame with U+FFFD for what is no UTF-8.
fn lossy(frame: &Frame) -> Option<Event> {
    let data = String::from_utf8_lossy(frame.data()).into_owned();
    let name = frame.event_name().unwrap_or_default();
    let event = Event::read(Frame::compose(name, data.as_bytes()));
    (!event.data().is_empty()).then_some(event)
}

/// An error that is told in plain words: they are its message.
fn told(frame: &Frame) -> Event {
    let words = String::from_utf8_lossy(frame.data());
    let message = json::quote(words.trim());
    let data = format!(r#"{{"type":"error","message":{message}}}"#);
    Event::read(Frame::compose("error", data.as_bytes()))
}

/// The lines behind the first `data:` as one JSON text, if they make an event of the protocol.
fn rejoined(frame: &Frame) -> Option<Event> {
    let raw = std::str::from_utf8(frame.raw()).ok()?;
    let mut lines = raw.trim_end_matches(['\r', '\n']).lines();
    let value = |line: &'_ str| -> Option<String> {
        let value = line.strip_prefix("data:")?;
        Some(value.strip_prefix(' ').unwrap_or(value).to_owned())
    };
    let mut text = lines.by_ref().find_map(value)?;
    for line in lines {
        text.push('\n');
        text.push_str(&value(line).unwrap_or_else(|| line.to_owned()));
    }
    let data = with_escaped_breaks(&text);
    let event = Event::read(Frame::compose(
        frame.event_name().unwrap_or_default(),
        data.as_bytes(),
    ));
    let class = effective_kind(&event).class();
    (!matches!(class, Class::Junk | Class::Unknown)).then_some(event)
}

/// JSON on one line: a line break within a string is escaped, any other becomes a blank.
fn with_escaped_breaks(text: &str) -> String {
    let (mut out, mut in_string, mut escaped) = (String::with_capacity(text.len()), false, false);
    for character in text.chars() {
        match character {
            '\n' if in_string => out.push_str("\\n"),
            '\r' if in_string => out.push_str("\\r"),
            '\n' | '\r' => out.push(' '),
            other => out.push(other),
        }
        in_string ^= character == '"' && !escaped;
        escaped = character == '\\' && !escaped;
    }
    out
}
