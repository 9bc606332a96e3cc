//! Whether data that came line by line is one whole JSON value yet.
//!
//! Only a block that goes on after its data asks (rule 2 in the module docs), and it asks at every
//! further line. Parsing from the start each time would make a pretty-printed document of n lines
//! cost n²; so brackets are counted over each byte once, and serde_json looks at the whole only
//! when the count closes, which happens once in a block.

use serde::de::IgnoredAny;

/// The bracket count over the data so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Probe {
    depth: usize,
    in_string: bool,
    escaped: bool,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Only white space so far.
    #[default]
    Empty,
    /// Inside an object or array.
    Open,
    /// The outermost bracket is closed, and only white space followed.
    Closed,
    /// It cannot become one object or array any more.
    Never,
}

impl Probe {
    /// Counts the next data line.
    pub(super) fn feed(&mut self, line: &[u8]) {
        for &byte in line {
            match self.state {
                State::Never => return,
                State::Open => self.inside(byte),
                State::Empty | State::Closed => self.outside(byte),
            }
        }
    }

    fn outside(&mut self, byte: u8) {
        match byte {
            b' ' | b'\t' => {}
            b'{' | b'[' if self.state == State::Empty => {
                self.depth = 1;
                self.state = State::Open;
            }
            _ => self.state = State::Never,
        }
    }

    fn inside(&mut self, byte: u8) {
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth -= 1;
                if self.depth == 0 {
                    self.state = State::Closed;
                }
            }
            _ => {}
        }
    }

    /// Whether the brackets close, so that [`Probe::settle`] is worth its price.
    pub(super) fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// Whether `data`, all that was fed, is one JSON value or the sentinel. What is not will not
    /// become one: it is not asked about again.
    pub(super) fn settle(&mut self, data: &[u8]) -> bool {
        let whole = data.trim_ascii_end() == b"[DONE]"
            || serde_json::from_slice::<IgnoredAny>(data).is_ok();
        if !whole {
            self.state = State::Never;
        }
        whole
    }
}
