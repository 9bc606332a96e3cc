//! A chunked body (RFC 9112, 7.1) as it comes: chunks are found again in whatever pieces a proxy makes of them.

/// Where the reading of a chunked body stands.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Chunked {
    state: State,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    /// In the line that says the size, as far as it was read.
    #[default]
    Start,
    Size(usize),
    /// Behind the size's digits: an extension, or the line's end.
    Line(usize),
    /// Bytes that are left of a chunk.
    Data(usize),
    /// In the line end behind a chunk.
    Behind,
    /// In the lines behind the last chunk; whether this one has had anything in it.
    Trailer(bool),
    Over,
}

impl Chunked {
    /// Takes bytes in and appends what they carry to `out`. `true` when the body is over.
    pub(crate) fn read(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<bool, String> {
        while let Some((&byte, rest)) = bytes.split_first() {
            self.state = match std::mem::take(&mut self.state) {
                State::Data(left) => {
                    let here = left.min(bytes.len());
                    out.extend_from_slice(&bytes[..here]);
                    bytes = &bytes[here..];
                    self.state = match left - here {
                        0 => State::Behind,
                        left => State::Data(left),
                    };
                    continue;
                }
                State::Start => State::Size(digit(byte).ok_or("a chunk without its size")?),
                State::Size(size) => match digit(byte) {
                    Some(digit) if size >> 28 == 0 => State::Size(size << 4 | digit),
                    Some(_) => return Err("a chunk beyond 4 GiB".to_owned()),
                    None => self.line(size, byte),
                },
                State::Line(size) => self.line(size, byte),
                State::Behind if byte == b'\n' => State::Start,
                State::Behind => State::Behind,
                State::Trailer(false) if byte == b'\n' => State::Over,
                State::Trailer(had) => match byte {
                    b'\r' => State::Trailer(had),
                    b'\n' => State::Trailer(false),
                    _ => State::Trailer(true),
                },
                State::Over => return Err("bytes behind the body".to_owned()),
            };
            bytes = rest;
        }
        Ok(self.state == State::Over)
    }

    fn line(&self, size: usize, byte: u8) -> State {
        match (byte, size) {
            (b'\n', 0) => State::Trailer(false),
            (b'\n', size) => State::Data(size),
            _ => State::Line(size),
        }
    }
}

fn digit(byte: u8) -> Option<usize> {
    char::from(byte).to_digit(16).map(|digit| digit as usize)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn any_pieces_give_the_same() {
        let wire = b"5\r\nhello\r\n1;ext=1\r\n \r\nA\r\n0123456789\r\n0\r\nx-trailer: 1\r\n\r\n";
        for size in 1..wire.len() {
            let (mut chunked, mut out) = (Chunked::default(), Vec::new());
            let mut over = false;
            for piece in wire.chunks(size) {
                over = chunked.read(piece, &mut out).unwrap();
            }
            assert!(over);
            assert_eq!(out, b"hello 0123456789");
        }
    }

    #[test]
    fn what_is_no_chunk_is_said() {
        assert!(Chunked::default().read(b"HTTP", &mut Vec::new()).is_err());
        let cut = Chunked::default().read(b"5\r\nhel", &mut Vec::new());
        assert_eq!(cut, Ok(false));
    }
}
