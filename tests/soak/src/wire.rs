//! HTTP/1.1 as a client speaks it that hides nothing: bytes as they come, a cut as a cut.
//!
//! Written on a bare socket, because a library would retry, pool, read ahead, and take a reset for an end.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

/// The receive buffer of a slow reader: small, so that the sender feels it.
const SMALL: u32 = 4 << 10;

/// Read at once by a quick reader.
const PIECE: usize = 64 << 10;

/// A connection.
pub(crate) struct Wire {
    socket: TcpStream,
    buffer: BytesMut,
    slowly: Option<Slowly>,
}

/// How a slow reader reads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slowly {
    /// Bytes at a time.
    pub(crate) piece: usize,
    /// The wait before each.
    pub(crate) wait: Duration,
}

/// The head of an answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
}

impl Head {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Whether the connection may be used again.
    pub(crate) fn stays(&self) -> bool {
        self.header("connection") != Some("close")
    }

    /// How its body ends.
    pub(crate) fn framing(&self, method: &str) -> Framing {
        if method == "HEAD" || matches!(self.status, 204 | 304) {
            return Framing::Length(0);
        }
        if self.header("transfer-encoding") == Some("chunked") {
            return Framing::Chunked;
        }
        let length = self.header("content-length");
        match length.and_then(|length| length.parse().ok()) {
            Some(length) => Framing::Length(length),
            None => Framing::UntilClose,
        }
    }
}

/// How a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// After so many more bytes.
    Length(usize),
    Chunked,
    UntilClose,
}

impl Wire {
    pub(crate) async fn connect(to: SocketAddr, slowly: Option<Slowly>) -> io::Result<Self> {
        let socket = if to.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        if slowly.is_some() {
            socket.set_recv_buffer_size(SMALL)?;
        }
        let socket = socket.connect(to).await?;
        socket.set_nodelay(true)?;
        Ok(Self {
            socket,
            buffer: BytesMut::new(),
            slowly,
        })
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.socket.write_all(bytes).await
    }

    /// The same in pieces, each a segment of its own.
    pub(crate) async fn send_in_pieces(&mut self, bytes: &[u8], size: usize) -> io::Result<()> {
        for piece in bytes.chunks(size.max(1)) {
            self.socket.write_all(piece).await?;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }

    /// Goes away: with RST or with FIN.
    pub(crate) fn leave(self, reset: bool) {
        if reset {
            // Linger zero makes the close a RST; where that fails it is a FIN, which is a way to leave as well.
            let _ = self.socket.set_zero_linger();
        }
    }

    async fn more(&mut self) -> io::Result<usize> {
        match self.slowly {
            Some(Slowly { piece, wait }) => {
                tokio::time::sleep(wait).await;
                let mut read = vec![0; piece];
                let length = self.socket.read(&mut read).await?;
                self.buffer.extend_from_slice(&read[..length]);
                Ok(length)
            }
            None => {
                self.buffer.reserve(PIECE);
                self.socket.read_buf(&mut self.buffer).await
            }
        }
    }

    async fn need(&mut self) -> io::Result<()> {
        match self.more().await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// The next head, `100 Continue` as well.
    pub(crate) async fn head(&mut self) -> io::Result<Head> {
        loop {
            let mut fields = [httparse::EMPTY_HEADER; 64];
            let mut parsed = httparse::Response::new(&mut fields);
            let status = parsed.parse(&self.buffer);
            match status.map_err(|error| io::Error::other(format!("no HTTP: {error}")))? {
                httparse::Status::Partial => self.need().await?,
                httparse::Status::Complete(length) => {
                    let headers = parsed.headers.iter().map(|field| {
                        let value = String::from_utf8_lossy(field.value).into_owned();
                        (field.name.to_ascii_lowercase(), value)
                    });
                    let head = Head {
                        status: parsed.code.unwrap_or_default(),
                        headers: headers.collect(),
                    };
                    self.buffer.advance(length);
                    return Ok(head);
                }
            }
        }
    }

    /// The next piece of a body; `None` at its proper end.
    pub(crate) async fn next(&mut self, framing: &mut Framing) -> io::Result<Option<Bytes>> {
        match framing {
            Framing::Length(0) => Ok(None),
            Framing::Length(left) => {
                if self.buffer.is_empty() {
                    self.need().await?;
                }
                let piece = self.buffer.split_to(self.buffer.len().min(*left)).freeze();
                *left -= piece.len();
                Ok(Some(piece))
            }
            Framing::UntilClose => {
                if self.buffer.is_empty() && self.more().await? == 0 {
                    return Ok(None);
                }
                Ok(Some(self.buffer.split().freeze()))
            }
            Framing::Chunked => self.chunk(framing).await,
        }
    }

    async fn chunk(&mut self, framing: &mut Framing) -> io::Result<Option<Bytes>> {
        let size = loop {
            let parsed = httparse::parse_chunk_size(&self.buffer);
            match parsed.map_err(|_| io::Error::other("a chunk without a size"))? {
                httparse::Status::Partial => self.need().await?,
                httparse::Status::Complete((line, size)) => {
                    self.buffer.advance(line);
                    break usize::try_from(size).map_err(io::Error::other)?;
                }
            }
        };
        // Nobody sends trailers here: an empty line ends the last chunk too.
        while self.buffer.len() < size + 2 {
            self.need().await?;
        }
        let chunk = self.buffer.split_to(size).freeze();
        if self.buffer.split_to(2) != b"\r\n"[..] {
            return Err(io::Error::other("a chunk without its end"));
        }
        if size == 0 {
            *framing = Framing::Length(0);
            return Ok(None);
        }
        Ok(Some(chunk))
    }

    /// Whether the peer closes now, and sends nothing before it does.
    pub(crate) async fn closes(&mut self) -> bool {
        self.buffer.is_empty() && matches!(self.more().await, Ok(0) | Err(_))
    }
}
