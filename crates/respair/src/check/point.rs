//! Where in a frame a finding is: the field or the value that its sentence names, else the event's type.

use std::ops::Range;

use respair_core::{Event, Violation};

use super::fields::{DEEPEST, Found, fields, inner, lone_surrogate};

/// A line (its index in the frame) and the bytes in it.
pub(super) type Place = (usize, Range<usize>);

/// The lines of a frame as ranges of its bytes, without their ends. CR LF, LF and CR end a line.
pub(super) fn split_lines(raw: &[u8]) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    let mut start = 0;
    while let Some(length) = raw[start..].iter().position(|b| matches!(b, b'\n' | b'\r')) {
        let end = start + length;
        lines.push(start..end);
        start = end
            + if raw[end..].starts_with(b"\r\n") {
                2
            } else {
                1
            };
    }
    if start < raw.len() {
        lines.push(start..raw.len());
    }
    lines
}

/// The place that `violation` speaks of.
pub(super) fn point(event: &Event, violation: &Violation, lines: &[Range<usize>]) -> Option<Place> {
    let raw = event.raw();
    let data = Data::of(raw, lines, event.frame().data());
    let text = |at: usize| &raw[lines[at].clone()];
    let first = lines.iter().position(|line| !line.is_empty())?;
    let last = lines.iter().rposition(|line| !line.is_empty())?;
    let whole = |at: usize| Some((at, 0..lines[at].len()));
    let behind = |at: usize| Some((at, lines[at].len()..lines[at].len()));
    match violation.code.as_str() {
        "bom" => return Some((first, 0..3)),
        "crlf" | "bare-cr" => return behind(first),
        "blank-line-missing" | "final-blank-line-missing" => return behind(last),
        "invalid-utf8" => {
            let broken = |at: &usize| std::str::from_utf8(text(*at)).is_err();
            let at = (first..=last).find(broken)?;
            let error = std::str::from_utf8(text(at)).err()?;
            let start = error.valid_up_to();
            return Some((at, start..start + error.error_len().unwrap_or(1)));
        }
        "data-empty" | "data-null" | "data-not-object" => {
            return data
                .lines
                .first()
                .map_or(whole(first), |line| whole(line.at));
        }
        "data-not-json" => return data.fault().or_else(|| whole(first)),
        _ => {}
    }
    let event_line = (first..=last).find(|at| text(*at).starts_with(b"event:"));
    let named = ticked(&violation.message);
    if named.iter().any(|name| name.starts_with("event:"))
        && let Some(at) = event_line
    {
        return whole(at);
    }
    // The event as a whole: its name stands at the beginning of its line, `type` often far down in the data.
    let name = event_line.filter(|at| text(*at).ends_with(event.type_name().as_bytes()));
    data.place(violation.code.as_str(), &violation.message, &named)
        .or_else(|| name.and_then(whole))
        .or_else(|| data.typed())
        .or_else(|| event_line.and_then(whole))
        .or_else(|| whole(first))
}

/// What stands between backticks.
fn ticked(message: &str) -> Vec<&str> {
    message.split('`').skip(1).step_by(2).collect()
}

/// A frame's data, and where its bytes are in the frame's lines.
struct Data<'a> {
    text: &'a [u8],
    lines: Vec<DataLine>,
}

struct DataLine {
    /// Its index in the frame.
    at: usize,
    /// Where its value begins in the line.
    column: usize,
    /// Where its value begins in the data.
    start: usize,
    length: usize,
}

impl<'a> Data<'a> {
    fn of(raw: &[u8], lines: &[Range<usize>], text: &'a [u8]) -> Self {
        let mut start = 0;
        let mut found = Vec::new();
        for (at, line) in lines.iter().enumerate() {
            let line = &raw[line.clone()];
            let line = line
                .strip_prefix(b"\xef\xbb\xbf")
                .map_or((line, 0), |rest| (rest, 3));
            let (Some(rest), skipped) = (line.0.strip_prefix(b"data"), line.1) else {
                continue;
            };
            let column = match rest {
                [b':', b' ', ..] => 6,
                [b':', ..] => 5,
                [] => 4,
                _ => continue,
            };
            let length = line.0.len() - column;
            found.push(DataLine {
                at,
                column: column + skipped,
                start,
                length,
            });
            // The lines are joined by LF.
            start += length + 1;
        }
        Self { text, lines: found }
    }

