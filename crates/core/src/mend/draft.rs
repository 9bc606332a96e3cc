//! What is spliced into the event in hand.

use crate::event::{Event, EventKind, Field};
use crate::json::{self, Edit, edit};
use crate::sse::Frame;

/// The changes to one event.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    top: Vec<Edit>,
    nested: Vec<Edit>,
    /// The event goes no further.
    pub(crate) dropped: bool,
    /// The bytes are framed anew although the JSON stays.
    pub(crate) reframe: bool,
    /// Another frame takes the place of this one.
    pub(crate) frame: Option<Frame>,
    /// Lone surrogates are replaced first.
    pub(crate) surrogates: bool,
    /// The item's done event was made to agree with its slot.
    pub(crate) settled: bool,
}

impl Draft {
    /// Sets a top-level field to raw JSON.
    pub(crate) fn set(&mut self, key: &'static str, raw: impl Into<String>) {
        self.top.push(Edit::Set(key, raw.into()));
    }

    /// Sets a field of the event's `response`, `item` or `part` to raw JSON.
    pub(crate) fn set_nested(&mut self, key: &'static str, raw: impl Into<String>) {
        self.nested.push(Edit::Set(key, raw.into()));
    }

    /// Adds edits of the event's `response`, `item` or `part`.
    pub(crate) fn edit_nested(&mut self, edits: impl IntoIterator<Item = Edit>) {
        self.nested.extend(edits);
    }

    /// Makes an edit at the top level.
    pub(crate) fn edit(&mut self, step: Edit) {
        self.top.push(step);
    }

    /// The raw value that a top-level field has by now.
    pub(crate) fn current<'a>(&'a self, event: &'a Event, field: Field) -> Option<&'a str> {
        let set = self.top.iter().rev().find_map(|step| match step {
            Edit::Set(key, raw) if *key == field.name() => Some(raw.as_str()),
            _ => None,
        });
        set.or_else(|| event.field(field))
    }

    /// The mended event; the very same one if nothing was changed.
    pub(crate) fn finish(mut self, event: &Event, kind: EventKind, nested: Option<Field>) -> Event {
        if let Some(frame) = self.frame {
            return Event::read(frame);
        }
        if let Some(field) = nested.filter(|_| !self.nested.is_empty()) {
            let object = edit(self.current(event, field).unwrap_or("{}"), &self.nested);
            self.set(field.name(), object);
        }
        if self.top.is_empty() && !self.reframe && !self.surrogates {
            return event.clone();
        }
        if event.data().is_empty() {
            return Event::read(reframed(event.frame()));
        }
        let mut data = edit(event.data(), &self.top);
        if self.surrogates {
            data = json::mend_surrogates(&data);
        }
        let name = if kind.name().is_empty() {
            event.type_name().into_owned()
        } else {
            kind.name().to_owned()
        };
        Event::read(Frame::compose(&name, data.as_bytes()))
    }
}

/// The same comment or `[DONE]` with LF as its only line ending, without a byte order mark, and with its blank line.
fn reframed(frame: &Frame) -> Frame {
    if frame.is_comment() {
        Frame::comment(&frame.comment_text())
    } else {
        Frame::sentinel()
    }
}
