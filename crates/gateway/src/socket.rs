//! A client's socket: cut when the client takes nothing for too long, and the place where the HTTP library's own refusals
//! are put into our words.
//!
//! A head that cannot be read never becomes a request: the library answers it by itself, with a status and nothing else. Such
//! an answer is written when no response of ours is under way, which is how it is told apart.

use std::future::Future as _;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use crate::connection::Connection;

/// How long a client may go on sending that was turned away before it was through. Closing at once would reset the connection,
/// and the client might never read why.
const LINGER: Duration = Duration::from_secs(2);

/// Bytes of it that are thrown away at once.
const THROWN: usize = 16 << 10;

/// A socket whose peer has to take something within `serve.limits.write_stall`.
pub(crate) struct Socket<S> {
    inner: S,
    limit: Duration,
    /// Runs while the peer takes nothing.
    timer: Option<Pin<Box<Sleep>>>,
    /// Our side is closed, and this runs while the peer's is not.
    closed: Option<Pin<Box<Sleep>>>,
    /// A refusal of the library's, in our words, as far as it is not written; and the length of its own.
    refusal: Option<(Bytes, usize)>,
    connection: Arc<Connection>,
}

impl<S> Socket<S> {
    pub(crate) fn new(inner: S, limit: Duration, connection: Arc<Connection>) -> Self {
        Self {
            inner,
            limit,
            timer: None,
            closed: None,
            refusal: None,
            connection,
        }
    }

    fn watch<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.timer = None;
            return written;
        }
        let limit = self.limit;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(limit)));
        ready!(timer.as_mut().poll(context));
        self.connection.stalled.store(true, Ordering::Release);
        Poll::Ready(Err(io::Error::from(io::ErrorKind::TimedOut)))
    }
}

impl<S: AsyncWrite + Unpin> Socket<S> {
    /// Writes a refusal in our words in place of the library's; `None` where these bytes are a response of ours.
    fn write_refusal(
        &mut self,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Option<Poll<io::Result<usize>>> {
        if self.refusal.is_none() {
            if !self.connection.is_quiet() {
                return None;
            }
            let theirs: Vec<u8> = slices
                .iter()
                .flat_map(|slice| slice.iter().copied())
                .collect();
            let ours = self.connection.reworded(&theirs)?;
            self.refusal = Some((ours, theirs.len()));
        }
        let (ours, length) = self.refusal.as_mut()?;
        while ours.has_remaining() {
            match Pin::new(&mut self.inner).poll_write(context, ours) {
                Poll::Ready(Ok(0)) => {
                    return Some(Poll::Ready(Err(io::ErrorKind::WriteZero.into())));
                }
                Poll::Ready(Ok(written)) => ours.advance(written),
                Poll::Ready(Err(error)) => return Some(Poll::Ready(Err(error))),
                Poll::Pending => return Some(Poll::Pending),
            }
        }
        let length = *length;
        self.refusal = None;
        Some(Poll::Ready(Ok(length)))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Socket<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Socket<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.connection.gathers() {
            return Poll::Pending;
        }
        let written = match self.write_refusal(context, &[IoSlice::new(bytes)]) {
            Some(written) => written,
            None => Pin::new(&mut self.inner).poll_write(context, bytes),
        };
        self.watch(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.connection.gathers() {
            return Poll::Pending;
        }
        let written = match self.write_refusal(context, slices) {
            Some(written) => written,
            None => Pin::new(&mut self.inner).poll_write_vectored(context, slices),
        };
        self.watch(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.inner).poll_flush(context);
        if matches!(flushed, Poll::Ready(Ok(()))) {
            self.connection.flushed();
        }
        self.watch(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.as_mut().get_mut();
        let timer = match &mut this.closed {
            Some(timer) => timer,
            None => {
                ready!(Pin::new(&mut this.inner).poll_shutdown(context))?;
                if !this.connection.lingers() {
                    return Poll::Ready(Ok(()));
                }
                this.closed.insert(Box::pin(sleep(LINGER)))
            }
        };
        let mut thrown = [0; THROWN];
        loop {
            // First, since reading may use up all that a task may do at a time.
            if timer.as_mut().poll(context).is_ready() {
                return Poll::Ready(Ok(()));
            }
            let mut buffer = ReadBuf::new(&mut thrown);
            let read = ready!(Pin::new(&mut this.inner).poll_read(context, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
    use tokio::time::{Instant, timeout};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_gathered_waits_and_nobody_stalls_by_it() {
        let connection = Arc::new(Connection::default());
        let (ours, mut theirs) = duplex(64);
        let limit = Duration::from_secs(60);
        let mut socket = Socket::new(ours, limit, Arc::clone(&connection));
        connection.gather(true);
        let waited = timeout(limit * 10, socket.write_all(b"event")).await;
        assert!(waited.is_err() && !connection.is_stalled());
        connection.gather(false);
        socket.write_all(b"event").await.unwrap();
        let mut read = [0; 5];
        theirs.read_exact(&mut read).await.unwrap();
        // Who takes nothing is still cut.
        let began = Instant::now();
        let stalled = socket.write_all(&[0; 65]).await.unwrap_err();
        assert_eq!(stalled.kind(), io::ErrorKind::TimedOut);
        assert!(connection.is_stalled() && began.elapsed() >= limit);
    }
}
