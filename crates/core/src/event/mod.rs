//! A frame read as a Responses stream event: its kind, and spans into the frame.
//!
//! Reading never fails and loses nothing: what is no JSON object is an event of kind [`EventKind::Junk`], an unknown
//! type is [`EventKind::Unknown`], and the raw bytes stay what goes on downstream.

mod kind;
mod splice;
mod stencil;

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;

use crate::json;
use crate::sse::{Frame, Oddities};

pub use kind::{Class, EventKind};
pub(crate) use stencil::Stencil;

/// The top-level fields that are read; any other survives in the raw bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs, reason = "each is the field of that name")]
pub enum Field {
    Type,
    SequenceNumber,
    Response,
    Item,
    Part,
    Delta,
    Text,
    Arguments,
    Input,
    Refusal,
    OutputIndex,
    ContentIndex,
    SummaryIndex,
    ItemId,
    Error,
    Code,
    Message,
    Param,
    Annotation,
    Status,
    Output,
    Usage,
    Id,
    CallId,
}

impl Field {
    const COUNT: usize = 24;

    /// The field's name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::SequenceNumber => "sequence_number",
            Self::Response => "response",
            Self::Item => "item",
            Self::Part => "part",
            Self::Delta => "delta",
            Self::Text => "text",
            Self::Arguments => "arguments",
            Self::Input => "input",
            Self::Refusal => "refusal",
            Self::OutputIndex => "output_index",
            Self::ContentIndex => "content_index",
            Self::SummaryIndex => "summary_index",
            Self::ItemId => "item_id",
            Self::Error => "error",
            Self::Code => "code",
            Self::Message => "message",
            Self::Param => "param",
            Self::Annotation => "annotation",
            Self::Status => "status",
            Self::Output => "output",
            Self::Usage => "usage",
            Self::Id => "id",
            Self::CallId => "call_id",
        }
    }

    pub(crate) fn from_name(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"type" => Self::Type,
            b"sequence_number" => Self::SequenceNumber,
            b"response" => Self::Response,
            b"item" => Self::Item,
            b"part" => Self::Part,
            b"delta" => Self::Delta,
            b"text" => Self::Text,
            b"arguments" => Self::Arguments,
            b"input" => Self::Input,
            b"refusal" => Self::Refusal,
            b"output_index" => Self::OutputIndex,
            b"content_index" => Self::ContentIndex,
            b"summary_index" => Self::SummaryIndex,
            b"item_id" => Self::ItemId,
            b"error" => Self::Error,
            b"code" => Self::Code,
            b"message" => Self::Message,
            b"param" => Self::Param,
            b"annotation" => Self::Annotation,
            b"status" => Self::Status,
            b"output" => Self::Output,
            b"usage" => Self::Usage,
            b"id" => Self::Id,
            b"call_id" => Self::CallId,
            _ => return None,
        })
    }
}

/// What a frame's data is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Payload {
    /// One JSON object.
    Object,
    /// `[DONE]`.
    Sentinel,
    /// Nothing but comments and blank lines.
    Comment,
    /// Fields, but no data (or only an empty line of it).
    Empty,
    /// Data that is not JSON.
    NotJson,
    /// The JSON value `null`.
    Null,
    /// JSON, but no object.
    NotObject,
}

/// Start and end of each field's raw value in the frame's data; an empty span where the field is absent.
type Spans = [(u32, u32); Field::COUNT];

/// One event of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    frame: Frame,
    kind: EventKind,
    payload: Payload,
    spans: Spans,
    duplicates: bool,
    /// The data holds a backslash.
    escapes: bool,
}

impl Event {
    /// Reads a frame. Total: whatever the frame holds, there is an event that says so.
    #[must_use]
    pub fn read(frame: Frame) -> Self {
        let mut event = Self::empty(frame);
        event.payload = event.scan();
        event.kind = match event.payload {
            Payload::Object => match event.bytes(Field::Type) {
                Some([b'"', name @ .., b'"']) if !name.contains(&b'\\') => {
                    EventKind::from_bytes(name)
                }
                Some(_) => event
                    .text(Field::Type)
                    .map_or(EventKind::Unknown, |name| EventKind::from_name(&name)),
                None => EventKind::Unknown,
            },
            Payload::Sentinel => EventKind::Sentinel,
            Payload::Comment => EventKind::Comment,
            Payload::Empty | Payload::NotJson | Payload::Null | Payload::NotObject => {
                EventKind::Junk
            }
        };
        event.escapes = memchr::memchr(b'\\', event.frame.data()).is_some();
        event
    }

    /// An event of which nothing was read yet.
    fn empty(frame: Frame) -> Self {
        Self {
            frame,
            kind: EventKind::Junk,
            payload: Payload::NotJson,
            spans: [(0, 0); Field::COUNT],
            duplicates: false,
            escapes: false,
        }
    }

    fn scan(&mut self) -> Payload {
        if self.frame.is_comment() {
            return Payload::Comment;
        }
        if self.scan_simple().is_some() {
            return Payload::Object;
        }
        self.spans = [(0, 0); Field::COUNT];
        self.duplicates = false;
        let Ok(data) = std::str::from_utf8(self.frame.data()) else {
            return Payload::NotJson;
        };
        let first = data.bytes().find(|byte| !byte.is_ascii_whitespace());
        match first {
            None => return Payload::Empty,
            Some(b'[') if data.trim().starts_with("[DONE]") => return Payload::Sentinel,
            Some(b'{') => {}
            Some(_) if data.trim() == "null" => return Payload::Null,
            Some(_) if serde_json::from_str::<serde::de::IgnoredAny>(data).is_ok() => {
                return Payload::NotObject;
            }
            Some(_) => return Payload::NotJson,
        }
        let base = data.as_ptr() as usize;
        let (spans, duplicates) = (&mut self.spans, &mut self.duplicates);
        let read = json::scan(data, |key, value| {
            let Some(field) = Field::from_name(key.as_bytes()) else {
                return;
            };
            let start = value.as_ptr() as usize - base;
            let span = &mut spans[field as usize];
            *duplicates |= span.1 > 0;
            *span = (start as u32, (start + value.len()) as u32);
        });
        if read.is_err() {
            self.spans = [(0, 0); Field::COUNT];
            self.duplicates = false;
            return Payload::NotJson;
        }
        Payload::Object
    }

