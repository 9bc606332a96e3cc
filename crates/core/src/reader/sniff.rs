//! Telling an event stream from JSON, HTML and prose by how the body begins. Content types are not trusted.

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};

use crate::ending::{NoStream, NoStreamKind, ResponseError};
use crate::json::Object;
use crate::limits::BODY_EXCERPT;

/// What the body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sniff {
    /// Too little of it came.
    Undecided,
    /// An event stream, as far as its beginning tells.
    Events,
    /// Something else.
    Other(NoStreamKind),
}

/// Holds the first bytes back until they tell what the body is; of what is no stream it keeps the beginning.
#[derive(Debug)]
pub(super) struct Sniffer {
    verdict: Sniff,
    kept: BytesMut,
    seen: u64,
    /// Bytes of JSON that are kept, since it may be a whole response.
    limit: usize,
}

/// So many blank bytes at the beginning are taken for an event stream.
const BLANK: usize = 4 << 10;

/// The fields that a line of an event stream can begin with.
const FIELDS: [&[u8]; 4] = [b"data", b"event", b"id", b"retry"];

impl Sniffer {
    /// Nothing came yet. JSON is kept up to `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            verdict: Sniff::Undecided,
            kept: BytesMut::new(),
            seen: 0,
            limit,
        }
    }

    /// Takes a chunk in; gives back what is to be decoded.
    pub(super) fn push(&mut self, chunk: Bytes) -> Option<Bytes> {
        match self.verdict {
            Sniff::Events => return Some(chunk),
            Sniff::Undecided => self.kept.extend_from_slice(&chunk),
            Sniff::Other(kind) => {
                let most = if kind == NoStreamKind::Json {
                    self.limit.max(BODY_EXCERPT)
                } else {
                    BODY_EXCERPT
                };
                let room = most.saturating_sub(self.kept.len());
                self.kept.extend_from_slice(&chunk[..chunk.len().min(room)]);
            }
        }
        self.seen += chunk.len() as u64;
        if self.verdict == Sniff::Undecided {
            self.verdict = judge(&self.kept, false);
        }
        self.released()
    }

    /// The body is over.
    pub(super) fn finish(&mut self) -> Option<Bytes> {
        if self.verdict == Sniff::Undecided {
            self.verdict = judge(&self.kept, true);
        }
        self.released()
    }

    fn released(&mut self) -> Option<Bytes> {
        if self.verdict != Sniff::Events || self.kept.is_empty() {
            return None;
        }
        self.seen = 0;
        Some(self.kept.split().freeze())
    }

    pub(super) fn verdict(&self) -> Sniff {
        self.verdict
    }

    /// Bytes that never went to the decoder.
    pub(super) fn held(&self) -> u64 {
        self.seen
    }

    /// What was kept of the body.
    pub(super) fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.kept)
    }

    /// What looked like an event stream is something else, as this piece of it shows.
    pub(super) fn declare(&mut self, kind: NoStreamKind, piece: &str) {
        self.verdict = Sniff::Other(kind);
        self.kept = BytesMut::from(piece);
    }

    /// Describes a body that is no stream.
    pub(super) fn describe(&self, kind: NoStreamKind) -> NoStream {
        let text = self.text();
        let text = text.trim_start_matches('\u{feff}').trim();
        let (kind, error) = match Object::parse(text) {
            _ if kind == NoStreamKind::ChatCompletions => (kind, None),
            Some(object) => match ResponseError::from_json(text) {
                Some(error) if object.present("output").is_none() => {
                    (NoStreamKind::JsonError, Some(error))
                }
                _ if object.present("output").is_some()
                    || object.string("object").as_deref() == Some("response") =>
                {
                    (NoStreamKind::JsonResponse, None)
                }
                _ => (NoStreamKind::Json, None),
            },
            None => (kind, None),
        };
        let title = if kind == NoStreamKind::Html {
            title(text)
        } else {
            None
        };
        NoStream {
            kind,
            excerpt: one_line(title.unwrap_or(text)),
            error,
        }
    }
}

