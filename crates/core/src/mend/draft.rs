//! What is spliced into the event in hand.

use std::borrow::Cow;

use crate::event::{Event, Field};
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

    /// The top-level fields that are set, if nothing else is done but to write the frame anew.
    pub(crate) fn fields_set(&self) -> Option<Vec<(Field, String)>> {
        if self.dropped || self.surrogates || self.frame.is_some() || !self.nested.is_empty() {
            return None;
        }
        let owned = |(field, raw): (Field, &str)| (field, raw.to_owned());
        Some(self.fields()?.into_iter().map(owned).collect())
    }

    /// The top-level fields that are set, each one once, if that is all that is done at the top level.
    fn fields(&self) -> Option<Vec<(Field, &str)>> {
        let mut fields: Vec<(Field, &str)> = Vec::with_capacity(self.top.len());
        for step in &self.top {
            let Edit::Set(key, raw) = step else {
                return None;
            };
            let field = Field::from_name(key.as_bytes())?;
            match fields.iter_mut().find(|(known, _)| *known == field) {
                Some(known) => known.1 = raw,
                None => fields.push((field, raw)),
            }
        }
        Some(fields)
    }

    /// The event is not to stay as it is.
    pub(crate) fn changes(&self) -> bool {
        !(self.top.is_empty() && self.nested.is_empty()) || self.reframe || self.surrogates
    }

    /// The raw value that a top-level field has by now.
    pub(crate) fn current<'a>(&'a self, event: &'a Event, field: Field) -> Option<&'a str> {
        let set = self.top.iter().rev().find_map(|step| match step {
            Edit::Set(key, raw) if *key == field.name() => Some(raw.as_str()),
            _ => None,
        });
        set.or_else(|| event.field(field))
    }

    /// The mended event, by this name where it has one; the very same event if nothing was changed.
    pub(crate) fn finish(mut self, event: &Event, name: &str, nested: Option<Field>) -> Event {
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
        let name = match name {
            "" => event.type_name(),
            name => Cow::Borrowed(name),
        };
        match self.set_fields(event, &name) {
            Some(set) => {
                debug_assert!(set == self.edited(event, &name));
                set
            }
            None => self.edited(event, &name),
        }
    }

    /// The same where nothing but fields are set that were read.
    fn set_fields(&self, event: &Event, name: &str) -> Option<Event> {
        if self.surrogates {
            return None;
        }
        event.with_fields(name, &self.fields()?)
    }

    /// The event with every edit made, read anew.
    fn edited(&self, event: &Event, name: &str) -> Event {
        let mut data = edit(event.data(), &self.top);
        if self.surrogates {
            data = json::mend_surrogates(&data);
        }
        Event::read(Frame::compose(name, data.as_bytes()))
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
