//! Chunks in, frames out: which bytes belong to which block.
//!
//! The block in progress lies in the current chunk, or, when it began in an earlier one, in `head`
//! as far as it has been scanned. No byte is scanned for a line end twice (but those behind a late
//! cut, once), and none is copied but those of a block that lies across chunks, once (small ones
//! twice, which is cheaper than giving their buffer away).

mod buffer;
mod oversized;

use std::collections::VecDeque;
use std::ops::Range;

use bytes::Bytes;
use memchr::memchr2;

use super::block::Block;
use super::frame::Frame;
use super::line::{BOM, Field, LONGEST, LineEnd};
use super::oddities::Oddities;

/// Reads the body of an event stream from chunks.
///
/// `push` a chunk, then take frames with `next_frame` until it gives `None`. When the body is over,
/// call `finish` until *it* gives `None`. Where the frames end is told in the [module
/// documentation](super).
///
/// Memory: the block in progress, never more than the limit (plus one byte), and the chunks that
/// were pushed and not yet read. Time is linear in the bytes, however they are cut. The data of a
/// frame in several `data` lines is held a second time, joined.
#[derive(Debug)]
pub struct Decoder {
    limit: usize,
    /// The chunk that is being read, from the first byte that is neither given out nor in `head`.
    chunk: Bytes,
    /// Chunks behind it.
    queue: VecDeque<Bytes>,
    /// The scanned bytes of a block that began in an earlier chunk; empty when it lies in `chunk`.
    head: Vec<u8>,
    /// How much of `chunk` is scanned. Only while `head` is empty: scanned bytes go there at once
    /// otherwise.
    scanned: usize,
    /// Where the current line begins in the block.
    line: usize,
    block: Block,
    /// Position of the block's first byte in the body.
    offset: u64,
    bytes_in: u64,
    cr: Cr,
    last_end: LineEnd,
    skip: Skip,
}

/// A CR was the last byte: whether it is a whole line end depends on the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cr {
    No,
    /// The line that it ends has been dealt with.
    Open,
    /// It ends a blank line, and so the block, once it is known whether an LF belongs to it.
    Blank,
}

/// Whether an oversized block is being passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Skip {
    No,
    /// At the beginning of a line.
    LineStart,
    WithinLine,
}

/// A block passed the limit. Its bytes are given up; reading goes on behind its blank line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the event at byte {offset} is larger than the limit of {}", crate::size(*limit as u64))]
#[non_exhaustive]
pub struct FrameTooLarge {
    /// The limit of one block, in bytes.
    pub limit: usize,
    /// Position of the block's first byte in the body.
    pub offset: u64,
    /// The event's name, where a line before the limit gave it.
    pub name: Option<String>,
}

