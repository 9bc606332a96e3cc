//! A stream that has begun: each mended event is one chunk, sent as soon as it is decided.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::Response;
use hyper::body::Frame;
use hyper::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, TRAILER,
};
use respair_core::{Class, Ending, Event, EventKind, Field};
use serde::Deserialize;
use tokio::time::Instant;

use super::begin::Begun;
use super::reading::{Came, Reading};
use crate::gateway::Shared;
use crate::metrics::Open;
use crate::ongoing::Ongoing;
use crate::reply::Body;
use crate::{Finish, headers};

/// What keeps a silent stream alive. Every reader skips it.
const COMMENT: &[u8] = b": respair\n\n";

/// Codex gives a stream up after 300 s without an event, however many comments come.
const CODEX: &str = "codex";

/// Bytes that are gathered for one write: some forty events.
const GATHERED: usize = 16 << 10;

/// The answer: its headers, and the body that is polled by the connection.
pub(super) fn response(
    shared: &Shared,
    open: Open,
    mut ongoing: Ongoing,
    begun: Begun,
) -> Response<Body> {
    let mut fields = headers::downstream_of_read(&begun.headers);
    fields.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    // Nothing between here and the client may hold events back (DEVIATIONS 6.16).
    fields.insert(
        CACHE_CONTROL,
        HeaderValue::from_static("no-cache, no-transform"),
    );
    fields.insert(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    // A turn ends at its terminal event, and some readers look for the end of the connection (DEVIATIONS 4.9).
    fields.insert(CONNECTION, HeaderValue::from_static("close"));
    headers::say_mends(&mut fields, &ongoing.record.request);
    if ongoing.takes_trailers {
        fields.insert(TRAILER, HeaderValue::from_static(headers::TOLD));
    }
    ongoing.record.status = 200;
    let streaming = Streaming {
        held: begun.held.into(),
        reading: Some(begun.reading),
        beat: None,
        every: shared.limits.heartbeat,
        ended: false,
        needs_events: ongoing.record.client.starts_with(CODEX),
        whole_frames: true,
        gathered: 0,
        fresh: false,
        trailers: None,
        ongoing,
        _open: open,
    };
    let mut response = Response::new(streaming.boxed_unsync());
    *response.headers_mut() = fields;
    response
}

/// A stream on its way downstream.
struct Streaming {
    /// What came before the status was sent.
    held: VecDeque<Event>,
    /// `None` once the stream is over.
    reading: Option<Reading>,
    /// When the silence has lasted long enough; `None` before it has begun.
    beat: Option<Instant>,
    every: Duration,
    /// The upstream's stream has ended.
    ended: bool,
    /// Comments do not reset this client's timer (DEVIATIONS 6.1).
    needs_events: bool,
    /// What was sent last ended with a blank line.
    whole_frames: bool,
    /// Bytes that were given since the last write.
    gathered: usize,
    /// Some of them since the upstream was last waited for.
    fresh: bool,
    /// What stands behind the body.
    trailers: Option<HeaderMap>,
    ongoing: Ongoing,
    _open: Open,
}

impl hyper::body::Body for Streaming {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let Poll::Ready(bytes) = self.poll_bytes(context) else {
            self.gather(context);
            return Poll::Pending;
        };
        self.ongoing.connection.gather(false);
        let Some(bytes) = bytes else {
            return Poll::Ready(
                self.trailers
                    .take()
                    .map(|fields| Ok(Frame::trailers(fields))),
            );
        };
        self.gathered += bytes.len();
        self.fresh = true;
        self.ongoing.copies.sent(&bytes);
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }
}

impl Streaming {
    /// Nothing more is there. What the upstream sent at once lies in the HTTP library's buffer, and its task hands it over a
    /// chunk at a time, one for each time that it is asked: a relay that writes each event as a chunk would cost a write for
    /// each. So that task has its turn before the client's socket is written to, and what it hands over goes out with the
    /// rest. When it has nothing, all of it goes out: that takes microseconds, and no clock.
    fn gather(&mut self, context: &Context<'_>) {
        let more = std::mem::take(&mut self.fresh) && self.gathered < GATHERED;
        if more {
            context.waker().wake_by_ref();
        } else {
            self.gathered = 0;
        }
        self.ongoing.connection.gather(more);
    }

