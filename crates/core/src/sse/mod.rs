//! Server-sent events: bytes in, [`Frame`]s out, and back.
//!
//! [`Decoder`] takes the body of a response in whatever chunks it arrives and gives one [`Frame`]
//! for each block of lines. It follows WHATWG HTML section 9.2.6 ("Interpreting an event stream")
//! with four additions, for what a relay can do to a stream and for whoever has to tell:
//!
//! - a frame keeps its **raw bytes**, so that what is passed on is what arrived: the `raw` of all
//!   frames, put end to end, is the body (less the blocks past the limit);
//! - a frame says what was **odd** about it ([`Oddities`]);
//! - the block that the end of the body cut off is given too ([`Oddities::UNTERMINATED`]), and so
//!   is an event whose blank line is missing ([`Oddities::BLANK_LINE_MISSING`], DEVIATIONS.md 4.8
//!   and 6.14);
//! - blocks have a **limit**; one that passes it is a typed error and reading goes on behind it.
//!
//! # Where a frame ends
//!
//! The bytes alone decide, never the chunks that they came in:
//!
//! 1. *At its blank line*, which belongs to it. Where that is a CR alone, the frame ends at once: nobody
//!    has to wait for a byte that may not come for minutes. If an LF follows after all (`x\r\r\n`),
//!    it leads the **next** frame's raw bytes. Only where the line before was ended by CR LF is the
//!    LF awaited, because there it is due.
//! 2. *Before a line that repeats*: a non-empty `data` line, or a second `event` line, after data
//!    that is already one whole JSON object or array (or `[DONE]`). The frame ends behind its data
//!    line, the lines after it open the next one. To WHATWG such lines would be one event; no event
//!    of the Responses API has two JSON values as its data.
//! 3. *Behind a comment line that another line follows* as long as the block holds nothing else. A
//!    keep-alive comment without a blank line is passed on rather than saved up until the next
//!    event.
//! 4. *At the end of the body.*
//!
//! ```
//! use bytes::Bytes;
//! use respair_core::sse::Decoder;
//!
//! let mut decoder = Decoder::new(64 << 20);
//! decoder.push(Bytes::from_static(b"event: response.created\nda"));
//! assert!(decoder.next_frame().is_none());
//! decoder.push(Bytes::from_static(b"ta: {}\n\n"));
//! let frame = decoder.next_frame().expect("the block is whole")?;
//! assert_eq!(frame.event_name(), Some("response.created"));
//! assert_eq!(frame.data(), b"{}");
//! # Ok::<(), respair_core::sse::FrameTooLarge>(())
//! ```

mod block;
mod decoder;
mod encode;
mod frame;
mod line;
mod oddities;
mod probe;

#[cfg(test)]
mod tests;

pub use decoder::{Decoder, FrameTooLarge};
pub use frame::Frame;
pub use oddities::Oddities;
