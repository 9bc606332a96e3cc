//! An upstream's answer being read: bytes, the clock and the end of the body in, events out.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt as _;
use respair_client::wire::{self, Break, Watch};
use respair_client::{Clock, TimeoutSettings};
use respair_core::{Context, EndOfBody, Ending, Event, Reader, ReaderOptions, Step};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::Turn;

/// The clock of a watch.
pub(super) type Timers = Watch<Arc<dyn Clock>>;

/// What comes of an answer.
pub(super) enum Came {
    /// An event goes downstream.
    Event(Event),
    /// The stream has ended. What still comes is `[DONE]` and comments.
    Ended(Ending),
}

/// An answer in hand. Dropping it closes the upstream's connection.
pub(super) struct Reading {
    body: wire::Body,
    pub(super) reader: Reader,
    watch: Timers,
    drain: Duration,
    /// When to stop waiting for what may follow an `error` or the terminal event.
    drained: Option<Instant>,
    /// The reader has said how the stream ended.
    ended: bool,
    /// The body is over, or given up.
    over: bool,
    /// Bytes of the body came.
    pub(super) began: bool,
    /// Why the body is over, where there is more to say than the ending does.
    pub(super) why: Option<String>,
    /// What a body that begins as JSON says, as it came; for who asked for JSON.
    kept: Option<BytesMut>,
    keep: usize,
}

/// The timers of one request. Whole answers take as long as their generation: `progress` bounds their first byte.
pub(super) fn timers(turn: &Turn<'_>) -> Timers {
    let mut settings: TimeoutSettings = turn.upstream.endpoint.timeouts;
    if !turn.prepared.stream {
        settings.first_byte = settings.progress;
    }
    Watch::start(Arc::clone(&turn.shared.clock), &settings)
}

impl Reading {
    pub(super) fn new(turn: &Turn<'_>, response: reqwest::Response, watch: Timers) -> Self {
        let endpoint = &turn.upstream.endpoint;
        let entropy = u128::from(fastrand::u64(..)) << 64 | u128::from(fastrand::u64(..));
        let context = Context::new(turn.shared.clock.unix(), entropy)
            .with_request(turn.prepared.facts.clone());
        let options = ReaderOptions::tolerant()
            .with_limits(endpoint.limits)
            .without(endpoint.recovery.without.clone())
            .cumulative(endpoint.cumulative_deltas);
        let headers = response.headers().clone();
        let redactor = turn.upstream.redactor.clone();
        let bytes = response
            .bytes_stream()
            .map_err(move |error| wire::body_error(error, &redactor));
        Self {
            body: wire::Body::new(&headers, bytes),
            reader: Reader::new(options, context),
            watch,
            drain: endpoint.limits.drain,
            drained: None,
            ended: false,
            over: false,
            began: false,
            why: None,
            kept: (!turn.prepared.stream).then(BytesMut::new),
            keep: endpoint.limits.frame,
        }
    }

    /// What comes next; `None` when everything was said. Nothing is lost when the future is dropped.
    pub(super) async fn next(&mut self, ending: &CancellationToken) -> Option<Came> {
        loop {
            while let Some(step) = self.reader.poll() {
                match step {
                    Step::Event(event) => {
                        if wire::carries_on(event.kind().class()) {
                            self.watch.on_progress();
                        }
                        return Some(Came::Event(event));
                    }
                    Step::Ended(how) => {
                        self.ended = true;
                        self.drained = None;
                        return Some(Came::Ended(how));
                    }
                    // Only the strict reading refuses.
                    _ => {}
                }
            }
            if self.over {
                return None;
            }
            if (self.ended || self.reader.is_draining()) && self.drained.is_none() {
                self.drained = Some(Instant::now() + self.drain);
            }
            self.wait(ending).await;
        }
    }

    /// Waits for bytes, for the end of the body, or for a reason to end it ourselves.
    async fn wait(&mut self, ending: &CancellationToken) {
        let received = self.body.received();
        let cause = tokio::select! {
            biased;
            () = ending.cancelled() => {
                self.why = Some("the gateway is stopping".to_owned());
                EndOfBody::Interrupted
            }
            chunk = self.body.next() => match chunk {
                Some(Ok(chunk)) => return self.take(chunk),
                None => EndOfBody::Eof,
                // Behind the terminal event it is nobody's concern how the connection ends (DEVIATIONS 4.10).
                Some(Err(_)) if self.ended => EndOfBody::Eof,
                Some(Err(error)) => {
                    self.why = Some(why(&error));
                    EndOfBody::Reset
                }
            },
            () = sleep_until(self.drained.unwrap_or_else(Instant::now)), if self.drained.is_some() => EndOfBody::Drained,
            expired = self.watch.expired(), if self.drained.is_none() => {
                if self.body.received() > received {
                    // Bytes came that a decoder still holds.
                    self.watch.on_bytes();
                    return;
                }
                self.why = Some(self.watch.sentence(expired));
                EndOfBody::Timeout
            }
        };
        self.over = true;
        self.reader.finish(cause);
    }

    fn take(&mut self, chunk: Bytes) {
        self.watch.on_bytes();
        self.began = true;
        if let Some(kept) = &mut self.kept {
            let first = kept
                .iter()
                .chain(chunk.iter())
                .find(|byte| !byte.is_ascii_whitespace());
            // A byte order mark is none of JSON's, but comes before it.
            let json = first.is_none_or(|byte| matches!(byte, b'{' | 0xef));
            if json && kept.len() + chunk.len() <= self.keep {
                kept.extend_from_slice(&chunk);
            } else {
                self.kept = None;
            }
        }
        self.reader.push(chunk);
    }

    /// The body as it came, where it was JSON and that was asked for.
    pub(super) fn kept(&mut self) -> Option<Bytes> {
        self.kept.take().map(BytesMut::freeze)
    }

    /// The stream is over for us: what the upstream still sends is read in the background for a moment, so that its
    /// connection can be used again.
    pub(super) fn leave(self) {
        if !self.over {
            wire::drain_rest(self.body, self.drain);
        }
    }
}

fn why(error: &io::Error) -> String {
    match error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Break>())
    {
        Some(broke) => broke.to_string(),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            "the compressed body ends too early".to_owned()
        }
        None => "the compressed body cannot be decompressed".to_owned(),
    }
}
