//! What came back from one probe: everything that is judged later, and nothing judged yet.

use std::time::Duration;

use bytes::Bytes;
use reqwest::Version;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, TRANSFER_ENCODING};
use respair_core::{EndOfBody, Ending, Response};
use serde_json::Value;

use super::Probe;
use crate::TurnError;
use crate::redact::Redactor;

/// One probe's request and its answer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Answer {
    /// Which probe.
    pub probe: Probe,
    /// What was sent, as it may be shown.
    pub sent: Sent,
    /// The head of the answer, if one came.
    pub head: Option<Head>,
    /// The body without transfer and content encoding, up to [`super::BODY_KEPT`], configured secrets taken out.
    pub body: Bytes,
    /// How the body ended.
    pub end: BodyEnd,
    /// When what came.
    pub timing: Timing,
    /// What is odd about the body's content encoding, in words.
    pub encoding: Option<String>,
    /// How the body ended as a stream. A body that is none is [`Ending::NoStream`].
    pub ending: Option<Ending>,
    /// What the stream holds, read tolerantly.
    pub response: Option<Response>,
    /// Why there is no answer, or what one says that is no success.
    pub error: Option<TurnError>,
}

impl Answer {
    /// Whether the body is an event stream, of whatever kind: it is not empty and no document.
    #[must_use]
    pub fn is_stream(&self) -> bool {
        let text = self
            .body
            .strip_prefix(b"\xef\xbb\xbf")
            .unwrap_or(&self.body);
        let is_document = matches!(
            text.trim_ascii_start().first(),
            None | Some(b'{' | b'[' | b'<')
        );
        let is_read = !matches!(
            self.ending,
            None | Some(Ending::NoStream(_) | Ending::Empty { .. })
        );
        is_read && !is_document
    }
}

/// A request as it may be shown: no key, no query, and what the user configured by name only.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Sent {
    /// The method.
    pub method: &'static str,
    /// The address.
    pub url: String,
    /// The JSON body; a GET has none.
    pub body: Option<Value>,
}

/// The head of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Head {
    /// The HTTP status.
    pub status: u16,
    /// `Content-Type`, as sent.
    pub content_type: Option<String>,
    /// How the body's end is told.
    pub length: Length,
}

impl Head {
    pub(super) fn read(
        status: u16,
        version: Version,
        headers: &HeaderMap,
        redactor: &Redactor,
    ) -> Self {
        let content_type = headers.get(CONTENT_TYPE);
        let content_type = content_type.map(|value| String::from_utf8_lossy(value.as_bytes()));
        let length = if version >= Version::HTTP_2 {
            Length::Framed
        } else if headers.contains_key(TRANSFER_ENCODING) {
            Length::Chunked
        } else if headers.contains_key(CONTENT_LENGTH) {
            Length::Counted
        } else {
            Length::UntilClose
        };
        Self {
            status,
            content_type: content_type.map(|value| redactor.text(&value)),
            length,
        }
    }

    /// Whether the status is a success.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// How a body's end is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Length {
    /// By a last chunk.
    Chunked,
    /// By its length.
    Counted,
    /// By the connection's end, so that a cut cannot be told from it.
    UntilClose,
    /// By a frame of HTTP/2 or later.
    Framed,
}

/// How a body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyEnd {
    /// There was none.
    None,
    /// Properly.
    Whole,
    /// The connection closed before the end that the head had promised.
    Closed,
    /// The connection was reset, or broke in another way.
    Reset,
    /// The answer was whole, and `limits.drain` later the body had not ended.
    HeldOpen,
    /// A timer ran out in the middle.
    Silent,
    /// What came does not decompress.
    Garbled,
    /// It was longer than [`super::BODY_KEPT`].
    TooLong,
    /// The caller stopped.
    Interrupted,
}

impl BodyEnd {
    /// The same as core takes it.
    #[must_use]
    pub fn cause(self) -> EndOfBody {
        match self {
            Self::None | Self::Whole => EndOfBody::Eof,
            Self::Closed | Self::Reset | Self::Garbled => EndOfBody::Reset,
            Self::HeldOpen => EndOfBody::Drained,
            Self::Silent => EndOfBody::Timeout,
            Self::TooLong | Self::Interrupted => EndOfBody::Interrupted,
        }
    }
}

/// When what came, from the moment of sending.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timing {
    /// The head.
    pub head: Option<Duration>,
    /// The first byte of the body.
    pub first_byte: Option<Duration>,
    /// The first piece of text or reasoning.
    pub first_text: Option<Duration>,
    /// The last byte.
    pub last_byte: Option<Duration>,
    /// The longest wait between two reads of the body.
    pub longest_gap: Option<Duration>,
    /// Until there was nothing more to wait for, `limits.drain` aside.
    pub total: Duration,
}

impl Timing {
    /// Bytes of the body came.
    pub(super) fn on_bytes(&mut self, now: Duration) {
        if let Some(last) = self.last_byte {
            let gap = now.saturating_sub(last);
            self.longest_gap = Some(self.longest_gap.map_or(gap, |longest| longest.max(gap)));
        }
        self.first_byte.get_or_insert(now);
        self.last_byte = Some(now);
    }
}
