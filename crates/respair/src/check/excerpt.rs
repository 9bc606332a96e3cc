//! The frame of a finding as a person sees it: its lines, harmless on a terminal, and the place that is meant.

use std::ops::Range;

use respair_core::{Event, Violation};

use super::point::{Place, point, split_lines};
use crate::term::visible;

/// A few lines of the input.
#[derive(Clone, Debug)]
pub(crate) struct Excerpt {
    /// The event's type; empty where there is none.
    pub(crate) kind: String,
    /// The lines, oldest first.
    pub(crate) lines: Vec<Line>,
    /// Which of them holds the place, and where in it.
    pub(crate) mark: Option<(usize, Range<usize>)>,
    /// The finding is what does not come behind this event.
    pub(crate) is_behind: bool,
}

/// One line of the input.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// Its number in the input, from 1.
    pub(crate) number: u64,
    /// Its text, or a part of it, without control characters.
    pub(crate) text: String,
}

/// Lines that are shown of one frame.
const LINES: usize = 4;
/// Characters that are kept of one line: more than any screen shows.
const KEPT: usize = 500;

impl Excerpt {
    /// The frame of `event`, whose first line has this number, with the place that `violation` speaks of.
    pub(crate) fn of(event: &Event, first_line: u64, violation: &Violation) -> Self {
        let all = split_lines(event.raw());
        let place = point(event, violation, &all);
        Self::around(event, first_line, &all, place)
    }

    /// The frame of `event`, and the place behind it: something should follow.
    pub(crate) fn behind(event: &Event, first_line: u64) -> Self {
        let all = split_lines(event.raw());
        let last = all.iter().rposition(|line| !line.is_empty());
        let place = last.map(|last| (last, all[last].len()..all[last].len()));
        Self {
            is_behind: true,
            ..Self::around(event, first_line, &all, place)
        }
    }

    fn around(event: &Event, first_line: u64, all: &[Range<usize>], place: Option<Place>) -> Self {
        let raw = event.raw();
        // Blank lines say nothing, but they are counted.
        let shown: Vec<usize> = (0..all.len()).filter(|at| !all[*at].is_empty()).collect();
        let marked = place.as_ref().map_or(0, |(line, _)| *line);
        let at = shown.iter().position(|line| *line >= marked).unwrap_or(0);
        let from = (at + 1).saturating_sub(LINES.div_ceil(2));
        let from = from.min(shown.len().saturating_sub(LINES));
        let mut lines = Vec::new();
        let mut mark = None;
        for index in shown.into_iter().skip(from).take(LINES) {
            let within = place.as_ref().filter(|(line, _)| *line == index);
            let (text, range) = plain(&raw[all[index].clone()], within.map(|(_, range)| range));
            if let Some(range) = range {
                mark = Some((lines.len(), range));
            }
            let number = first_line + index as u64;
            lines.push(Line { number, text });
        }
        Self {
            kind: visible(&event.type_name()),
            lines,
            mark,
            is_behind: false,
        }
    }
}

/// The beginning of what is no stream. `more`: the body is longer.
pub(crate) fn beginning(head: &[u8], first_line: u64, more: bool) -> Excerpt {
    let all = split_lines(head);
    let shown = (0..all.len()).filter(|at| !all[*at].is_empty()).take(LINES);
    let mut lines: Vec<Line> = shown
        .map(|at| Line {
            number: first_line + at as u64,
            text: plain(&head[all[at].clone()], None).0,
        })
        .collect();
    if let Some(last) = lines.last_mut().filter(|_| more) {
        last.text.push('…');
    }
    Excerpt {
        kind: String::new(),
        mark: lines.first().map(|line| (0, 0..width(&line.text).max(1))),
        lines,
        is_behind: false,
    }
}

/// A line as text of which only so much is kept as a screen can show, around `mark` (a range of bytes, which becomes one
/// of columns).
fn plain(line: &[u8], mark: Option<&Range<usize>>) -> (String, Option<Range<usize>>) {
    let Some(mark) = mark else {
        let end = (KEPT * 4).min(line.len());
        let mut text = cut(&escaped(&line[..end]), KEPT);
        if end < line.len() && !text.ends_with('…') {
            text.push('…');
        }
        return (text, None);
    };
    let start = mark.start.min(line.len());
    let end = mark.end.clamp(start, line.len());
    let before = &line[..start];
    let skipped = before.len().saturating_sub(KEPT);
    let mut text = match skipped {
        0 => escaped(before),
        _ => format!("…{}", escaped(&before[skipped..])),
    };
    let from = width(&text);
    text.push_str(&cut(
        &escaped(&line[start..end.min(start + KEPT * 4)]),
        KEPT,
    ));
    // A mark of no length points behind the end of the line.
    let to = width(&text).max(from + 1);
    let rest = &line[end..];
    text.push_str(&escaped(&rest[..rest.len().min(KEPT)]));
    if rest.len() > KEPT {
        text.push('…');
    }
    (text, Some(from..to))
}

