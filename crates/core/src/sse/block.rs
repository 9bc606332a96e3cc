//! The block in progress: lines in, a [`Frame`] out.
//!
//! All positions are counted from the block's first byte, so they hold whichever buffer the bytes
//! are in.

use std::ops::Range;

use bytes::Bytes;

use super::frame::{Data, Frame, Reading};
use super::line::{BOM, Field, LineEnd, Span, lines};
use super::oddities::Oddities;
use super::probe::Probe;

/// What the lines so far said.
#[derive(Debug, Default)]
pub(super) struct Block {
    pub(super) oddities: Oddities,
    /// Whether any line was a field (rather than a comment or blank).
    pub(super) has_fields: bool,
    data_lines: u32,
    /// The value of the latest `data` line.
    data: Option<Span>,
    name: Option<Span>,
    id: Option<Span>,
    retry: Option<u64>,
    /// Data lines that rule 2 has looked at; the latest one is fed when something follows it.
    probe: Probe,
    probed_lines: u32,
}

impl Block {
    /// Where the block has to end because the line at `line` belongs to another one (rules 2 and 3
    /// of the module docs). The line is not part of the block then, and the block is to be read
    /// again up to there ([`Block::read`]).
    #[inline]
    pub(super) fn ends_before(
        &mut self,
        block: &[u8],
        line: &Range<usize>,
        field: Field<'_>,
    ) -> Option<usize> {
        if !self.has_fields {
            return self
                .oddities
                .contains(Oddities::COMMENT)
                .then_some(line.start);
        }
        let data = self.data?;
        self.ends_behind(block, data, field)
    }

    /// Whether the block ends behind its latest data line, and where that is, now that a line
    /// follows.
    #[inline(never)]
    fn ends_behind(&mut self, block: &[u8], data: Span, field: Field<'_>) -> Option<usize> {
        let repeats = match field {
            Field::Data(value) => {
                self.feed_probe(block, data);
                !value.is_empty()
            }
            // The first `event` line may stand behind the data: WHATWG lets fields come in any
            // order.
            Field::Event(value) => !value.is_empty() && self.name.is_some(),
            _ => false,
        };
        (repeats && self.data_is_whole(block, data)).then(|| match &block[data.end()..] {
            [b'\r', b'\n', ..] => data.end() + 2,
            _ => data.end() + 1,
        })
    }

    /// Shows the probe the latest data line, once: when something follows it. Most data is never
    /// looked at.
    fn feed_probe(&mut self, block: &[u8], latest: Span) {
        if self.probed_lines < self.data_lines {
            self.probed_lines = self.data_lines;
            self.probe.feed(latest.of(block));
        }
    }

    fn data_is_whole(&mut self, block: &[u8], latest: Span) -> bool {
        self.feed_probe(block, latest);
        if !self.probe.is_closed() {
            return false;
        }
        if self.data_lines == 1 {
            self.probe.settle(latest.of(block))
        } else {
            self.probe
                .settle(&joined(self.without_bom(&block[..latest.end()])))
        }
    }

    /// Takes in a line that is neither blank nor the beginning of another block.
    #[inline]
    pub(super) fn apply(&mut self, line: &Range<usize>, field: Field<'_>) {
        let span = |value: &[u8]| Some(Span::new(line.end - value.len(), line.end));
        match field {
            Field::Comment => {
                self.oddities.insert(Oddities::COMMENT);
                return;
            }
            Field::Data(value) => {
                self.data = span(value);
                self.data_lines += 1;
            }
            Field::Event(value) => self.name = span(value),
            Field::Id(value) => {
                self.oddities.insert(Oddities::ID);
                // WHATWG: an id that contains NULL is ignored.
                if memchr::memchr(0, value).is_none() {
                    self.id = span(value);
                }
            }
            Field::Retry(value) => {
                self.oddities.insert(Oddities::RETRY);
                self.retry = milliseconds(value).or(self.retry);
            }
            Field::Unknown => self.oddities.insert(Oddities::UNKNOWN_FIELD),
        }
        self.has_fields = true;
    }

    /// `block` behind the body's byte order mark; elsewhere the same bytes are content.
    fn without_bom<'a>(&self, block: &'a [u8]) -> &'a [u8] {
        if self.oddities.contains(Oddities::BOM) {
            &block[BOM.len()..]
        } else {
            block
        }
    }

    /// Notes how a line ended.
    #[inline]
    pub(super) fn line_ended(&mut self, how: LineEnd) {
        match how {
            LineEnd::Lf | LineEnd::None => {}
            LineEnd::Cr => self.oddities.insert(Oddities::BARE_CR),
            LineEnd::CrLf => self.oddities.insert(Oddities::CRLF),
        }
    }

    /// Whether a line that is not blank was taken in.
    pub(super) fn has_lines(&self) -> bool {
        self.has_fields || self.oddities.contains(Oddities::COMMENT)
    }

    /// The name in the block so far, for an error message.
    pub(super) fn name(&self, block: &[u8]) -> Option<String> {
        const LONGEST: usize = 128;
        let name = self.name?.of(block);
        std::str::from_utf8(name)
            .ok()
            .filter(|name| name.len() <= LONGEST)
            .map(str::to_owned)
    }

    /// Reads a whole block at once, for one that turned out to end earlier than where reading is.
    pub(super) fn read(block: &[u8], offset: u64) -> Self {
        let mut this = Self::default();
        let mut begin = 0;
        if offset == 0 && block.starts_with(BOM) {
            this.oddities.insert(Oddities::BOM);
            begin = BOM.len();
        } else if block.first() == Some(&b'\n') {
            // The LF that came late (rule 1).
            this.oddities.insert(Oddities::CRLF);
            begin = 1;
        }
        for (line, how) in lines(&block[begin..]) {
            let line = line.start + begin..line.end + begin;
            if !line.is_empty() {
                this.apply(&line, Field::read(&block[line.clone()]));
            }
            this.line_ended(how);
        }
        this
    }

    /// The frame that `raw`, the block's bytes, make. What is left is a block without lines.
    #[inline]
    pub(super) fn take_frame(&mut self, raw: Bytes, offset: u64) -> Frame {
        let mut oddities = self.oddities;
        let data = match (self.data_lines, self.data) {
            (1, Some(span)) => Data::Slice(span),
            (2.., Some(_)) => {
                oddities.insert(Oddities::MULTI_LINE);
                Data::Joined(joined(self.without_bom(&raw)).into())
            }
            _ => {
                if self.has_fields {
                    oddities.insert(Oddities::NO_DATA);
                }
                Data::None
            }
        };
        let (name, id, retry, has_fields) = (self.name, self.id, self.retry, self.has_fields);
        *self = Self::default();
        Frame::new(
            raw,
            offset,
            Reading {
                oddities,
                data,
                name,
                id,
                retry,
                has_fields,
            },
        )
    }
}

/// The `data` lines of `block`, joined by LF. The lines are found again rather than remembered:
/// remembering them would cost more memory than a block of very short lines itself.
fn joined(block: &[u8]) -> Vec<u8> {
    let mut data = Vec::with_capacity(block.len());
    let mut first = true;
    for (line, _) in lines(block) {
        if let Field::Data(value) = Field::read(&block[line]) {
            if !first {
                data.push(b'\n');
            }
            first = false;
            data.extend_from_slice(value);
        }
    }
    data.shrink_to_fit();
    data
}

/// WHATWG: `retry` is ASCII digits only. A number past 64 bits is no reconnection time either.
fn milliseconds(value: &[u8]) -> Option<u64> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(value).ok()?.parse().ok()
}