impl Decoder {
    /// A decoder at the beginning of a body. `limit` (4 GiB at most) is the most bytes that one
    /// block may have, line ends included (and, where its blank line is missing, the line that
    /// shows it).
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit: limit.min(LONGEST),
            chunk: Bytes::new(),
            queue: VecDeque::new(),
            head: Vec::new(),
            scanned: 0,
            line: 0,
            block: Block::default(),
            offset: 0,
            bytes_in: 0,
            cr: Cr::No,
            last_end: LineEnd::None,
            skip: Skip::No,
        }
    }

    /// Takes the next chunk of the body, of any size.
    pub fn push(&mut self, chunk: Bytes) {
        self.bytes_in += chunk.len() as u64;
        if chunk.is_empty() {
        } else if self.chunk.is_empty() {
            self.chunk = chunk;
        } else {
            self.queue.push_back(chunk);
        }
    }

    /// The next frame that is whole, or the block that was too large; `None` when more bytes are
    /// needed.
    pub fn next_frame(&mut self) -> Option<Result<Frame, FrameTooLarge>> {
        loop {
            if self.skip != Skip::No {
                if !self.pass_over() && !self.refill() {
                    return None;
                }
                continue;
            }
            if self.cr != Cr::No {
                match self.chunk.get(self.scanned).copied() {
                    Some(next) => {
                        if let Some(frame) = self.settle_cr(next) {
                            return Some(Ok(frame));
                        }
                    }
                    None if self.refill() => {}
                    None => return None,
                }
                continue;
            }
            match self.find_line_end() {
                Some(at) => {
                    if let Some(result) = self.end_line(at) {
                        return Some(result);
                    }
                }
                None if self.head.len() + self.chunk.len() > self.limit => {
                    let at_line_start = self.line == self.head.len() + self.chunk.len();
                    return Some(Err(self.give_up(if at_line_start {
                        Skip::LineStart
                    } else {
                        Skip::WithinLine
                    })));
                }
                None if self.refill() => {}
                None => return None,
            }
        }
    }

    /// Says that the body is over: gives the frames that are still whole, then the block that has
    /// no blank line ([`Oddities::UNTERMINATED`]). Call it until it gives `None`.
    pub fn finish(&mut self) -> Option<Result<Frame, FrameTooLarge>> {
        if let Some(result) = self.next_frame() {
            return Some(result);
        }
        // `next_frame` has scanned everything: what is left of the block is in `head`.
        match std::mem::replace(&mut self.cr, Cr::No) {
            Cr::No => {}
            Cr::Open => self.note_end(LineEnd::Cr),
            Cr::Blank => {
                self.note_end(LineEnd::Cr);
                return Some(Ok(self.end_block()));
            }
        }
        if self.head.is_empty() {
            return None;
        }
        let line = self.line_until(self.head.len());
        if !line.is_empty()
            && let Some(frame) = self.read_line(&line)
        {
            return Some(Ok(frame));
        }
        if self.block.has_lines() {
            self.block.oddities.insert(Oddities::UNTERMINATED);
        }
        Some(Ok(self.end_block()))
    }

    /// The bytes pushed so far.
    #[must_use]
    pub fn bytes_in(&self) -> u64 {
        self.bytes_in
    }

    /// The bytes held: memory set aside for the block in progress, and chunks not yet read.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.head.capacity() + self.chunk.len() + self.queue.iter().map(Bytes::len).sum::<usize>()
    }

    /// Where the current line ends in the chunk.
    #[inline]
    fn find_line_end(&self) -> Option<usize> {
        match &self.chunk[self.scanned..] {
            // A third of all lines is blank: not worth setting up a search.
            [b'\n', ..] => Some(self.scanned),
            rest => memchr2(b'\n', b'\r', rest).map(|length| self.scanned + length),
        }
    }

    /// A line ends at `at` in the chunk.
    #[inline]
    fn end_line(&mut self, at: usize) -> Option<Result<Frame, FrameTooLarge>> {
        let is_cr = self.chunk[at] == b'\r';
        if self.head.len() + at + 1 > self.limit {
            let blank = self.line == self.head.len() + at;
            let (discarded, how) = (at + 1, if is_cr { Cr::Open } else { Cr::No });
            return Some(Err(self.give_up_at(discarded, how, blank)));
        }
        let end = self.take_until(at);
        let line = self.line_until(end);
        let how = if is_cr { LineEnd::Cr } else { LineEnd::Lf };
        if line.is_empty() {
            if is_cr && self.last_end == LineEnd::CrLf {
                self.cr = Cr::Blank;
                return None;
            }
            self.note_end(how);
            if is_cr {
                self.cr = Cr::Open;
            }
            return Some(Ok(self.end_block()));
        }
        if let Some(frame) = self.read_line(&line) {
            return Some(Ok(frame));
        }
        self.line = end + 1;
        if is_cr {
            self.cr = Cr::Open;
        } else {
            self.last_end = LineEnd::Lf;
        }
        None
    }

    /// Takes the chunk up to and including the line end at `at` into the block. Returns the line
    /// end's position there.
    #[inline]
    fn take_until(&mut self, at: usize) -> usize {
        if self.head.is_empty() {
            self.scanned = at + 1;
            at
        } else {
            self.keep(at + 1);
            self.head.len() - 1
        }
    }

    /// The current line, which ends at `end`, without the body's byte order mark.
    #[inline]
    fn line_until(&mut self, end: usize) -> Range<usize> {
        let mut line = self.line..end;
        if self.offset == 0 && self.line == 0 && self.bytes().starts_with(BOM) {
            self.block.oddities.insert(Oddities::BOM);
            line.start = BOM.len();
        }
        line
    }

    /// The block's bytes, as far as they are scanned, and perhaps more.
    #[inline]
    fn bytes(&self) -> &[u8] {
        if self.head.is_empty() {
            &self.chunk
        } else {
            &self.head
        }
    }

    /// Reads a line that is not blank into the block, or ends the block before it.
    #[inline]
    fn read_line(&mut self, line: &Range<usize>) -> Option<Frame> {
        let bytes: &[u8] = if self.head.is_empty() {
            &self.chunk
        } else {
            &self.head
        };
        let field = Field::read(&bytes[line.clone()]);
        if let Some(at) = self.block.ends_before(bytes, line, field) {
            return Some(self.cut(at));
        }
        self.block.apply(line, field);
        None
    }

    /// The byte behind a CR is there.
    fn settle_cr(&mut self, next: u8) -> Option<Frame> {
        let cr = std::mem::replace(&mut self.cr, Cr::No);
        if next == b'\n' {
            if self.head.is_empty() {
                self.scanned += 1;
            } else {
                self.keep(1);
            }
            self.line = self.head.len() + self.scanned;
            self.note_end(LineEnd::CrLf);
        } else {
            // Where the CR ended the block before, this is the next block's first byte: nothing to
            // note there.
            if self.head.len() + self.scanned > 0 {
                self.note_end(LineEnd::Cr);
            }
        }
        (cr == Cr::Blank).then(|| self.end_block())
    }

    #[inline]
    fn note_end(&mut self, how: LineEnd) {
        self.last_end = how;
        self.block.line_ended(how);
    }

    /// Gives out the block, all of whose bytes are scanned.
    #[inline]
    fn end_block(&mut self) -> Frame {
        let raw = if self.head.is_empty() {
            self.chunk.split_to(self.scanned)
        } else {
            self.take_head()
        };
        let offset = self.offset;
        self.offset += raw.len() as u64;
        self.scanned = 0;
        self.line = 0;
        self.block.take_frame(raw, offset)
    }

    /// Gives out the block up to `at`; the lines behind it are read again, into the next one.
    #[cold]
    fn cut(&mut self, at: usize) -> Frame {
        if !self.head.is_empty() {
            let head = Bytes::from(std::mem::take(&mut self.head));
            let rest = std::mem::replace(&mut self.chunk, head);
            if !rest.is_empty() {
                self.queue.push_front(rest);
            }
        }
        let raw = self.chunk.split_to(at);
        self.begin_block();
        let offset = self.offset;
        self.offset += raw.len() as u64;
        let mut block = Block::read(&raw, offset);
        if block.has_fields {
            block.oddities.insert(Oddities::BLANK_LINE_MISSING);
        }
        block.take_frame(raw, offset)
    }

    /// Sets up the next block.
    fn begin_block(&mut self) {
        self.scanned = 0;
        self.line = 0;
        self.block = Block::default();
    }
}
