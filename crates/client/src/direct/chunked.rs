//! A chunked body (RFC 9112, 7.1), without its framing.
//!
//! What one read gives is decoded where it lies: a server that writes each event as a chunk sends many in one segment, and they
//! stay together.

use std::io;

use super::invalid;

/// Bytes of one chunk's extensions, and of all trailers. Nobody sends any; both are passed over.
const ASIDE: usize = 16 << 10;

/// Where the reading stands.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Chunked {
    state: State,
    /// Bytes of the extensions or trailers so far.
    aside: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Before the first digit of a size.
    #[default]
    Start,
    Size(u64),
    /// Behind the digits: blanks, and extensions.
    Extension(u64),
    /// Behind the CR of a size's line.
    SizeEnd(u64),
    /// So many bytes of a chunk are still to come.
    Data(u64),
    /// Before the CR behind a chunk, and before its LF.
    DataCr,
    DataLf,
    /// At the beginning of a line behind the last chunk, and within one.
    TrailerStart,
    Trailer,
    /// Behind the CR of the blank line that is the end.
    EndLf,
    Over,
}

impl Chunked {
    /// Moves what `bytes` carry to their front; how many that are.
    pub(super) fn decode(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let (mut at, mut kept) = (0, 0);
        while at < bytes.len() {
            if let State::Data(left) = self.state {
                let here = usize::try_from(left)
                    .unwrap_or(usize::MAX)
                    .min(bytes.len() - at);
                bytes.copy_within(at..at + here, kept);
                (at, kept) = (at + here, kept + here);
                self.state = match left - here as u64 {
                    0 => State::DataCr,
                    left => State::Data(left),
                };
                continue;
            }
            if self.state == State::Over {
                // The connection is not used again: nobody's concern.
                break;
            }
            self.state = self.step(bytes[at])?;
            at += 1;
        }
        Ok(kept)
    }

    /// The last chunk and its trailers have come.
    pub(super) fn is_over(&self) -> bool {
        self.state == State::Over
    }

    /// One byte of the framing.
    fn step(&mut self, byte: u8) -> io::Result<State> {
        let digit = char::from(byte).to_digit(16).map(u64::from);
        let next = match (self.state, byte) {
            (State::Start, _) => {
                self.aside = 0;
                State::Size(digit.ok_or_else(|| invalid("a chunk without its size"))?)
            }
            (State::Size(size), b'\r') => State::SizeEnd(size),
            (State::Size(size), b';' | b' ' | b'\t') => State::Extension(size),
            (State::Size(size), _) => {
                let digit = digit.ok_or_else(|| invalid("a size that is none"))?;
                let more = size
                    .checked_mul(16)
                    .and_then(|size| size.checked_add(digit));
                State::Size(more.ok_or_else(|| invalid("a chunk without end"))?)
            }
            (State::Extension(size), b'\r') => State::SizeEnd(size),
            (State::Extension(_), b'\n') => return Err(invalid("a line that ends with LF alone")),
            (State::Extension(size), _) => self.pass_over(State::Extension(size))?,
            (State::SizeEnd(0), b'\n') => State::TrailerStart,
            (State::SizeEnd(size), b'\n') => State::Data(size),
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => State::Start,
            (State::TrailerStart, b'\r') => State::EndLf,
            (State::TrailerStart, _) => self.pass_over(State::Trailer)?,
            (State::Trailer, b'\n') => State::TrailerStart,
            (State::Trailer, _) => self.pass_over(State::Trailer)?,
            (State::EndLf, b'\n') => State::Over,
            _ => return Err(invalid("a chunk without its end")),
        };
        Ok(next)
    }

    fn pass_over(&mut self, next: State) -> io::Result<State> {
        self.aside += 1;
        if self.aside > ASIDE {
            return Err(invalid("extensions or trailers without end"));
        }
        Ok(next)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn decode(wire: &[u8], size: usize) -> io::Result<(Vec<u8>, bool)> {
        let mut chunked = Chunked::default();
        let mut out = Vec::new();
        for piece in wire.chunks(size) {
            let mut piece = piece.to_vec();
            let kept = chunked.decode(&mut piece)?;
            out.extend_from_slice(&piece[..kept]);
        }
        Ok((out, chunked.is_over()))
    }

    #[test]
    fn any_pieces_give_the_same() {
        let wire = b"5\r\nhello\r\n1 ;ext=\"1\"\r\n \r\n00A\r\n0123456789\r\n0\r\nx-trailer: 1\r\ny: 2\r\n\r\n";
        for size in 1..=wire.len() {
            let (out, over) = decode(wire, size).unwrap();
            assert_eq!((out.as_slice(), over), (&b"hello 0123456789"[..], true));
        }
    }

    #[test]
    fn a_body_without_its_last_chunk_is_not_over() {
        for cut in [
            "5\r\nhel",
            "5\r\nhello\r\n",
            "5\r\nhello\r\n0\r\n",
            "5\r\nhello\r\n0\r\n\r",
        ] {
            assert!(!decode(cut.as_bytes(), 99).unwrap().1, "{cut:?}");
        }
    }

    #[test]
    fn what_is_no_chunk_is_refused() {
        let long = format!("1;{}", "x".repeat(ASIDE + 1));
        for wrong in [
            "HTTP",
            "\r\n",
            "5\nhello",
            "5x\r\n",
            "5;\nhello",
            "1\r\nab",
            "1\r\na\n",
            "10000000000000000\r\n",
            "0\r\n\rx",
            long.as_str(),
        ] {
            assert!(decode(wrong.as_bytes(), 3).is_err(), "{wrong:?}");
        }
    }
}
