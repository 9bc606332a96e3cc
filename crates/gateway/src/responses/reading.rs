//! An upstream's answer being read: bytes, the clock and the end of the body in, events out.

use std::future::{Future as _, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt as _;
use respair_client::wire::{self, Break, Watch};
use respair_client::{Clock, TimeoutSettings};
use respair_core::{self as core, EndOfBody, Ending, Event, Expired, Reader, ReaderOptions, Step};
use tokio::time::Instant;
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::Turn;
use super::alarm::Alarm;
use super::restore::{Restore, Restored};
use crate::metrics::Gaps;
use crate::recorder::{Side, Tap};
use crate::request::Tools;

/// The clock of a watch.
pub(super) type Timers = Watch<Arc<dyn Clock>>;

/// A chunk up to this size is copied: it is a slice of a buffer of 8 KiB, which would be held as long as the event that the
/// reader compares the next one with.
const SMALL: usize = 2 << 10;

/// What comes of an answer.
pub(super) enum Came {
    /// An event goes downstream.
    Event(Event),
    /// The stream has ended. What still comes is `[DONE]` and comments.
    Ended(Ending),
    /// Nothing, for as long as it was waited for.
    Due,
}

/// What an answer is read from.
enum Input {
    Bytes(Bytes),
    Over(EndOfBody),
    Due,
}

/// An answer in hand. Dropping it closes the upstream's connection.
pub(super) struct Reading {
    body: wire::Body,
    pub(super) reader: Reader,
    /// Gives calls back as the client's own; `None` where they are.
    pub(super) restore: Option<Box<Restore>>,
    watch: Timers,
    /// When `watch` is to be looked at again, as long as nothing has changed for it; `None` in it: never.
    watched: Option<Option<Instant>>,
    /// An event came that carries the response on, which `watch` was not told yet.
    progressed: bool,
    alarm: Alarm,
    /// The gateway ends its streams.
    stopping: Pin<Box<WaitForCancellationFutureOwned>>,
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
    tap: Option<Tap>,
    pub(super) gaps: Gaps,
    /// Bytes came, and no event of them was given yet.
    fresh: bool,
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
    pub(super) fn new(
        turn: &Turn<'_>,
        response: reqwest::Response,
        watch: Timers,
        tools: Option<Arc<Tools>>,
    ) -> Self {
        let endpoint = &turn.upstream.endpoint;
        let entropy = u128::from(fastrand::u64(..)) << 64 | u128::from(fastrand::u64(..));
        let context = core::Context::new(turn.shared.clock.unix(), entropy)
            .with_request(turn.prepared.facts.clone());
        let options = ReaderOptions::tolerant()
            .with_limits(endpoint.limits)
            .without(endpoint.recovery.without.clone())
            .cumulative(endpoint.cumulative_deltas);
        if let Some(tap) = &turn.tap {
            tap.body();
        }
        let headers = response.headers().clone();
        let redactor = turn.upstream.redactor.clone();
        let bytes = response
            .bytes_stream()
            .map_err(move |error| wire::body_error(error, &redactor));
        Self {
            body: wire::Body::new(&headers, bytes),
            reader: Reader::new(options, context),
            restore: tools.map(|tools| Box::new(Restore::new(tools))),
            watch,
            watched: None,
            progressed: false,
            alarm: Alarm::new(),
            stopping: Box::pin(turn.shared.ending.clone().cancelled_owned()),
            drain: endpoint.limits.drain,
            drained: None,
            ended: false,
            over: false,
            began: false,
            why: None,
            kept: (!turn.prepared.stream).then(BytesMut::new),
            keep: endpoint.limits.frame,
            tap: turn.tap.clone(),
            gaps: Gaps::default(),
            fresh: false,
        }
    }

    /// What comes next; `None` when everything was said. Nothing is lost when the future is dropped.
    pub(super) async fn next(&mut self) -> Option<Came> {
        self.next_until(None).await
    }

    /// The same, waiting no longer than `until`.
    pub(super) async fn next_until(&mut self, until: Option<Instant>) -> Option<Came> {
        poll_fn(|context| self.poll_next(context, || until)).await
    }

    /// The same, for a body that is polled. `until` is asked only where there is nothing to give.
    pub(super) fn poll_next(
        &mut self,
        context: &mut Context<'_>,
        mut until: impl FnMut() -> Option<Instant>,
    ) -> Poll<Option<Came>> {
        loop {
            while let Some(step) = self.reader.poll() {
                match step {
                    Step::Event(event) => {
                        self.progressed |= wire::carries_on(event.kind().class());
                        if std::mem::take(&mut self.fresh) {
                            self.gaps.event(Instant::now());
                        }
                        if let Some(event) = self.restored(event) {
                            return Poll::Ready(Some(Came::Event(event)));
                        }
                    }
                    Step::Ended(how) => {
                        self.ended = true;
                        self.drained = None;
                        return Poll::Ready(Some(Came::Ended(how)));
                    }
                    // Only the strict reading refuses.
                    _ => {}
                }
            }
            if self.over {
                return Poll::Ready(None);
            }
            match ready!(self.poll_input(context, &mut until)) {
                Input::Bytes(chunk) => self.take(chunk),
                Input::Over(cause) => {
                    self.over = true;
                    self.reader.finish(cause);
                }
                Input::Due => return Poll::Ready(Some(Came::Due)),
            }
        }
    }

    /// An event as the client knows it; `None` where nothing of it goes on.
    fn restored(&mut self, event: Event) -> Option<Event> {
        let Some(restore) = &mut self.restore else {
            return Some(event);
        };
        match restore.event(event) {
            Restored::Event(event) => Some(event),
            Restored::Nothing => None,
            Restored::Failed(error) => {
                self.reader.reject(error);
                None
            }
        }
    }

    /// What breaks the silence for readers that need an event for it.
    pub(super) fn heartbeat(&mut self) -> Option<Event> {
        let event = self.reader.heartbeat()?;
        self.restored(event)
    }

    /// How many calls were given back as others.
    pub(super) fn calls_restored(&self) -> u64 {
        self.restore.as_ref().map_or(0, |restore| restore.calls)
    }

    /// Bytes, the end of the body, a reason to end it ourselves, or `until`: whatever comes first.
    fn poll_input(
        &mut self,
        context: &mut Context<'_>,
        until: impl FnOnce() -> Option<Instant>,
    ) -> Poll<Input> {
        if self.stopping.as_mut().poll(context).is_ready() {
            self.why = Some("the gateway is stopping".to_owned());
            return Poll::Ready(Input::Over(EndOfBody::Interrupted));
        }
        let received = self.body.received();
        match self.body.poll_next(context) {
            Poll::Ready(Some(Ok(chunk))) => return Poll::Ready(Input::Bytes(chunk)),
            // Behind the terminal event it is nobody's concern how the connection ends (DEVIATIONS 4.10).
            Poll::Ready(None) => return Poll::Ready(Input::Over(EndOfBody::Eof)),
            Poll::Ready(Some(Err(_))) if self.ended => {
                return Poll::Ready(Input::Over(EndOfBody::Eof));
            }
            Poll::Ready(Some(Err(error))) => {
                self.why = Some(why(&error));
                return Poll::Ready(Input::Over(EndOfBody::Reset));
            }
            Poll::Pending => {}
        }
        if self.body.received() > received {
            // A decoder still holds them.
            self.heard();
        }
        let until = until();
        loop {
            let draining = self.ended || self.reader.is_draining();
            let own = if draining {
                let drain = self.drain;
                Some(*self.drained.get_or_insert_with(|| Instant::now() + drain))
            } else {
                match self.watched() {
                    Ok(due) => due,
                    Err(expired) => {
                        self.why = Some(self.watch.sentence(expired));
                        return Poll::Ready(Input::Over(EndOfBody::Timeout));
                    }
                }
            };
            let Some(due) = own.into_iter().chain(until).min() else {
                return Poll::Pending;
            };
            ready!(self.alarm.poll(context, due));
            if until.is_some_and(|until| own.is_none_or(|own| until < own)) {
                return Poll::Ready(Input::Due);
            }
            if draining {
                return Poll::Ready(Input::Over(EndOfBody::Drained));
            }
            // The timers have to be looked at again.
            self.watched = None;
        }
    }

    /// When the timers are to be looked at again; `None` when they are all off.
    fn watched(&mut self) -> Result<Option<Instant>, Expired> {
        if std::mem::take(&mut self.progressed) {
            self.watch.on_progress();
            self.watched = None;
        }
        if let Some(due) = self.watched {
            return Ok(due);
        }
        let due = self.watch.look()?.map(|wait| Instant::now() + wait);
        self.watched = Some(due);
        Ok(due)
    }

    /// Bytes came.
    fn heard(&mut self) {
        self.watch.on_bytes();
        self.watched = None;
    }

    fn take(&mut self, chunk: Bytes) {
        self.heard();
        self.began = true;
        self.fresh = true;
        if let Some(tap) = &self.tap {
            tap.bytes(Side::Upstream, &chunk);
        }
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
        self.reader.push(if chunk.len() <= SMALL {
            Bytes::copy_from_slice(&chunk)
        } else {
            chunk
        });
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
