//! Reading an event by the likeness of the one before it.
//!
//! The deltas of a text differ from each other in a number, a string or two, and nothing else. A [`Stencil`] is cut from
//! one delta: the bytes that the next one shares with it, and the holes between them. An event that fits is read by
//! comparing bytes; one that does not fit is read as any other. Both ways give the same event, which is tested.

use bytes::Bytes;

use crate::json;
use crate::sse::{Frame, Oddities};

use super::{Class, Event, EventKind, Field, Payload};

/// So many values of an event are looked at; one with more of them is read as any other.
const MOST: usize = 16;

/// Where one value of the event stands.
#[derive(Debug, Clone, Copy, Default)]
struct Value {
    start: u32,
    end: u32,
    /// `None` for a field that is not read.
    field: Option<Field>,
    /// The next event may have another value here.
    varies: bool,
}

/// What the next event is expected to look like.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stencil {
    /// The data that it was cut from.
    text: Bytes,
    kind: Option<EventKind>,
    /// In the order of the text.
    values: Vec<Value>,
    escapes: bool,
    /// The fields that were seen to change from one event to the next, by their bits.
    changing: u32,
}

impl Stencil {
    /// Reads a frame, and remembers what it looks like. The event is the same as [`Event::read`] gives.
    pub(crate) fn read(&mut self, frame: Frame) -> Event {
        let mut event = Event::empty(frame);
        if self.fit(&mut event) {
            debug_assert!(event == Event::read(event.frame.clone()));
            return event;
        }
        let event = Event::read(event.frame);
        if matches!(event.kind.class(), Class::TextDelta | Class::CallDelta) {
            self.cut(&event);
        }
        event
    }

    /// Reads an event whose data differs from the stencil in its holes only. `false`: it has to be read anew.
    fn fit(&self, event: &mut Event) -> bool {
        let Some(kind) = self.kind else { return false };
        event.kind = kind;
        event.payload = Payload::Object;
        !event.frame.oddities().contains(Oddities::INVALID_UTF8) && self.spans(event).is_some()
    }

    fn spans(&self, event: &mut Event) -> Option<()> {
        let data = event.frame.data();
        let mut escapes = self.escapes;
        // Up to where the stencil and the data were compared, and how far the one is behind the other there.
        let (mut read, mut at) = (0, 0);
        for value in &self.values {
            let (start, end) = (value.start as usize, value.end as usize);
            if value.varies {
                at = same(&self.text[read..start], data, at)?;
                let begin = at;
                if data.get(at) == Some(&b'"') {
                    let (end, escaped) = json::string(data, at)?;
                    escapes |= escaped;
                    at = end;
                } else {
                    at = integer_end(data, at)?;
                }
                read = end;
                if let Some(field) = value.field {
                    event.spans[field as usize] = (begin as u32, at as u32);
                }
            } else if let Some(field) = value.field {
                // Not compared yet, but it stands here if the comparison comes out well.
                let begin = at + (start - read);
                event.spans[field as usize] = (begin as u32, (begin + end - start) as u32);
            }
        }
        event.escapes = escapes;
        (data.get(at..) == self.text.get(read..)).then_some(())
    }

    /// Takes `event` as what the next ones will look like.
    fn cut(&mut self, event: &Event) {
        self.kind = None;
        if event.payload != Payload::Object || event.duplicates {
            return;
        }
        let text = event.frame.data_bytes();
        let mut values = std::mem::take(&mut self.values);
        self.note_changes(&values, event);
        values.clear();
        let mut escapes = false;
        let whole = json::scan_simple(&text, |key, start, end| {
            let field = Field::from_name(key);
            let raw = &text[start..end];
            let plain = raw[0] == b'"' || json::integer(raw).is_some();
            let varies = plain && field.is_none_or(|field| self.changes(field));
            escapes |= !varies && raw.contains(&b'\\');
            values.push(Value {
                start: start as u32,
                end: end as u32,
                field,
                varies,
            });
        });
        if whole.is_some() && values.len() <= MOST {
            self.kind = Some(event.kind);
        }
        self.values = values;
        self.escapes = escapes;
        self.text = text;
    }

