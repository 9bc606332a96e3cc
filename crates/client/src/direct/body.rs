//! The body of an answer, in pieces as large as one read gives.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::Stream;
use tokio::io::{AsyncRead as _, ReadBuf};

use super::Exchange;
use super::chunked::Chunked;
use crate::transport::Break;

/// What is read at once, and so what is given on at once: some 170 events of a stream that comes faster than it is read.
const READ: usize = 64 << 10;

thread_local! {
    /// Where a thread reads into. What came is copied out at its own size, so that a silent stream holds nothing.
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; READ]);
}

/// Room to read into. Not to be asked for within itself.
pub(super) fn with_scratch<T>(read: impl FnOnce(&mut [u8]) -> T) -> T {
    SCRATCH.with_borrow_mut(|scratch| read(scratch))
}

/// Where a body ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Chunked(Chunked),
    /// So many bytes are still to come.
    Length(u64),
    /// Where the connection does.
    Close,
}

impl Framing {
    /// Moves what `bytes` carry of the body to their front; how many that are.
    fn decode(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Chunked(chunked) => chunked.decode(bytes),
            Self::Length(left) => {
                let here = usize::try_from(*left)
                    .unwrap_or(usize::MAX)
                    .min(bytes.len());
                *left -= here as u64;
                Ok(here)
            }
            Self::Close => Ok(bytes.len()),
        }
    }

    fn is_over(&self) -> bool {
        match self {
            Self::Chunked(chunked) => chunked.is_over(),
            Self::Length(left) => *left == 0,
            Self::Close => false,
        }
    }
}

/// A body that is read from its socket.
pub(super) struct Answered {
    exchange: Exchange,
    framing: Framing,
    /// What came with the head.
    held: Vec<u8>,
    broken: bool,
}

impl Answered {
    pub(super) fn new(exchange: Exchange, framing: Framing, held: Vec<u8>) -> Self {
        Self {
            exchange,
            framing,
            held,
            broken: false,
        }
    }

    /// The next bytes; an empty piece is framing only.
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>> {
        if !self.held.is_empty() {
            let mut held = std::mem::take(&mut self.held);
            let kept = self.framing.decode(&mut held)?;
            return Poll::Ready(Ok(Some(Bytes::copy_from_slice(&held[..kept]))));
        }
        self.exchange.send(context);
        with_scratch(|scratch| {
            let mut buffer = ReadBuf::new(scratch);
            ready!(Pin::new(&mut self.exchange.socket).poll_read(context, &mut buffer))?;
            let came = buffer.filled_mut();
            if came.is_empty() {
                return Poll::Ready(match self.framing {
                    Framing::Close => Ok(None),
                    _ => Err(io::ErrorKind::UnexpectedEof.into()),
                });
            }
            let kept = self.framing.decode(came)?;
            Poll::Ready(Ok(Some(Bytes::copy_from_slice(&came[..kept]))))
        })
    }
}

impl Stream for Answered {
    type Item = io::Result<Bytes>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Bytes>>> {
        loop {
            if self.broken || self.framing.is_over() {
                return Poll::Ready(None);
            }
            match ready!(self.poll_piece(context)) {
                Ok(Some(piece)) if piece.is_empty() => {}
                Ok(Some(piece)) => return Poll::Ready(Some(Ok(piece))),
                Ok(None) => {
                    self.framing = Framing::Length(0);
                }
                Err(error) => {
                    self.broken = true;
                    tracing::debug!(%error, "the body broke");
                    let broke = io::Error::other(Break::of_io(&error));
                    return Poll::Ready(Some(Err(broke)));
                }
            }
        }
    }
}
