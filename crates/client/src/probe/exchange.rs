//! One request and the whole of its answer, with the time of everything that came.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt as _;
use reqwest::header::{ACCEPT, HeaderMap};
use respair_core::{Ending, RequestFacts, RetryVerdict};
use serde::de::IgnoredAny;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{Answer, BODY_KEPT, BodyEnd, Head, Probe, Sent, Timing};
use crate::client::Shared;
use crate::clock::{Clock, Stopwatch};
use crate::endpoint::bare;
use crate::reading::{Given, Manner, Reading};
use crate::trace::TraceBody;
use crate::transport::Break;
use crate::watch::Watch;
use crate::{TurnError, TurnEvent, body::Body, http_error, transport};

/// What comes while a probe is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// The head, with its status.
    Head(u16),
    /// Bytes of the body; so many so far.
    Bytes(usize),
}

/// Sends the request and reads its answer.
pub(super) async fn run(
    shared: &Shared,
    number: u32,
    probe: Probe,
    model: &str,
    cancel: &CancellationToken,
    mut progress: impl FnMut(Progress),
) -> Answer {
    let endpoint = &shared.endpoint;
    let body = probe.body(model, &endpoint.extra_body);
    let (method, url) = match body {
        Some(_) => ("POST", shared.target.clone()),
        None => {
            let mut url = shared.target.clone();
            url.set_path(endpoint.url_of("models").path());
            ("GET", url)
        }
    };
    let sent = Sent {
        method,
        url: bare(&url),
        body: probe.shown_body(model, &endpoint.extra_body),
    };
    let json = body.map(|body| Bytes::from(serde_json::Value::Object(body).to_string()));
    let request = match &json {
        Some(json) => shared.http.post(url).body(json.clone()),
        None => shared.http.get(url),
    };
    let accept = if probe.is_streamed() || probe.is_wrong() {
        "text/event-stream"
    } else {
        "application/json"
    };
    tracing::debug!(%probe, endpoint = %shared.url, "probe sent");

    let mut exchange = Exchange {
        shared,
        number,
        watch: Watch::start(shared.clock.as_ref(), &endpoint.timeouts),
        stopwatch: Stopwatch::start(shared.clock.as_ref()),
        cancel,
        answer: Answer {
            probe,
            sent,
            head: None,
            body: Bytes::new(),
            end: BodyEnd::None,
            timing: Timing::default(),
            encoding: None,
            ending: None,
            response: None,
            error: None,
        },
    };
    let response = tokio::select! {
        biased;
        () = cancel.cancelled() => {
            exchange.answer.end = BodyEnd::Interrupted;
            return exchange.over();
        }
        response = request.header(ACCEPT, accept).send() => response,
        expired = exchange.watch.expired() => {
            let message = exchange.watch.sentence(expired);
            let error = TurnError::local("empty_stream", message, RetryVerdict::Retry);
            return exchange.unanswered(error);
        }
    };
    match response {
        Ok(response) => {
            let status = response.status().as_u16();
            progress(Progress::Head(status));
            let headers = exchange.head(&response);
            let redactor = shared.redactor.clone();
            let raw = response
                .bytes_stream()
                .map_err(move |error| transport::body_error(error, &redactor));
            exchange.read(Body::new(&headers, raw), progress).await;
            exchange.explain(&headers, json.as_deref().unwrap_or_default());
            exchange.note();
            exchange.over()
        }
        Err(error) => exchange.unanswered(transport::error(error, endpoint, &shared.redactor)),
    }
}

struct Exchange<'a> {
    shared: &'a Shared,
    /// Which request of the prober it is, from 1.
    number: u32,
    watch: Watch<&'a dyn Clock>,
    stopwatch: Stopwatch<&'a dyn Clock>,
    cancel: &'a CancellationToken,
    answer: Answer,
}

/// What came from the socket.
enum Came {
    Bytes(Bytes),
    Over(BodyEnd),
}

