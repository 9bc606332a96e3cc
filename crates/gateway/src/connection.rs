//! One client's connection, served to its end, and what is still to be told of its requests then.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::StatusCode;
use hyper::body::{Frame, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use crate::answer::handle;
use crate::gateway::Current;
use crate::headers::REQUEST_ID;
use crate::reply::{Body, Refusal};
use crate::socket::Socket;
use crate::{Finish, Record, record};

/// Bytes that one connection may hold for what was not taken yet, and for a request's head that is not whole. Above
/// `serve.limits.headers`, so that it is told by its name.
const BUFFER: usize = 64 << 10;

/// No response is under way.
const QUIET: u8 = 0;
/// One is.
const BUSY: u8 = 1;
/// It is over, but its last bytes may still be on their way.
const OVER: u8 = 2;

/// What a connection and its requests share.
#[derive(Default)]
pub(crate) struct Connection {
    /// The client was cut off for taking nothing (`serve.limits.write_stall`).
    pub(crate) stalled: AtomicBool,
    /// The gateway did not wait for it any longer.
    cut: AtomicBool,
    /// A request with a body was turned away, and the client may still be sending it.
    unread: AtomicBool,
    /// More may go out in the same write.
    gathers: AtomicBool,
    /// [`QUIET`], [`BUSY`] or [`OVER`].
    state: AtomicU8,
    /// `serve.limits.headers`, for whoever passes it by so far that no request comes of it.
    headers: usize,
    /// Streams that were sent to their end: whether that end arrived is known when the connection is closed.
    waiting: Mutex<Vec<Record>>,
}

impl Connection {
    /// The client took nothing for too long, or for longer than the gateway waits at its end.
    pub(crate) fn is_stalled(&self) -> bool {
        self.stalled.load(Ordering::Acquire) || self.cut.load(Ordering::Acquire)
    }

    /// A request ends with its connection. Whose doing was that?
    pub(crate) fn broke(&self, record: &mut Record) {
        if self.stalled.load(Ordering::Acquire) {
            record.finish = Finish::ClientStalled;
            record.error = Some("serve.limits.write_stall".to_owned());
        } else if self.cut.load(Ordering::Acquire) {
            // Whatever it still had to take, it did not.
            record.finish = Finish::ClientStalled;
        } else {
            record.finish = Finish::ClientGone;
        }
    }

    /// A request with a body is turned away.
    pub(crate) fn turned_away(&self) {
        self.unread.store(true, Ordering::Release);
    }

    /// Whether the client may be sending what nobody reads.
    pub(crate) fn lingers(&self) -> bool {
        self.unread.load(Ordering::Acquire)
    }

    /// Whether the socket is to wait with what it is given. Who says so wakes the connection's task.
    pub(crate) fn gather(&self, more: bool) {
        // Of the connection's own task, which is one thread at a time.
        self.gathers.store(more, Ordering::Relaxed);
    }

    pub(crate) fn gathers(&self) -> bool {
        self.gathers.load(Ordering::Relaxed)
    }

    /// Keeps a record until the connection is over.
    pub(crate) fn keep(&self, record: Record) {
        self.waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(record);
    }

    /// The records that were kept.
    fn take(&self) -> Vec<Record> {
        std::mem::take(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Nothing of ours is to be written.
    pub(crate) fn is_quiet(&self) -> bool {
        self.state.load(Ordering::Acquire) == QUIET
    }

    /// Everything that was to be written is.
    pub(crate) fn flushed(&self) {
        // It fails while a response is under way, or none is.
        let _ = self
            .state
            .compare_exchange(OVER, QUIET, Ordering::AcqRel, Ordering::Acquire);
    }

    /// The library's refusal of a head that it cannot read, in our words: with an id, with an error that every client
    /// shows, and told in the log.
    pub(crate) fn reworded(&self, theirs: &[u8]) -> Option<Bytes> {
        let theirs = std::str::from_utf8(theirs).ok()?;
        let line = ["HTTP/1.1 ", "HTTP/1.0 "]
            .iter()
            .find_map(|version| theirs.strip_prefix(version))?;
        let (status, rest) = line.split_once("\r\n")?;
        let number = status.get(..3)?.parse::<u16>().ok()?;
        let refusal = match number {
            431 | 414 => {
                let message = format!(
                    "the head of the request has more than {} bytes (`serve.limits.headers`), or more than 100 fields",
                    self.headers
                );
                let status = StatusCode::from_u16(number).ok()?;
                Refusal::limit(status, "serve.limits.headers", message)
            }
            400 => {
                let message = "the head of the request is not HTTP/1.1 as it has to be";
                Refusal::new(StatusCode::BAD_REQUEST, "http_invalid", message)
            }
            _ => return None,
        };
        let id = record::new_id();
        let mut head = format!("HTTP/1.1 {status}\r\n");
        for line in rest.lines().filter(|line| !line.is_empty()) {
            if !line.to_ascii_lowercase().starts_with("content-length:") {
                head.push_str(line);
                head.push_str("\r\n");
            }
        }
        let body = refusal.json();
        head.push_str(&format!(
            "content-type: application/json\r\ncache-control: no-store\r\n{REQUEST_ID}: {id}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        ));
        self.keep(Record::unread(id, number, refusal.code));
        Some((head + &body).into())
    }
}

/// The body of a response, which tells its connection when it is over.
pub(crate) struct Sent {
    body: Body,
    connection: Arc<Connection>,
}

impl Sent {
    fn new(body: Body, connection: Arc<Connection>) -> Self {
        Self { body, connection }
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        self.connection.state.store(OVER, Ordering::Release);
    }
}

impl hyper::body::Body for Sent {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// How a connection ended.
enum End {
    /// Both sides are through.
    Whole,
    /// It broke.
    Broke,
    /// The gateway does not wait any longer.
    Cut,
}

/// Serves one connection to its end, and settles what was sent on it; after `cut` that end is now.
pub(crate) async fn serve<S>(current: Arc<Current>, socket: S, cut: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let shared = current.now();
    let limits = shared.limits;
    let _connected = shared.metrics.connected();
    let connection = Arc::new(Connection {
        headers: limits.headers,
        ..Connection::default()
    });
    let socket = Socket::new(socket, limits.write_stall, Arc::clone(&connection));
    let service = service_fn(|request| {
        connection.state.store(BUSY, Ordering::Release);
        let (shared, connection) = (current.now(), Arc::clone(&connection));
        // On the heap: hyper keeps room for it as long as the connection lasts, and a stream lasts much longer than the
        // 16 KB that are needed to begin it.
        Box::pin(async move {
            let response = handle(&shared, &connection, request).await;
            let sent = response.map(|body| Sent::new(body, connection));
            Ok::<_, std::convert::Infallible>(sent)
        })
    });
    let mut served = Box::pin(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header_wait)
            .max_buf_size(BUFFER.max(2 * limits.headers))
            // hyper queues sixteen chunks at most for a vectored write. Copied into its buffer, all events that came together
            // go out in one.
            .writev(false)
            .serve_connection(TokioIo::new(socket), service),
    );
    let result = tokio::select! {
        result = served.as_mut() => Some(result),
        () = shared.closing.cancelled() => {
            served.as_mut().graceful_shutdown();
            cut.run_until_cancelled(served.as_mut()).await
        }
    };
    let end = match result {
        Some(Ok(())) => End::Whole,
        Some(Err(error)) => {
            tracing::debug!(%error, "a client's connection broke");
            End::Broke
        }
        None => {
            connection.cut.store(true, Ordering::Release);
            End::Cut
        }
    };
    // What is still under way says now how far it came.
    drop(served);
    for mut record in connection.take() {
        record.terminal_delivered = record.terminal_seen && matches!(end, End::Whole);
        if record.finish != Finish::Refused && !matches!(end, End::Whole) {
            connection.broke(&mut record);
        }
        shared.settle(&record);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use respair_client::Endpoint;
    use respair_faults::{Relay, Script, Step, conforming_text};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;
    use crate::{Gateway, GatewayOptions, Upstream};

    const REQUEST: &str = "POST /v1/responses HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                           content-length: 25\r\n\r\n{\"input\":1,\"stream\":true}";

    /// A stream that was told to end has sent its `response.failed`, and the client does not take it.
    #[tokio::test(start_paused = true)]
    async fn a_connection_that_is_cut_is_told_all_the_same() {
        let script =
            Script::stream(&conforming_text(["Hel"]).through("response.output_text.delta"))
                .step(Step::HoldOpen);
        let relay = Relay::start(script).await.unwrap();
        let endpoint = Endpoint::custom(relay.base_url().parse().unwrap());
        let mut options = GatewayOptions::new(vec![Upstream::new("relay", endpoint)]);
        options.listen = "127.0.0.1:0".parse().unwrap();
        let records = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&records);
        options.log = Arc::new(move |record: &Record| log.lock().unwrap().push(record.clone()));
        let gateway = Gateway::bind(options).await.unwrap();
        let shared = gateway.current.now();
        let cut = CancellationToken::new();
        // Room for what came before the end, not for the end.
        let (mut near, far) = duplex(256);
        let served = tokio::spawn(serve(Arc::clone(&gateway.current), far, cut.clone()));
        near.write_all(REQUEST.as_bytes()).await.unwrap();
        let mut got = Vec::new();
        while !String::from_utf8_lossy(&got).contains("\"Hel\"") {
            let mut buffer = [0; 256];
            let length = near.read(&mut buffer).await.unwrap();
            got.extend_from_slice(&buffer[..length]);
        }
        shared.closing.cancel();
        shared.ending.cancel();
        relay.wait_closed(1).await;
        cut.cancel();
        served.await.unwrap();
        let records = records.lock().unwrap();
        assert_eq!(records.len(), 1);
        let record = &records[0];
        assert_eq!(
            (record.finish, record.error.as_deref()),
            (Finish::ClientStalled, Some("upstream_truncated"))
        );
        assert!(record.terminal_seen && !record.terminal_delivered);
    }
}
