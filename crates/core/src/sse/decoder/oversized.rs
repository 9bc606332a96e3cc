//! Blocks past the limit: given up at once, passed over up to their blank line.
//!
//! What counts is the bytes of the block up to the line end that was found, or up to the last byte
//! there is while none is: so the same byte passes the limit whatever the chunks are.

use bytes::Buf;
use memchr::memchr2;

use super::super::line::LineEnd;
use super::{Cr, Decoder, FrameTooLarge, Skip};

impl Decoder {
    /// Gives up the block and the whole chunk, which belongs to it.
    #[cold]
    pub(super) fn give_up(&mut self, skip: Skip) -> FrameTooLarge {
        let error = self.drop_block(self.chunk.len());
        self.skip = skip;
        error
    }

    /// Gives up the block with the first `count` bytes of the chunk, which end with a line end.
    #[cold]
    pub(super) fn give_up_at(&mut self, count: usize, cr: Cr, blank: bool) -> FrameTooLarge {
        let error = self.drop_block(count);
        self.cr = cr;
        self.skip = if blank { Skip::No } else { Skip::LineStart };
        error
    }

    fn drop_block(&mut self, count: usize) -> FrameTooLarge {
        let (limit, offset, name) = (self.limit, self.offset, self.block.name(self.bytes()));
        self.offset += (self.head.len() + count) as u64;
        self.head = Vec::new();
        self.chunk.advance(count);
        self.begin_block();
        self.last_end = LineEnd::None;
        FrameTooLarge {
            limit,
            offset,
            name,
        }
    }

    /// Passes over the rest of an oversized block; `false` when the chunk ended before its blank
    /// line.
    #[cold]
    pub(super) fn pass_over(&mut self) -> bool {
        while let Some(&next) = self.chunk.first() {
            if std::mem::replace(&mut self.cr, Cr::No) == Cr::Open && next == b'\n' {
                self.discard(1);
                continue;
            }
            let Some(at) = memchr2(b'\n', b'\r', &self.chunk) else {
                self.discard(self.chunk.len());
                self.skip = Skip::WithinLine;
                break;
            };
            if self.chunk[at] == b'\r' {
                self.cr = Cr::Open;
            }
            self.discard(at + 1);
            if at == 0 && self.skip == Skip::LineStart {
                self.skip = Skip::No;
                return true;
            }
            self.skip = Skip::LineStart;
        }
        false
    }

    fn discard(&mut self, count: usize) {
        self.chunk.advance(count);
        self.offset += count as u64;
    }
}