    /// Reads the spans of an object of plain fields, which most events are.
    fn scan_simple(&mut self) -> Option<()> {
        if self.frame.oddities().contains(Oddities::INVALID_UTF8) {
            return None;
        }
        let (spans, duplicates) = (&mut self.spans, &mut self.duplicates);
        json::scan_simple(self.frame.data(), |key, start, end| {
            let Some(field) = Field::from_name(key) else {
                return;
            };
            let span = &mut spans[field as usize];
            *duplicates |= span.1 > 0;
            *span = (start as u32, end as u32);
        })
    }

    /// The event's type; [`EventKind::Unknown`] when `type` is missing or not in the protocol.
    #[must_use]
    pub fn kind(&self) -> EventKind {
        self.kind
    }

    /// What the frame's data is.
    #[must_use]
    pub fn payload(&self) -> Payload {
        self.payload
    }

    /// The frame that was read.
    #[must_use]
    pub fn frame(&self) -> &Frame {
        &self.frame
    }

    /// The exact bytes on the wire, with the blank line.
    #[must_use]
    pub fn raw(&self) -> &Bytes {
        self.frame.raw()
    }

    /// The value of `type`, or else the name in the frame's `event:` line, or nothing.
    #[must_use]
    pub fn type_name(&self) -> Cow<'_, str> {
        self.text(Field::Type)
            .unwrap_or_else(|| Cow::Borrowed(self.frame.event_name().unwrap_or_default()))
    }

    /// The whole data as text; empty when it is no JSON object.
    #[must_use]
    pub fn data(&self) -> &str {
        match self.payload {
            Payload::Object => std::str::from_utf8(self.frame.data()).unwrap_or_default(),
            _ => "",
        }
    }

    fn span(&self, field: Field) -> Option<Range<usize>> {
        let (start, end) = self.spans[field as usize];
        (end > 0).then_some(start as usize..end as usize)
    }

    /// `true` when the field is this string, written without escapes.
    pub(crate) fn is_quoted(&self, field: Field, text: &str) -> bool {
        matches!(self.bytes(field), Some([b'"', inner @ .., b'"']) if inner == text.as_bytes())
    }

    /// `true` when this event is framed and named like `other`, and has the same fields with the same values, but for
    /// the values of `apart`.
    pub(crate) fn is_like(&self, other: &Self, apart: &[Field]) -> bool {
        let (data, others_data) = (self.frame.data(), other.frame.data());
        let same = |at: usize| {
            let (own, others) = (self.spans[at], other.spans[at]);
            if own.1 == 0 || others.1 == 0 {
                return own.1 == others.1;
            }
            let value = |(start, end): (u32, u32)| start as usize..end as usize;
            apart.iter().any(|field| *field as usize == at)
                || data.get(value(own)) == others_data.get(value(others))
        };
        self.kind == other.kind
            && self.payload == Payload::Object
            && other.payload == Payload::Object
            && !self.duplicates
            && !other.duplicates
            && self.frame.oddities() == other.frame.oddities()
            && self.frame.has_name_of(&other.frame)
            && (0..Field::COUNT).all(same)
    }

    /// The raw JSON of a top-level field, as bytes.
    pub(crate) fn raw_field(&self, field: Field) -> Option<&[u8]> {
        self.bytes(field)
    }

    /// `true` when the field is a string.
    pub(crate) fn is_string(&self, field: Field) -> bool {
        self.bytes(field)
            .is_some_and(|raw| raw.first() == Some(&b'"'))
    }

    fn bytes(&self, field: Field) -> Option<&[u8]> {
        self.frame.data().get(self.span(field)?)
    }

    /// The raw JSON of a top-level field.
    #[must_use]
    pub fn field(&self, field: Field) -> Option<&str> {
        let span = self.span(field)?;
        std::str::from_utf8(self.frame.data().get(span)?).ok()
    }

    /// The raw JSON of a top-level field, with `null` taken as absent.
    #[must_use]
    pub fn present(&self, field: Field) -> Option<&str> {
        self.field(field).filter(|raw| *raw != "null")
    }

    /// A top-level string, decoded (a lone surrogate becomes U+FFFD). `None` when it is absent or no string.
    #[must_use]
    pub fn text(&self, field: Field) -> Option<Cow<'_, str>> {
        self.field(field).and_then(json::unescape)
    }

    /// A top-level unsigned integer.
    #[must_use]
    pub fn integer(&self, field: Field) -> Option<u64> {
        self.bytes(field).and_then(json::integer)
    }

    /// `true` when one of the fields that are read stands twice.
    #[must_use]
    pub fn has_duplicates(&self) -> bool {
        self.duplicates
    }

    /// `true` when anything in the data is escaped.
    pub(crate) fn has_escapes(&self) -> bool {
        self.escapes
    }

    /// `true` for a frame that carries data: what a reader counts as an event.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.payload != Payload::Comment
    }
}
