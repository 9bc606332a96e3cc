//! Lines and fields: a block's bytes split at CR, LF and CR LF, a line split at its colon.

use std::ops::Range;

use memchr::{memchr, memchr2};

/// The byte order mark that WHATWG lets stand at the very beginning of a body.
pub(super) const BOM: &[u8] = b"\xEF\xBB\xBF";

/// A range of positions inside a block. A block is less than 4 GiB ([`LONGEST`]), and frames are moved
/// about, so it is small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    start: u32,
    end: u32,
}

/// The most bytes of a block.
pub(super) const LONGEST: usize = (u32::MAX - 1) as usize;

impl Span {
    /// From `start` up to `end`; a position past [`LONGEST`] makes a span that lies outside every block.
    #[inline]
    pub(super) fn new(start: usize, end: usize) -> Self {
        let narrow = |position| u32::try_from(position).unwrap_or(u32::MAX);
        Self {
            start: narrow(start),
            end: narrow(end),
        }
    }

    #[inline]
    pub(super) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    #[inline]
    pub(super) fn end(self) -> usize {
        self.end as usize
    }

    /// The bytes of `block` at this span; empty where the span lies outside.
    #[inline]
    pub(super) fn of(self, block: &[u8]) -> &[u8] {
        block.get(self.range()).unwrap_or_default()
    }
}

/// One line, read as WHATWG's "process the field" does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field<'a> {
    Comment,
    Data(&'a [u8]),
    Event(&'a [u8]),
    Id(&'a [u8]),
    Retry(&'a [u8]),
    Unknown,
}

impl<'a> Field<'a> {
    /// Reads a line that is not blank, without its line end. Values are suffixes of `line`.
    #[inline]
    pub(super) fn read(line: &'a [u8]) -> Self {
        // Nearly every line is one of these two: they are told without looking for the colon.
        if let Some(value) = line.strip_prefix(b"data:") {
            return Self::Data(without_space(value));
        }
        if let Some(value) = line.strip_prefix(b"event:") {
            return Self::Event(without_space(value));
        }
        let (name, value) = match memchr(b':', line) {
            Some(0) => return Self::Comment,
            Some(colon) => (&line[..colon], without_space(&line[colon + 1..])),
            None => (line, &line[line.len()..]),
        };
        match name {
            b"data" => Self::Data(value),
            b"event" => Self::Event(value),
            b"id" => Self::Id(value),
            b"retry" => Self::Retry(value),
            _ => Self::Unknown,
        }
    }
}

/// One space after the colon is part of the syntax, a second one is part of the value.
#[inline]
fn without_space(value: &[u8]) -> &[u8] {
    value.strip_prefix(b" ").unwrap_or(value)
}

/// How a line ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineEnd {
    Lf,
    Cr,
    CrLf,
    /// The bytes ended first.
    None,
}

/// The lines of `block`, each with how it ended.
pub(super) fn lines(block: &[u8]) -> Lines<'_> {
    Lines { block, at: 0 }
}

/// See [`lines`].
pub(super) struct Lines<'a> {
    block: &'a [u8],
    at: usize,
}

impl Iterator for Lines<'_> {
    type Item = (Range<usize>, LineEnd);

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.at;
        let rest = self.block.get(start..).filter(|rest| !rest.is_empty())?;
        let Some(length) = memchr2(b'\n', b'\r', rest) else {
            self.at = self.block.len();
            return Some((start..self.at, LineEnd::None));
        };
        let end = start + length;
        let (how, width) = match &rest[length..] {
            [b'\r', b'\n', ..] => (LineEnd::CrLf, 2),
            [b'\r', ..] => (LineEnd::Cr, 1),
            _ => (LineEnd::Lf, 1),
        };
        self.at = end + width;
        Some((start..end, how))
    }
}