    /// A span of the data as a place in a line; what goes on in the next line is left out.
    fn locate(&self, span: Range<usize>) -> Option<Place> {
        let holds = |line: &&DataLine| span.start <= line.start + line.length;
        let line = self.lines.iter().find(holds)?;
        let start = line.column + span.start - line.start;
        let end = line.column + span.end.min(line.start + line.length) - line.start;
        Some((line.at, start..end.max(start)))
    }

    /// Where a JSON reader stops.
    fn fault(&self) -> Option<Place> {
        let text = std::str::from_utf8(self.text).ok()?;
        let error = serde_json::from_str::<serde::de::IgnoredAny>(text).err()?;
        let line = text.split('\n').take(error.line() - 1);
        let before: usize = line.map(|line| line.len() + 1).sum();
        let at = (before + error.column().saturating_sub(1)).min(self.text.len());
        let end = if error.is_eof() { at } else { at + 1 };
        match error.is_eof() {
            true => self.locate(self.text.len()..self.text.len()),
            false => self.locate(at..end),
        }
    }

    /// The field that is meant: named in the sentence, or holding a value that is, or the one that the code is about.
    fn place(&self, code: &str, message: &str, named: &[&str]) -> Option<Place> {
        match code {
            "duplicate-key" => return self.twice(),
            "lone-surrogate" => return self.locate(lone_surrogate(self.text)?),
            _ => {}
        }
        let fields = fields(self.text);
        // What is said to be missing is not to be found; a field of that name further inside is another one.
        let is_about_nothing = message.contains(" lacks `");
        let deepest = if message.contains(" no `") {
            1
        } else {
            DEEPEST
        };
        let by_key = named.iter().find_map(|name| {
            let same =
                |field: &&Found| field.depth <= deepest && self.key(field) == name.as_bytes();
            fields.iter().filter(same).min_by_key(|field| field.depth)
        });
        let by_value = named.iter().rev().find_map(|name| {
            let same = |field: &&Found| {
                let is_type = field.depth == 1 && self.key(field) == b"type";
                !is_type && self.value(field) == Some(name.as_bytes())
            };
            fields.iter().filter(same).min_by_key(|field| field.depth)
        });
        let by_code = about(code).iter().find_map(|name| {
            let same = |field: &&Found| field.depth <= 2 && self.key(field) == name.as_bytes();
            fields.iter().filter(same).min_by_key(|field| field.depth)
        });
        let found = match is_about_nothing {
            true => by_code,
            false => by_key.or(by_value).or(by_code),
        };
        self.locate(found?.span())
    }

    /// A key that stands twice in the event itself; those further inside are not looked for.
    fn twice(&self) -> Option<Place> {
        let fields = fields(self.text);
        let outer: Vec<&Found> = fields.iter().filter(|field| field.depth == 1).collect();
        let again = |(at, field): &(usize, &&Found)| {
            outer[..*at]
                .iter()
                .any(|other| self.key(other) == self.key(field))
        };
        let (_, field) = outer.iter().enumerate().find(again)?;
        self.locate(field.span())
    }

    /// The event's type.
    fn typed(&self) -> Option<Place> {
        let fields = fields(self.text);
        let is_type = |field: &&Found| field.depth == 1 && self.key(field) == b"type";
        self.locate(fields.iter().find(is_type)?.span())
    }

    fn key(&self, field: &Found) -> &[u8] {
        inner(&self.text[field.key.clone()])
    }

    fn value(&self, field: &Found) -> Option<&[u8]> {
        Some(inner(&self.text[field.value.clone()?]))
    }
}