    /// The next bytes to send; `None` at the end.
    fn poll_bytes(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            if let Some(event) = self.held.pop_front() {
                if self.held.is_empty() {
                    // A stream lasts much longer than its beginning.
                    self.held = VecDeque::new();
                }
                return Poll::Ready(Some(self.send(&event)));
            }
            let Some(reading) = self.reading.as_mut() else {
                return Poll::Ready(None);
            };
            let quiet = !self.ended && self.whole_frames;
            let (beat, every) = (&mut self.beat, self.every);
            let until = || quiet.then(|| *beat.get_or_insert_with(|| Instant::now() + every));
            match ready!(reading.poll_next(context, until)) {
                Some(Came::Event(event)) => {
                    let bytes = self.send(&event);
                    if self.ended && event.kind().class() == Class::Sentinel {
                        // Nothing means anything behind it.
                        self.finish();
                    }
                    return Poll::Ready(Some(bytes));
                }
                Some(Came::Due) => return Poll::Ready(Some(self.heartbeat())),
                Some(Came::Ended(how)) => {
                    self.ended = true;
                    self.ongoing.record.finish = finish_of(&how);
                    self.ongoing.record.error = error_of(&how);
                }
                None => self.finish(),
            }
        }
    }

    /// What breaks the silence: a comment; an event where only events reset the reader's timer.
    fn heartbeat(&mut self) -> Bytes {
        self.beat = None;
        let event = match &mut self.reading {
            Some(reading) if self.needs_events => reading.heartbeat(),
            _ => None,
        };
        event.map_or(Bytes::from_static(COMMENT), |event| event.raw().clone())
    }

    fn send(&mut self, event: &Event) -> Bytes {
        let record = &mut self.ongoing.record;
        if event.kind().class() == Class::Terminal {
            record.terminal_seen = true;
            // Codex leaves as soon as it has this one: it is the ending, whatever is still to be polled.
            record.finish = match event.kind() {
                EventKind::Completed => Finish::Completed,
                EventKind::Incomplete => Finish::Incomplete,
                _ => Finish::Failed,
            };
            record.tokens = tokens(event);
        }
        record.events += u64::from(event.counts());
        self.beat = None;
        let bytes = event.raw().clone();
        record.bytes += bytes.len() as u64;
        self.whole_frames = bytes.ends_with(b"\n\n") || bytes.ends_with(b"\n\r\n");
        bytes
    }

    /// Everything was sent.
    fn finish(&mut self) {
        self.note_repairs();
        if self.ongoing.takes_trailers {
            self.trailers = Some(headers::told(&self.ongoing.record));
        }
        if let Some(reading) = self.reading.take() {
            reading.leave();
        }
        self.ongoing.closing();
    }

    fn note_repairs(&mut self) {
        if let Some(reading) = &self.reading {
            self.ongoing.record.repairs = reading.reader.repairs().to_vec();
            self.ongoing.record.note_restored(reading.calls_restored());
            self.ongoing.record.gaps = reading.gaps;
        }
    }
}

impl Drop for Streaming {
    fn drop(&mut self) {
        self.ongoing.connection.gather(false);
        // The client went away: what was mended until then was mended.
        self.note_repairs();
    }
}

/// How a stream ended, as it is told.
pub(super) fn finish_of(ending: &Ending) -> Finish {
    match ending {
        Ending::Completed { .. } => Finish::Completed,
        Ending::Incomplete { .. } => Finish::Incomplete,
        Ending::Truncated { .. } => Finish::Truncated,
        Ending::Empty { .. } => Finish::Empty,
        Ending::NoStream(_) => Finish::NoStream,
        _ => Finish::Failed,
    }
}

fn error_of(ending: &Ending) -> Option<String> {
    match ending {
        Ending::Failed(error) => error.code.clone().or_else(|| error.kind.clone()),
        Ending::Truncated { .. } => Some("upstream_truncated".to_owned()),
        Ending::Empty { .. } => Some("empty_stream".to_owned()),
        _ => None,
    }
}

#[derive(Deserialize)]
struct Told {
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Usage {
    input_tokens: u64,
    output_tokens: u64,
}

/// The tokens that a terminal event tells.
pub(super) fn tokens(event: &Event) -> Option<(u64, u64)> {
    let response: Told = serde_json::from_str(event.field(Field::Response)?).ok()?;
    response
        .usage
        .map(|usage| (usage.input_tokens, usage.output_tokens))
}