    /// Notes the fields whose value is another one than in the stencil so far.
    fn note_changes(&mut self, before: &[Value], event: &Event) {
        for value in before {
            let Some(field) = value.field.filter(|field| *field != Field::Type) else {
                continue;
            };
            let then = self.text.get(value.start as usize..value.end as usize);
            if event.bytes(field).is_some_and(|now| Some(now) != then) {
                self.changing |= 1 << field as u32;
            }
        }
    }

    fn changes(&self, field: Field) -> bool {
        matches!(field, Field::SequenceNumber | Field::Delta)
            || self.changing >> field as u32 & 1 == 1
    }
}

/// Where `data` goes on behind `text`, which it has at `at`.
fn same(text: &[u8], data: &[u8], at: usize) -> Option<usize> {
    data.get(at..)?.starts_with(text).then(|| at + text.len())
}

/// The end of the integer at `at`: no sign, no fraction, no zero before other digits.
fn integer_end(data: &[u8], at: usize) -> Option<usize> {
    let rest = &data[at..];
    let length = json::digits(rest);
    let odd = length == 0 || length > 1 && rest[0] == b'0';
    (!odd && !matches!(rest.get(length), Some(b'.' | b'e' | b'E'))).then(|| at + length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![
            "\"\"",
            "\"a\"",
            "\"\u{e4} b\"",
            "\"\\n\"",
            "\"\\ud83d\"",
            "\"\\x\"",
            "\"\t\"",
            "\"a",
            "0",
            "7",
            "12",
            "012",
            "1.5",
            "-1",
            "1e3",
            "null",
            "true",
            "[]",
            "[1]",
            "{\"a\":1}",
            "{}",
            "{",
            "",
        ])
    }

    fn frame() -> impl Strategy<Value = Frame> {
        let key = prop::sample::select(vec![
            "item_id",
            "output_index",
            "delta",
            "x",
            "obfuscation",
            "error",
        ]);
        let fields = proptest::collection::vec((key, value()), 0..3);
        let number = prop::option::of(0..40u32);
        let kind = prop::sample::select(vec![
            "response.output_text.delta",
            "response.function_call_arguments.delta",
            "response.completed",
        ]);
        (kind, number, fields).prop_map(|(kind, number, fields)| {
            let mut data = format!("{{\"type\":\"{kind}\"");
            if let Some(number) = number {
                data.push_str(&format!(",\"sequence_number\":{number}"));
            }
            for (key, value) in fields {
                data.push_str(&format!(",\"{key}\":{value}"));
            }
            Frame::compose(kind, format!("{data}}}").as_bytes())
        })
    }

    proptest! {
        /// Whatever came before, an event is what it is.
        #[test]
        fn it_reads_what_the_general_reader_reads(frames in proptest::collection::vec((frame(), 1..4usize), 1..12)) {
            let mut stencil = Stencil::default();
            for (frame, times) in frames {
                for _ in 0..times {
                    prop_assert_eq!(stencil.read(frame.clone()), Event::read(frame.clone()));
                }
            }
        }
    }

    #[test]
    fn the_next_delta_is_read_by_it() {
        let delta = |number: u32, item: &str, text: &str| {
            let data = format!(
                "{{\"type\":\"response.output_text.delta\",\"sequence_number\":{number},\"item_id\":\"{item}\",\"delta\":\"{text}\",\"n\":[0]}}"
            );
            Frame::compose("response.output_text.delta", data.as_bytes())
        };
        let mut stencil = Stencil::default();
        stencil.read(delta(9, "a", "x"));
        let fits = |stencil: &Stencil, frame| stencil.fit(&mut Event::empty(frame));
        assert!(fits(&stencil, delta(10, "a", "\\n")));
        assert!(!fits(&stencil, delta(10, "a", "\n")));
        assert!(!fits(&stencil, delta(10, "b", "x")));
        stencil.read(delta(10, "b", "x"));
        assert!(
            fits(&stencil, delta(11, "c", "x")),
            "an id that changes is a hole"
        );
    }
}
