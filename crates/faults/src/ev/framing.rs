//! How one event is framed as server-sent-events text.

use bytes::{BufMut, Bytes, BytesMut};

/// The line ending of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum LineEnd {
    /// `\n`, what the native service writes.
    #[default]
    Lf,
    /// `\r\n`.
    CrLf,
    /// `\r` alone: legal, and read by few.
    Cr,
}

impl LineEnd {
    fn bytes(self) -> &'static [u8] {
        match self {
            Self::Lf => b"\n",
            Self::CrLf => b"\r\n",
            Self::Cr => b"\r",
        }
    }
}

/// What follows the last line of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum BlockEnd {
    /// The line ending and a blank line: the event is dispatched.
    #[default]
    BlankLine,
    /// The line ending only: the next block runs into this one.
    LineEnd,
    /// Nothing: the last line itself is unterminated.
    Nothing,
}

/// The framing of one event. Conforming (`LF`) by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framing {
    /// The line ending throughout the block.
    pub line_end: LineEnd,
    /// What follows the last line.
    pub block_end: BlockEnd,
    /// Whether a space follows the colon of a field.
    pub space: bool,
    /// `data:` before `event:`.
    pub data_first: bool,
    /// Where newlines in the data may go: each line of the data becomes a `data:` line anyway; with
    /// this, a compact JSON object is also broken after its first brace, so that it takes three.
    pub multi_line: bool,
}

impl Framing {
    /// `event: X\ndata: {…}\n\n`.
    pub const LF: Self = Self {
        line_end: LineEnd::Lf,
        block_end: BlockEnd::BlankLine,
        space: true,
        data_first: false,
        multi_line: false,
    };
    /// The same with `\r\n`.
    pub const CRLF: Self = Self {
        line_end: LineEnd::CrLf,
        ..Self::LF
    };
    /// The same with a lone `\r`.
    pub const CR: Self = Self {
        line_end: LineEnd::Cr,
        ..Self::LF
    };
    /// `data:{…}` without the space.
    pub const NO_SPACE: Self = Self {
        space: false,
        ..Self::LF
    };
    /// One `data:` line for `{`, one for the fields, one for `}`.
    pub const MULTI_LINE: Self = Self {
        multi_line: true,
        ..Self::LF
    };
    /// `data:` comes before `event:`.
    pub const DATA_FIRST: Self = Self {
        data_first: true,
        ..Self::LF
    };
    /// A line ending, but no blank line.
    pub const NO_BLANK_LINE: Self = Self {
        block_end: BlockEnd::LineEnd,
        ..Self::LF
    };
    /// Neither a blank line nor the last line's own ending.
    pub const UNTERMINATED: Self = Self {
        block_end: BlockEnd::Nothing,
        ..Self::LF
    };

    /// The block for an event `name`, an `id` and `data`.
    pub(crate) fn block(&self, name: Option<&str>, id: Option<&str>, data: &str) -> Bytes {
        let mut lines: Vec<(&str, &str)> = Vec::new();
        if let Some(id) = id {
            lines.push(("id", id));
        }
        let data_lines = self.data_lines(data);
        let data_lines = data_lines.iter().map(|line| ("data", *line));
        match name {
            Some(name) if self.data_first => {
                lines.extend(data_lines);
                lines.push(("event", name));
            }
            Some(name) => {
                lines.push(("event", name));
                lines.extend(data_lines);
            }
            None => lines.extend(data_lines),
        }
        self.write(&lines)
    }

    /// The block for a comment, one line per line of `text`.
    pub(crate) fn comment(&self, text: &str) -> Bytes {
        let lines: Vec<_> = text.split('\n').map(|line| ("", line)).collect();
        self.write(&lines)
    }

    fn data_lines<'a>(&self, data: &'a str) -> Vec<&'a str> {
        if self.multi_line && data.len() > 2 && data.starts_with('{') && data.ends_with('}') {
            return vec!["{", &data[1..data.len() - 1], "}"];
        }
        data.split('\n').collect()
    }

    fn write(&self, lines: &[(&str, &str)]) -> Bytes {
        let end = self.line_end.bytes();
        let mut out = BytesMut::new();
        for (position, (field, value)) in lines.iter().enumerate() {
            out.put_slice(field.as_bytes());
            out.put_u8(b':');
            if self.space {
                out.put_u8(b' ');
            }
            out.put_slice(value.as_bytes());
            if position + 1 < lines.len() || self.block_end != BlockEnd::Nothing {
                out.put_slice(end);
            }
        }
        if self.block_end == BlockEnd::BlankLine {
            out.put_slice(end);
        }
        out.freeze()
    }
}

impl Default for Framing {
    fn default() -> Self {
        Self::LF
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_framing_writes_its_own_bytes() {
        let cases: [(Framing, &[u8]); 8] = [
            (Framing::LF, b"event: a\ndata: {\"b\":1}\n\n"),
            (Framing::CRLF, b"event: a\r\ndata: {\"b\":1}\r\n\r\n"),
            (Framing::CR, b"event: a\rdata: {\"b\":1}\r\r"),
            (Framing::NO_SPACE, b"event:a\ndata:{\"b\":1}\n\n"),
            (
                Framing::MULTI_LINE,
                b"event: a\ndata: {\ndata: \"b\":1\ndata: }\n\n",
            ),
            (Framing::DATA_FIRST, b"data: {\"b\":1}\nevent: a\n\n"),
            (Framing::NO_BLANK_LINE, b"event: a\ndata: {\"b\":1}\n"),
            (Framing::UNTERMINATED, b"event: a\ndata: {\"b\":1}"),
        ];
        for (framing, expected) in cases {
            assert_eq!(
                framing.block(Some("a"), None, "{\"b\":1}"),
                expected,
                "{framing:?}"
            );
        }
    }

    #[test]
    fn a_comment_and_an_id_have_their_lines() {
        assert_eq!(&Framing::LF.comment("ping")[..], b": ping\n\n");
        assert_eq!(
            &Framing::LF.block(None, Some("7"), "x\ny")[..],
            b"id: 7\ndata: x\ndata: y\n\n"
        );
    }
}
