//! One block of lines with its bytes and what they say.

use std::fmt;

use bytes::Bytes;

use super::line::Span;
use super::oddities::Oddities;

/// One block of an event stream: its raw bytes, and WHATWG's reading of them.
///
/// The bytes are a slice of the chunk that the block arrived in (or of one joined buffer, where it
/// lay across chunks), so a clone is cheap. Keeping a frame keeps that buffer.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    raw: Bytes,
    offset: u64,
    /// The value of the one `data` line, in the raw bytes.
    data: Option<Span>,
    name: Option<Span>,
    /// What few frames have: they are moved about, and so they are small.
    rest: Option<Box<Rest>>,
    oddities: Oddities,
    has_fields: bool,
}

/// See [`Frame`].
#[derive(Clone, Default, PartialEq, Eq)]
struct Rest {
    /// Several lines of data, joined by LF.
    joined: Option<Bytes>,
    id: Option<Span>,
    retry: Option<u64>,
}

/// Where a frame's data is.
pub(super) enum Data {
    None,
    /// In the raw bytes: there was one `data` line.
    Slice(Span),
    /// Several lines, joined by LF.
    Joined(Bytes),
}

/// What [`Frame::new`] is told besides the bytes.
pub(super) struct Reading {
    pub(super) oddities: Oddities,
    pub(super) data: Data,
    pub(super) name: Option<Span>,
    pub(super) id: Option<Span>,
    pub(super) retry: Option<u64>,
    pub(super) has_fields: bool,
}

impl Frame {
    /// Puts a frame together and checks its text.
    #[inline]
    pub(super) fn new(raw: Bytes, offset: u64, reading: Reading) -> Self {
        let Reading {
            oddities,
            data,
            name,
            id,
            retry,
            has_fields,
        } = reading;
        let (data, joined) = match data {
            Data::None => (None, None),
            Data::Slice(span) => (Some(span), None),
            Data::Joined(joined) => (None, Some(joined)),
        };
        let rare = joined.is_some() || id.is_some() || retry.is_some();
        let mut frame = Self {
            raw,
            offset,
            data,
            name,
            rest: rare.then(|| Box::new(Rest { joined, id, retry })),
            oddities,
            has_fields,
        };
        // One pass over the block instead of one for each part: parts lie between ASCII bytes, so
        // they are whole characters where the block is.
        if !frame.raw.is_ascii() && std::str::from_utf8(&frame.raw).is_err() {
            frame.look_closer();
        }
        frame
    }

    /// The frame of an event that was written as text.
    pub(super) fn of_text(raw: Bytes, name: Span, data: Span) -> Self {
        debug_assert!(std::str::from_utf8(&raw).is_ok());
        Self {
            raw,
            offset: 0,
            data: Some(data),
            name: Some(name),
            rest: None,
            oddities: Oddities::NONE,
            has_fields: true,
        }
    }

    /// The block is not UTF-8. In a comment that matters as well: openai-python decodes every line.
    #[cold]
    fn look_closer(&mut self) {
        if self
            .name
            .is_some_and(|name| std::str::from_utf8(name.of(&self.raw)).is_err())
        {
            self.name = None;
        }
        self.oddities.insert(Oddities::INVALID_UTF8);
    }

    /// The block exactly as it arrived, with its blank line. The `raw` of all frames, put end to
    /// end, is the body.
    #[must_use]
    pub fn raw(&self) -> &Bytes {
        &self.raw
    }

    /// The values of the `data` lines, joined by LF; empty when there was none (see
    /// [`Frame::has_data`]). UTF-8 unless [`Oddities::INVALID_UTF8`] says otherwise.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        match (self.data, self.joined()) {
            (Some(span), _) => span.of(&self.raw),
            (None, Some(joined)) => joined,
            (None, None) => &[],
        }
    }

    /// [`Frame::data`] as bytes of its own, without copying.
    #[must_use]
    pub fn data_bytes(&self) -> Bytes {
        match (self.data, self.joined()) {
            (Some(span), _) => self.raw.slice(span.range()),
            (None, Some(joined)) => joined.clone(),
            (None, None) => Bytes::new(),
        }
    }

    fn joined(&self) -> Option<&Bytes> {
        self.rest.as_ref()?.joined.as_ref()
    }

    /// Whether there was a `data` line, be it an empty one.
    #[must_use]
    pub fn has_data(&self) -> bool {
        self.data.is_some() || self.joined().is_some()
    }

    /// The value of the last `event` line. `None` where there was none, where it was empty (to
    /// WHATWG that is the same), or where it is not UTF-8 (then [`Oddities::INVALID_UTF8`] is set).
    #[must_use]
    pub fn event_name(&self) -> Option<&str> {
        let name = self.name?.of(&self.raw);
        std::str::from_utf8(name)
            .ok()
            .filter(|name| !name.is_empty())
    }

    /// The last `event` line has the same value as that of `other`.
    pub(crate) fn has_name_of(&self, other: &Self) -> bool {
        let name = |frame: &'_ Self| frame.name.map(|span| span.of(&frame.raw).len());
        name(self) == name(other)
            && self.name.map(|span| span.of(&self.raw))
                == other.name.map(|span| span.of(&other.raw))
    }

    /// The last `event` line has this value, which is not empty.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        self.name
            .is_some_and(|span| span.of(&self.raw) == name.as_bytes() && !name.is_empty())
    }

    /// The value of the last `id` line that has no NULL in it; it may be empty, which resets the
    /// last event id.
    #[must_use]
    pub fn id(&self) -> Option<&[u8]> {
        Some(self.rest.as_ref()?.id?.of(&self.raw))
    }

    /// The reconnection time of the last `retry` line that is a number, in milliseconds.
    #[must_use]
    pub fn retry(&self) -> Option<u64> {
        self.rest.as_ref()?.retry
    }

    /// Whether this is no event at all but only comments and blank lines.
    #[must_use]
    pub fn is_comment(&self) -> bool {
        !self.has_fields
    }

    /// The position of the first byte in the body. Zero in a frame that was composed.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The position behind the last byte in the body.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.offset + self.raw.len() as u64
    }

    /// What was odd about the framing.
    #[must_use]
    pub fn oddities(&self) -> Oddities {
        self.oddities
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("offset", &self.offset)
            .field("raw", &self.raw)
            .field("oddities", &self.oddities)
            .finish()
    }
}
