//! Setting top-level fields of an event whose spans are known: one buffer is written, and nothing is read again.

use crate::json;
use crate::sse::{Frame, Oddities};

use super::{Event, EventKind, Field, Payload, Spans};

/// One field of the event that is written.
struct Piece<'a> {
    field: Field,
    raw: &'a str,
    /// The span of the old value; both ends where the object closes for a field that is added.
    start: usize,
    end: usize,
    added: bool,
    /// Which of the fields that are set it is: what is added stands in that order.
    at: usize,
}

impl Event {
    /// The event under `name` with these top-level fields set to raw JSON, each one once. `None` where that takes a
    /// general reader: what comes out otherwise is what [`Event::read`] makes of the edited text.
    pub(crate) fn with_fields(&self, name: &str, fields: &[(Field, &str)]) -> Option<Self> {
        let data = self.frame.data();
        let one_line = |raw: &str| memchr::memchr2(b'\n', b'\r', raw.as_bytes()).is_none();
        let known = self.payload == Payload::Object
            && !self.duplicates
            && !self
                .frame
                .oddities()
                .intersects(Oddities::INVALID_UTF8 | Oddities::MULTI_LINE)
            && fields.iter().all(|(_, raw)| one_line(raw));
        if !known || name.is_empty() || !one_line(name) {
            return None;
        }
        // A frame is less than 4 GiB.
        let sizes = fields.iter().map(|(_, raw)| raw.len());
        u32::try_from(sizes.sum::<usize>() + data.len() + name.len() + 1024).ok()?;
        let close = memchr::memrchr(b'}', data)?;
        let mut pieces = self.pieces(fields, close);
        pieces.sort_unstable_by_key(|piece| (piece.start, piece.at));
        let mut spans = self.spans;
        let frame = Frame::compose_line(name, length(data, &pieces), |out| {
            write(data, &pieces, &self.spans, &mut spans, out);
        });
        let escapes = if self.escapes {
            memchr::memchr(b'\\', frame.data()).is_some()
        } else {
            fields.iter().any(|(_, raw)| raw.contains('\\'))
        };
        let kind = match fields.iter().find(|(field, _)| *field == Field::Type) {
            Some((_, raw)) => EventKind::from_name(&json::unescape(raw)?),
            None => self.kind,
        };
        Some(Self {
            frame,
            kind,
            payload: Payload::Object,
            spans,
            duplicates: false,
            escapes,
        })
    }

    fn pieces<'a>(&self, fields: &[(Field, &'a str)], close: usize) -> Vec<Piece<'a>> {
        let piece = |(at, &(field, raw)): (usize, &(Field, &'a str))| {
            let span = self.span(field);
            let (start, end) = span
                .clone()
                .map_or((close, close), |span| (span.start, span.end));
            Piece {
                field,
                raw,
                start,
                end,
                added: span.is_none(),
                at,
            }
        };
        fields.iter().enumerate().map(piece).collect()
    }
}

/// How long the data is with the pieces in it; one more where nothing was in it before.
fn length(data: &[u8], pieces: &[Piece<'_>]) -> usize {
    let grown = pieces.iter().fold(data.len(), |length, piece| {
        let key = if piece.added {
            piece.field.name().len() + ",\"\":".len()
        } else {
            0
        };
        length + key + piece.raw.len()
    });
    grown
        - pieces
            .iter()
            .map(|piece| piece.end - piece.start)
            .sum::<usize>()
}

/// Writes `data` with the pieces in it, and notes in `spans` where its fields stand then.
fn write(data: &[u8], pieces: &[Piece<'_>], old: &Spans, spans: &mut Spans, out: &mut Vec<u8>) {
    let base = out.len();
    let mut empty = !data.contains(&b':');
    let mut from = 0;
    for piece in pieces {
        out.extend_from_slice(&data[from..piece.start]);
        if piece.added {
            let comma: &[u8] = if std::mem::replace(&mut empty, false) {
                b""
            } else {
                b","
            };
            for text in [comma, b"\"", piece.field.name().as_bytes(), b"\":"] {
                out.extend_from_slice(text);
            }
        }
        let start = out.len() - base;
        out.extend_from_slice(piece.raw.as_bytes());
        shift(spans, old, piece, start, out.len() - base);
        from = piece.end;
    }
    out.extend_from_slice(&data[from..]);
}

/// Notes that `piece` stands at `start..end` in the new text, and moves what stands behind it.
fn shift(spans: &mut Spans, old: &Spans, piece: &Piece<'_>, start: usize, end: usize) {
    spans[piece.field as usize] = (start as u32, end as u32);
    if piece.added {
        return;
    }
    for (span, before) in spans.iter_mut().zip(old) {
        if before.0 as usize >= piece.end {
            let by = |place: u32| (place as usize - piece.end + end) as u32;
            *span = (by(before.0), by(before.1));
        }
    }
}