/// The fields that a rule is about where its sentence names none that is there.
fn about(code: &str) -> &'static [&'static str] {
    match code {
        "usage-incomplete" => &["usage"],
        "done-text-mismatch" => &["text", "arguments", "input", "refusal", "part", "item"],
        "error-shape" => &["error", "message"],
        _ => {
            let starts = |prefix: &str| {
                code.strip_prefix(prefix)
                    .is_some_and(|rest| rest.starts_with('-'))
            };
            let known: [(&str, &'static [&'static str]); 8] = [
                ("output-index", &["output_index"]),
                ("content-index", &["content_index", "summary_index"]),
                ("item-id", &["item_id", "item"]),
                ("item", &["item"]),
                ("part", &["part"]),
                ("prefilled", &["item", "part"]),
                ("response", &["response"]),
                ("delta", &["delta"]),
            ];
            known
                .iter()
                .find(|(prefix, _)| starts(prefix))
                .map_or(&[], |(_, keys)| keys)
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use respair_core::{Context, Event, Profile, Reader, ReaderOptions, Step};

    /// What is pointed at in the first frame of `body` for the first finding of `code`.
    fn pointed_at(body: &str, code: &str) -> String {
        let mut reader = Reader::new(
            ReaderOptions::judging().with_profile(Profile::Portable),
            Context::new(0, 0),
        );
        reader.push(Bytes::copy_from_slice(body.as_bytes()));
        reader.finish(respair_core::EndOfBody::Eof);
        while let Some(step) = reader.poll() {
            drop::<Step>(step);
        }
        let found = reader.violations().iter().find(|v| v.code.as_str() == code);
        let found = found.unwrap_or_else(|| panic!("{code} in {:?}", reader.violations()));
        let mut decoder = respair_core::sse::Decoder::new(1 << 20);
        decoder.push(Bytes::copy_from_slice(body.as_bytes()));
        let frame = std::iter::from_fn(|| decoder.finish())
            .map(Result::unwrap)
            .find(|frame| frame.offset() == found.byte_start)
            .unwrap();
        let lines = split_lines(frame.raw());
        let (line, range) = point(&Event::read(frame.clone()), found, &lines).unwrap();
        let line = &frame.raw()[lines[line].clone()];
        match range.is_empty() {
            true => format!("{}<", String::from_utf8_lossy(line)),
            false => String::from_utf8_lossy(&line[range]).into_owned(),
        }
    }

    #[test]
    fn the_place_that_a_sentence_speaks_of() {
        let created = r#"{"type":"response.created","sequence_number":0,"response":{"id":"r","object":"response","created_at":1,"model":"m","status":"in_progress","output":[]}}"#;
        let frames =
            |second: &str| format!("event: response.created\ndata: {created}\n\n{second}\n\n");
        for (second, code, place) in [
            ("data: {\"a\":1,}", "data-not-json", "}"),
            ("data: {\"a\":", "data-not-json", "data: {\"a\":<"),
            ("data: {\ndata: \"a\" 1}", "data-not-json", "1"),
            ("event: x", "data-empty", "event: x"),
            ("data:null", "data-null", "data:null"),
            (
                r#"event: response.in_progress
data: {"type":"response.in_progress","sequence_number":0,"response":{"id":"r","object":"response","created_at":1,"model":"m","status":"in_progress","output":[]}}"#,
                "sequence-not-increasing",
                r#""sequence_number":0"#,
            ),
            (
                r#"event: response.in_progress
data: {"type":"response.in_progress","sequence_number":1,"response":{"id":"r","object":"response","model":"m","status":"in_progress","output":[]}}"#,
                "response-fields-missing",
                r#""response""#,
            ),
            (
                r#"event: response.in_progress
data: {"sequence_number":1,"response":{"text":{"type":"no"},"id":"r","object":"response","created_at":1,"model":"m","status":"in_progress","output":[]}}"#,
                "type-missing",
                "event: response.in_progress",
            ),
            (
                r#"event: ping
data: {"type":"response.in_progress","sequence_number":1,"response":{"id":"r","object":"response","created_at":1,"model":"m","status":"in_progress","output":[]}}"#,
                "event-name-mismatch",
                "event: ping",
            ),
            (
                r#"data: {"type":"response.in_progress","sequence_number":1,"sequence_number":2,"response":{"id":"r","object":"response","created_at":1,"model":"m","status":"in_progress","output":[]}}"#,
                "duplicate-key",
                r#""sequence_number":2"#,
            ),
        ] {
            assert_eq!(pointed_at(&frames(second), code), place, "{code}: {second}");
        }
    }

    #[test]
    fn lines_end_in_three_ways() {
        let raw = b"a\r\nb\rc\n\nd";
        let lines: Vec<&[u8]> = split_lines(raw)
            .into_iter()
            .map(|line| &raw[line])
            .collect();
        assert_eq!(lines, [&b"a"[..], b"b", b"c", b"", b"d"]);
    }
}