/// What a body that begins with `bytes` is. `whole`: nothing more comes.
fn judge(bytes: &[u8], whole: bool) -> Sniff {
    const BOM: &[u8] = "\u{feff}".as_bytes();
    if !whole && bytes.len() < BOM.len() && BOM.starts_with(bytes) {
        return Sniff::Undecided;
    }
    let bytes = bytes.strip_prefix(BOM).unwrap_or(bytes);
    let undecided = if whole {
        Sniff::Events
    } else {
        Sniff::Undecided
    };
    let Some(start) = bytes.iter().position(|byte| !byte.is_ascii_whitespace()) else {
        return if bytes.len() > BLANK {
            Sniff::Events
        } else {
            undecided
        };
    };
    let rest = &bytes[start..];
    match rest[0] {
        b':' => return Sniff::Events,
        b'{' | b'[' => return Sniff::Other(NoStreamKind::Json),
        b'<' => return Sniff::Other(NoStreamKind::Html),
        _ => {}
    }
    let end = rest
        .iter()
        .position(|byte| matches!(byte, b':' | b'\n' | b'\r'))
        .unwrap_or(rest.len());
    let name = &rest[..end];
    if FIELDS.iter().any(|field| {
        if end < rest.len() {
            *field == name
        } else {
            field.starts_with(name)
        }
    }) {
        // `ev` may still become prose; a whole field name at the very end of the body is a stream.
        return if end < rest.len() || whole {
            Sniff::Events
        } else {
            undecided
        };
    }
    if end == rest.len() && !whole && end < 64 {
        return Sniff::Undecided;
    }
    if name == b"null" && rest[end..].iter().all(u8::is_ascii_whitespace) {
        return Sniff::Other(NoStreamKind::Json);
    }
    // A field that nobody knows is no fault in an event stream: the lines behind it tell.
    let unknown_field = rest.get(end) == Some(&b':') && name.iter().all(u8::is_ascii_alphanumeric);
    if unknown_field && has_events(&rest[end..]) {
        return Sniff::Events;
    }
    if unknown_field && !whole && rest.len() < BLANK {
        return Sniff::Undecided;
    }
    Sniff::Other(NoStreamKind::Prose)
}

/// Whether a line of the first few is one of an event.
fn has_events(bytes: &[u8]) -> bool {
    let first = &bytes[..bytes.len().min(BLANK)];
    first
        .split(|byte| matches!(byte, b'\n' | b'\r'))
        .skip(1)
        .any(|line| line.starts_with(b"data:") || line.starts_with(b"event:"))
}

fn title(html: &str) -> Option<&str> {
    let lower = html.to_ascii_lowercase();
    let open = lower.find("<title")?;
    let start = open + lower[open..].find('>')? + 1;
    let end = start + lower[start..].find("</title")?;
    html.get(start..end)
        .map(str::trim)
        .filter(|title| !title.is_empty())
}

fn one_line(text: &str) -> String {
    const LENGTH: usize = 4000;
    let mut out = String::new();
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
        if out.len() > LENGTH * 4 {
            break;
        }
    }
    let clean = out.chars().map(|character| {
        if character.is_control() {
            ' '
        } else {
            character
        }
    });
    clean.take(LENGTH).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn beginnings() {
        for (body, verdict) in [
            ("data: {}", Sniff::Events),
            ("event: x\n", Sniff::Events),
            (": ping", Sniff::Events),
            ("\u{feff}id: 1\n", Sniff::Events),
            ("\n\n\ndata:{}", Sniff::Events),
            ("", Sniff::Undecided),
            ("ev", Sniff::Undecided),
            ("data", Sniff::Undecided),
            ("{\"error\":", Sniff::Other(NoStreamKind::Json)),
            ("  <html>", Sniff::Other(NoStreamKind::Html)),
            (
                "upstream connect error\n",
                Sniff::Other(NoStreamKind::Prose),
            ),
            ("database: down\n", Sniff::Undecided),
            ("database: down\ndata:", Sniff::Events),
        ] {
            assert_eq!(judge(body.as_bytes(), false), verdict, "{body:?}");
        }
        let prose = judge(b"database: down\n", true);
        assert_eq!(prose, Sniff::Other(NoStreamKind::Prose));
        assert_eq!(judge(b"", true), Sniff::Events);
        assert_eq!(judge(b"null", true), Sniff::Other(NoStreamKind::Json));
        assert_eq!(judge(b"oops", true), Sniff::Other(NoStreamKind::Prose));
    }

    #[test]
    fn any_chunking_gives_the_same() {
        for body in [
            "data: {}\n\n",
            "event: a\ndata: 1\n\n",
            "<!doctype html><title> Bad Gateway </title>",
            "nope nope",
        ] {
            for size in 1..body.len() {
                let mut sniffer = Sniffer::new(0);
                let mut out = Vec::new();
                for chunk in body.as_bytes().chunks(size) {
                    out.extend(
                        sniffer
                            .push(Bytes::copy_from_slice(chunk))
                            .unwrap_or_default(),
                    );
                }
                out.extend(sniffer.finish().unwrap_or_default());
                match sniffer.verdict() {
                    Sniff::Events => assert_eq!(out, body.as_bytes()),
                    Sniff::Other(kind) => {
                        let excerpt = sniffer.describe(kind).excerpt;
                        assert_eq!(
                            excerpt,
                            if kind == NoStreamKind::Html {
                                "Bad Gateway"
                            } else {
                                body
                            }
                        );
                    }
                    Sniff::Undecided => panic!("{body}"),
                }
            }
        }
    }
}
