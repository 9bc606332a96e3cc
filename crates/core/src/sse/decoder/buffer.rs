//! The bytes of the block in progress while it lies across chunks.

use bytes::{Buf, Bytes};

use super::Decoder;

impl Decoder {
    /// The bytes of a block that lay across chunks, in memory that is no larger than they are.
    pub(super) fn take_head(&mut self) -> Bytes {
        /// Up to here a copy costs less than giving the buffer away and setting up the next one.
        const COPIED: usize = 8 << 10;
        if self.head.capacity() <= COPIED {
            let raw = Bytes::copy_from_slice(&self.head);
            self.head.clear();
            raw
        } else {
            Bytes::from(std::mem::take(&mut self.head).into_boxed_slice())
        }
    }

    /// Puts what is left of the chunk, all of it scanned, into `head` and goes to the next chunk,
    /// if there is one.
    pub(super) fn refill(&mut self) -> bool {
        self.keep(self.chunk.len());
        self.scanned = 0;
        match self.queue.pop_front() {
            Some(chunk) => {
                self.chunk = chunk;
                true
            }
            None => {
                self.chunk = Bytes::new();
                false
            }
        }
    }

    /// Moves `count` bytes from the chunk to `head`.
    pub(super) fn keep(&mut self, count: usize) {
        /// The first buffer: most events are smaller.
        const FIRST: usize = 512;
        let needed = self.head.len() + count;
        if needed > self.head.capacity() {
            // Doubling, so that time is linear; never past the limit, so that memory is what the
            // limit says.
            let doubled = needed.max(FIRST).max(self.head.capacity() * 2);
            let capacity = doubled.min(self.limit.saturating_add(1)).max(needed);
            self.head.reserve_exact(capacity - self.head.len());
        }
        self.head.extend_from_slice(&self.chunk[..count]);
        self.chunk.advance(count);
    }
}
