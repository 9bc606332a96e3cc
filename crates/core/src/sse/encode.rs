//! Frames that respair writes itself: one buffer each, LF throughout, so that a reader which wants
//! a frame in one read (PROTOCOL.md, the Open Responses suite) gets it.
//!
//! What arrived and was not repaired is not encoded again: it is [`Frame::raw`].

use bytes::Bytes;
use memchr::{memchr_iter, memchr2};

use super::frame::{Data, Frame, Reading};
use super::line::{LONGEST, Span, lines};
use super::oddities::Oddities;

impl Frame {
    /// An event: `event: NAME`, a `data` line for each line of `data`, a blank line.
    ///
    /// An empty name leaves the `event` line out. What the format cannot carry is changed: a CR or
    /// CR LF in `data` becomes the LF that every line break reads back as, a line break in the name
    /// is dropped.
    ///
    /// ```
    /// use respair_core::sse::Frame;
    ///
    /// let frame = Frame::compose("response.created", br#"{"type":"response.created"}"#);
    /// assert_eq!(&frame.raw()[..], b"event: response.created\ndata: {\"type\":\"response.created\"}\n\n");
    /// ```
    #[must_use]
    pub fn compose(event_name: &str, data: &[u8]) -> Self {
        let breaks = memchr_iter(b'\n', data).count();
        let mut raw = Vec::with_capacity(
            "event: \n\n".len() + event_name.len() + data.len() + "data: \n".len() * (breaks + 1),
        );
        let name = (!event_name.is_empty()).then(|| {
            raw.extend_from_slice(b"event: ");
            let start = raw.len();
            for part in event_name.split(['\n', '\r']) {
                raw.extend_from_slice(part.as_bytes());
            }
            let end = raw.len();
            raw.push(b'\n');
            Span::new(start, end)
        });

        let mut oddities = Oddities::NONE;
        let is_one_line = memchr2(b'\n', b'\r', data).is_none();
        let data = if is_one_line && raw.len() + data.len() < LONGEST - "data: \n\n".len() {
            Data::Slice(push_data_line(&mut raw, data))
        } else {
            if !is_one_line {
                oddities.insert(Oddities::MULTI_LINE);
            }
            let mut joined = Vec::with_capacity(data.len());
            for line in split_lines(data) {
                push_data_line(&mut raw, line);
                joined.extend_from_slice(line);
                joined.push(b'\n');
            }
            joined.pop();
            Data::Joined(joined.into())
        };
        raw.push(b'\n');
        Self::new(
            raw.into(),
            0,
            Reading {
                oddities,
                data,
                name,
                id: None,
                retry: None,
                has_fields: true,
            },
        )
    }

    /// An event whose data is one line, which `write` appends: text without a line break, `room` bytes at most. The name
    /// has no line break either.
    pub(crate) fn compose_line(name: &str, room: usize, write: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut raw = Vec::with_capacity("event: \ndata: \n\n".len() + name.len() + room);
        raw.extend_from_slice(b"event: ");
        raw.extend_from_slice(name.as_bytes());
        let name = Span::new("event: ".len(), raw.len());
        raw.extend_from_slice(b"\ndata: ");
        let start = raw.len();
        write(&mut raw);
        let data = Span::new(start, raw.len());
        raw.extend_from_slice(b"\n\n");
        Self::of_text(raw.into(), name, data)
    }

    /// A comment: it keeps a connection alive and means nothing. A line break in `text` becomes a
    /// space.
    #[must_use]
    pub fn comment(text: &str) -> Self {
        Self::of_comment(text, "\n\n")
    }

    /// A comment without a blank line behind it, so that no reader takes it for an event: it becomes a line of the
    /// event that follows.
    #[must_use]
    pub fn comment_line(text: &str) -> Self {
        Self::of_comment(text, "\n")
    }

    fn of_comment(text: &str, end: &str) -> Self {
        let mut raw = Vec::with_capacity(text.len() + ": \n\n".len());
        raw.extend_from_slice(b": ");
        raw.extend(text.bytes().map(|byte| {
            if matches!(byte, b'\n' | b'\r') {
                b' '
            } else {
                byte
            }
        }));
        raw.extend_from_slice(end.as_bytes());
        let reading = Reading {
            oddities: Oddities::COMMENT,
            data: Data::None,
            name: None,
            id: None,
            retry: None,
            has_fields: false,
        };
        Self::new(raw.into(), 0, reading)
    }

    /// The words of the frame's comment lines.
    #[must_use]
    pub fn comment_text(&self) -> String {
        let text = String::from_utf8_lossy(self.raw());
        let lines = text.trim_start_matches('\u{feff}').split(['\r', '\n']);
        let comments: Vec<&str> = lines
            .filter_map(|line| line.strip_prefix(':'))
            .map(str::trim_start)
            .collect();
        comments.join(" ")
    }

    /// `data: [DONE]`, which closes a stream after its terminal event.
    #[must_use]
    pub fn sentinel() -> Self {
        let raw = Bytes::from_static(b"data: [DONE]\n\n");
        let data = Data::Slice(Span::new("data: ".len(), "data: [DONE]".len()));
        let reading = Reading {
            oddities: Oddities::NONE,
            data,
            name: None,
            id: None,
            retry: None,
            has_fields: true,
        };
        Self::new(raw, 0, reading)
    }
}

fn push_data_line(raw: &mut Vec<u8>, line: &[u8]) -> Span {
    raw.extend_from_slice(b"data: ");
    let start = raw.len();
    raw.extend_from_slice(line);
    let end = raw.len();
    raw.push(b'\n');
    Span::new(start, end)
}

/// The lines of `text`; one that ends with a line break has an empty last line.
fn split_lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let last_is_empty = matches!(text.last(), None | Some(b'\n' | b'\r'));
    lines(text)
        .map(|(line, _)| &text[line])
        .chain(last_is_empty.then_some(&[][..]))
}