/// Bytes as text: what is no UTF-8, and what would do something on a terminal, as escapes.
fn escaped(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(&visible(chunk.valid()));
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out
}

/// The first `columns` columns of a text, the last of them `…` where something is left out.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut left = columns.saturating_sub(1);
    for c in text.chars() {
        match left.checked_sub(columns_of(c)) {
            Some(rest) => left = rest,
            None => break,
        }
        out.push(c);
    }
    out.push('…');
    out
}

/// As much of a line as fits into `columns`, with the mark in it; and where the mark is then.
pub(crate) fn window(text: &str, mark: &Range<usize>, columns: usize) -> (String, Range<usize>) {
    // What is seen of a mark that is longer than the line.
    let length = mark.len().min(columns / 2);
    if width(text) <= columns || mark.start + length < columns {
        let shown = cut(text, columns);
        let end = mark.end.min(width(&shown));
        return (shown, mark.start.min(end)..end.max(mark.start + 1));
    }
    // A third of the line stands before the mark, or more where the mark is near the end.
    let whole = width(text);
    let room = columns.saturating_sub(2);
    let start = mark
        .start
        .saturating_sub(room / 3)
        .min(whole.saturating_sub(room));
    let start = start.max((mark.start + length).saturating_sub(room));
    let mut shown = String::from("…");
    let mut at = 0;
    // Where a wide character is left out the mark moves with it.
    let mut from = None;
    for c in text.chars() {
        if at >= start {
            from.get_or_insert(at);
            shown.push(c);
        }
        at += columns_of(c);
    }
    let from = from.unwrap_or(start);
    let shown = cut(&shown, columns);
    let begin = mark.start - from + 1;
    let end = (begin + mark.len()).min(width(&shown).max(begin + 1));
    (shown, begin..end)
}

/// Columns that a text takes on a terminal.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

/// East Asian wide characters and emoji take two columns, what combines takes none.
fn columns_of(c: char) -> usize {
    match c as u32 {
        0x300..=0x36f | 0x200b..=0x200d | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0x303e
        | 0x3041..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1f64f
        | 0x1f900..=0x1f9ff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_window_holds_the_mark_whatever_the_width() {
        let text = format!("data: {}\"here\"{}", "x".repeat(300), "y".repeat(300));
        let at = text.find("\"here\"").unwrap();
        for columns in [20, 40, 60, 100, 310, 700] {
            let (shown, mark) = window(&text, &(at..at + 6), columns);
            assert!(width(&shown) <= columns, "{columns}: {shown}");
            let marked: String = shown.chars().skip(mark.start).take(mark.len()).collect();
            assert_eq!(marked, "\"here\"", "{columns}: {shown}");
        }
    }

    #[test]
    fn a_mark_longer_than_the_line_is_cut_with_it() {
        let text = "x".repeat(50);
        let (shown, mark) = window(&text, &(6..50), 20);
        assert_eq!((width(&shown), mark), (20, 6..20));
        let (shown, mark) = window(&text, &(50..51), 20);
        assert!(width(&shown) <= 20 && mark.start <= 20, "{shown} {mark:?}");
    }

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(width("a日本e\u{301}"), 6);
        assert_eq!(cut("日本語", 4), "日…");
        let text = format!("{}\"日\"{}", "本".repeat(60), "語".repeat(60));
        let (shown, mark) = window(&text, &(120..124), 40);
        let mut at = 0;
        let marked: String = shown
            .chars()
            .filter(|c| {
                let here = at;
                at += columns_of(*c);
                mark.contains(&here)
            })
            .collect();
        assert_eq!(marked, "\"日\"", "{shown} {mark:?}");
    }

    #[test]
    fn control_characters_and_broken_text_are_escaped() {
        assert_eq!(escaped(b"a\x1b[31m\xff\xfeb"), "a\\x1b[31m\\xff\\xfeb");
        let (text, mark) = plain(b"ab\x07cd\xffef", Some(&(5..6)));
        assert_eq!((text.as_str(), mark), ("ab\\x07cd\\xffef", Some(8..12)));
    }
}