impl Exchange<'_> {
    /// There is no answer.
    fn unanswered(mut self, error: TurnError) -> Answer {
        self.answer.error = Some(error);
        self.over()
    }

    fn over(mut self) -> Answer {
        let now = self.stopwatch.read();
        let timing = &mut self.answer.timing;
        // The wait for an end that did not come is ours.
        timing.total = match self.answer.end {
            BodyEnd::HeldOpen => timing.last_byte.unwrap_or(now),
            _ => now,
        };
        self.answer
    }

    fn head(&mut self, response: &reqwest::Response) -> HeaderMap {
        self.answer.timing.head = Some(self.stopwatch.read());
        let headers = response.headers().clone();
        let status = response.status().as_u16();
        let head = Head::read(status, response.version(), &headers, &self.shared.redactor);
        self.answer.head = Some(head);
        headers
    }

    fn is_success(&self) -> bool {
        self.answer.head.as_ref().is_some_and(Head::is_success)
    }

    async fn read(&mut self, mut body: Body, mut progress: impl FnMut(Progress)) {
        let mut trace = self.trace();
        let mut reading = Reading::new(
            self.shared,
            Manner::Tolerant { judged: false },
            RequestFacts::default(),
            0,
        );
        let mut given = Vec::new();
        let mut bytes = BytesMut::new();
        // What is kept is shown: a key that the endpoint sends back goes before anything reads it.
        let mut redact = self.shared.redactor.stream();
        // When to stop waiting: the answer is whole, or it is an error's page.
        let mut deadline = match self.is_success() {
            true => None,
            false => Some(Instant::now() + http_error::BODY_PATIENCE),
        };
        self.answer.end = loop {
            match self.next(&mut body, deadline).await {
                Came::Bytes(chunk) => {
                    let now = self.stopwatch.read();
                    self.answer.timing.on_bytes(now);
                    if let Some(trace) = &mut trace {
                        // What cannot be written is only missed there.
                        let _ = trace.push(&chunk);
                    }
                    let chunk = Bytes::from(redact.push(&chunk));
                    bytes.extend_from_slice(&chunk);
                    progress(Progress::Bytes(bytes.len()));
                    reading.push(chunk);
                    self.take(&mut reading, &mut given, now);
                    let whole = self.answer.ending.is_some()
                        || reading.reader.is_draining()
                        || is_whole_json(&bytes);
                    if deadline.is_none() && whole {
                        deadline = Some(Instant::now() + self.shared.endpoint.limits.drain);
                    }
                    let most = match self.is_success() {
                        true => BODY_KEPT,
                        false => http_error::BODY_LIMIT,
                    };
                    if bytes.len() > most {
                        bytes.truncate(most);
                        break BodyEnd::TooLong;
                    }
                }
                Came::Over(end) => break end,
            }
        };
        self.answer.encoding = body.take_finding();
        let now = self.stopwatch.read();
        let rest = Bytes::from(redact.finish());
        bytes.extend_from_slice(&rest);
        reading.push(rest);
        reading.finish(self.answer.end.cause());
        self.take(&mut reading, &mut given, now);
        self.answer.body = bytes.freeze();
        if let Some(ending) = &self.answer.ending {
            let (response, _) = reading.response(ending);
            self.answer.response = Some(response);
        }
    }

    /// Waits for bytes, for the end of the body, or for a reason to end it ourselves.
    async fn next(&mut self, body: &mut Body, deadline: Option<Instant>) -> Came {
        let mut received = body.received();
        loop {
            return tokio::select! {
                biased;
                () = self.cancel.cancelled() => Came::Over(BodyEnd::Interrupted),
                chunk = body.next() => match chunk {
                    Some(Ok(chunk)) => {
                        self.watch.on_bytes();
                        Came::Bytes(chunk)
                    }
                    Some(Err(error)) => Came::Over(broken(&error)),
                    None => Came::Over(BodyEnd::Whole),
                },
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                    Came::Over(BodyEnd::HeldOpen)
                }
                expired = self.watch.expired() => {
                    if body.received() > received {
                        // Bytes came that a decoder still holds.
                        received = body.received();
                        self.watch.on_bytes();
                        continue;
                    }
                    tracing::debug!(why = self.watch.sentence(expired), "the probe is given up");
                    Came::Over(BodyEnd::Silent)
                }
            };
        }
    }

    /// Takes what the bytes so far give.
    fn take(&mut self, reading: &mut Reading, given: &mut Vec<Given>, now: Duration) {
        while reading.poll(given) {
            for item in given.drain(..) {
                match item {
                    Given::Event(TurnEvent::Text(_) | TurnEvent::Reasoning(_)) => {
                        self.answer.timing.first_text.get_or_insert(now);
                    }
                    Given::Ended(ending) => self.end(ending),
                    Given::Event(_) | Given::Refused(_) => {}
                }
            }
        }
        if reading.take_progress() {
            self.watch.on_progress();
        }
    }

    fn end(&mut self, ending: Ending) {
        self.answer.ending.get_or_insert(ending);
    }

    /// What an answer says that is no success.
    fn explain(&mut self, headers: &HeaderMap, json: &[u8]) {
        let Some(status) = self.answer.head.as_ref().map(|head| head.status) else {
            return;
        };
        let Ok(status) = reqwest::StatusCode::from_u16(status) else {
            return;
        };
        if !status.is_success() {
            let shared = self.shared;
            let now = shared.clock.unix();
            self.answer.error = Some(http_error::read(
                status,
                headers,
                &self.answer.body,
                json,
                &shared.endpoint,
                &shared.redactor,
                now,
            ));
        }
    }

    /// The trace of a body that may be a stream.
    fn trace(&self) -> Option<TraceBody> {
        let trace = self.shared.options.trace.as_ref()?;
        if !self.is_traced() {
            return None;
        }
        let (body, begun) = trace.body(self.number, &self.shared.redactor);
        begun.is_ok().then_some(body)
    }

    fn is_traced(&self) -> bool {
        self.answer.probe.is_streamed() && self.is_success()
    }

    /// Any other answer stands in the trace as a comment.
    fn note(&self) {
        let Some(trace) = self.shared.options.trace.as_ref() else {
            return;
        };
        if self.is_traced() {
            return;
        }
        let status = self.answer.head.as_ref().map_or(0, |head| head.status);
        let text = format!(
            "respair probe {} HTTP {status}\n{}",
            self.answer.probe,
            String::from_utf8_lossy(&self.answer.body)
        );
        // What cannot be written is only missed there.
        let _ = trace.note(&text, &self.shared.redactor);
    }
}

fn broken(error: &io::Error) -> BodyEnd {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    match inner {
        Some(Break::Closed) => BodyEnd::Closed,
        Some(Break::Reset | Break::Other) => BodyEnd::Reset,
        None => BodyEnd::Garbled,
    }
}

/// Whether a JSON document is all there. Asked only where the last byte can be its end.
fn is_whole_json(bytes: &[u8]) -> bool {
    let text = bytes.trim_ascii();
    matches!(
        (text.first(), text.last()),
        (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']'))
    ) && serde_json::from_slice::<IgnoredAny>(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_whole_or_not() {
        for (text, whole) in [
            ("{}", true),
            (" [1]\n", true),
            ("{\"a\":{}", false),
            ("data: {}", false),
            ("", false),
        ] {
            assert_eq!(is_whole_json(text.as_bytes()), whole, "{text}");
        }
    }
}
