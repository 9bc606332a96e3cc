//! What one request is answered: head, body bytes in exact chunks, waits, and how it ends.

mod recording;
mod step;

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use serde_json::{Value, json};

use crate::stream::Stream;

pub use step::{BodyLength, Gate, Pace, Step};

/// The answer to one request.
#[derive(Clone, Debug)]
pub struct Script {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) length: BodyLength,
    pub(crate) before_head: Vec<Step>,
    pub(crate) steps: Vec<(Option<String>, Step)>,
    pub(crate) keep_alive: bool,
}

impl Script {
    /// An empty answer with this status, chunked, without any header of its own.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            length: BodyLength::Chunked,
            before_head: Vec::new(),
            steps: Vec::new(),
            keep_alive: false,
        }
    }

    /// 200, `text/event-stream`, chunked, no events yet.
    #[must_use]
    pub fn sse() -> Self {
        Self::status(200)
            .header("content-type", "text/event-stream; charset=utf-8")
            .header("cache-control", "no-cache")
    }

    /// A stream: one chunk for each event, a [`Step::Beat`] before each delta.
    #[must_use]
    pub fn stream(stream: &Stream) -> Self {
        Self::sse().events(stream)
    }

    /// A recorded body, sent as one chunk for each block that a blank line ends, so that it arrives
    /// in pieces as it did; the bytes are not changed.
    #[must_use]
    pub fn replay(body: impl Into<Bytes>) -> Self {
        let mut script = Self::sse();
        for block in recording::blocks(body.into()) {
            script = script.step(Step::Beat).send(block);
        }
        script
    }

    /// This status with a counted JSON body.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Self {
        Self::text(status, "application/json", body.to_string())
    }

    /// This status with a counted body of this content type.
    #[must_use]
    pub fn text(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        Self::status(status)
            .header("content-type", content_type)
            .length(BodyLength::Counted)
            .send(body)
    }

    /// An error in the shape of the OpenAI API: `{"error": {message, type, param, code}}`.
    #[must_use]
    pub fn error(status: u16, kind: &str, code: Option<&str>, message: &str) -> Self {
        let error = json!({"message": message, "type": kind, "param": null, "code": code});
        Self::json(status, &json!({"error": error}))
    }

    /// No HTTP head: the steps write to the socket as it is.
    #[must_use]
    pub fn raw() -> Self {
        Self::status(0).length(BodyLength::Raw)
    }

    /// Adds a header, also one that is there already.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets a header, in place of those of that name.
    #[must_use]
    pub fn set_header(self, name: &str, value: &str) -> Self {
        self.without_header(name).header(name, value)
    }

    /// Removes the headers of this name.
    #[must_use]
    pub fn without_header(mut self, name: &str) -> Self {
        self.headers
            .retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self
    }

    /// Sets how the body's length is told.
    #[must_use]
    pub fn length(mut self, length: BodyLength) -> Self {
        self.length = length;
        self
    }

    /// Leaves the connection open for the next request when the body ended properly and the peer
    /// asked for it. Without this the relay closes after each answer, and says so.
    #[must_use]
    pub fn keep_alive(mut self) -> Self {
        self.keep_alive = true;
        self
    }

    /// Adds a step that is taken before the head is sent: a gate, a delay, a reset.
    #[must_use]
    pub fn before_head(mut self, step: Step) -> Self {
        self.before_head.push(step);
        self
    }

    /// Adds a step.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        self.steps.push((None, step));
        self
    }

    /// Adds bytes, as one chunk.
    #[must_use]
    pub fn send(self, bytes: impl Into<Bytes>) -> Self {
        self.step(Step::Send(bytes.into()))
    }

    /// Adds the events of a stream: one chunk for each, a [`Step::Beat`] before each delta.
    #[must_use]
    pub fn events(mut self, stream: &Stream) -> Self {
        for ev in stream.evs() {
            if ev.is_delta() {
                self.steps.push((None, Step::Beat));
            }
            self.steps
                .push((Some(ev.kind().to_owned()), Step::Send(ev.to_bytes())));
        }
        self
    }

    /// Adds a gate.
    #[must_use]
    pub fn gate(self, gate: &Gate) -> Self {
        self.step(Step::Gate(gate.clone()))
    }

    /// Adds a wait.
    #[must_use]
    pub fn delay(self, delay: Duration) -> Self {
        self.step(Step::Delay(delay))
    }

    /// Ends with a FIN in the middle of the body.
    #[must_use]
    pub fn cut(self) -> Self {
        self.step(Step::Cut)
    }

    /// Ends with a RST.
    #[must_use]
    pub fn reset(self) -> Self {
        self.step(Step::Reset)
    }

    /// Ends by never ending: the socket stays open until the peer closes it.
    #[must_use]
    pub fn hold_open(self) -> Self {
        self.step(Step::HoldOpen)
    }

    /// Puts a step right after the first event of this type (of [`Script::events`]); at the end if
    /// there is none.
    #[must_use]
    pub fn after_first(mut self, kind: &str, step: Step) -> Self {
        let place = self
            .steps
            .iter()
            .position(|(of, _)| of.as_deref() == Some(kind));
        let place = place.map_or(self.steps.len(), |place| place + 1);
        self.steps.insert(place, (None, step));
        self
    }

    /// Puts a step right before the first event of this type; at the end if there is none.
    #[must_use]
    pub fn before_first(mut self, kind: &str, step: Step) -> Self {
        let place = self
            .steps
            .iter()
            .position(|(of, _)| of.as_deref() == Some(kind));
        let place = place.unwrap_or(self.steps.len());
        self.steps.insert(place, (None, step));
        self
    }

    /// Cuts what is sent into chunks of `size` bytes (the last may be smaller), across events but
    /// not across other steps. 0 counts as 1.
    #[must_use]
    pub fn in_chunks_of(mut self, size: usize) -> Self {
        let mut steps = Vec::new();
        let mut pending = BytesMut::new();
        let flush = |pending: &mut BytesMut, steps: &mut Vec<_>| {
            let mut bytes = std::mem::take(pending).freeze();
            while !bytes.is_empty() {
                let chunk = bytes.split_to(size.max(1).min(bytes.len()));
                steps.push((None, Step::Send(chunk)));
            }
        };
        for (kind, step) in std::mem::take(&mut self.steps) {
            match step {
                Step::Send(bytes) => pending.extend_from_slice(&bytes),
                Step::Beat => {}
                other => {
                    flush(&mut pending, &mut steps);
                    steps.push((kind, other));
                }
            }
        }
        flush(&mut pending, &mut steps);
        self.steps = steps;
        self
    }

    /// All bytes that the steps send (repeated ones once): the body without the server.
    #[must_use]
    pub fn body(&self) -> Bytes {
        let mut body = BytesMut::new();
        for (_, step) in &self.steps {
            if let Step::Send(bytes) | Step::Repeat { bytes, .. } = step {
                body.extend_from_slice(bytes);
            }
        }
        body.freeze()
    }

    /// Whether it is called an event stream, and a success.
    pub(crate) fn is_stream(&self) -> bool {
        let called = self
            .headers
            .iter()
            .any(|(name, value)| name == "content-type" && value.contains("event-stream"));
        self.status == 200 && called
    }

    /// The status that is sent; 0 for [`Script::raw`].
    #[must_use]
    pub fn status_code(&self) -> u16 {
        self.status
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conforming_text;

    fn sent(script: &Script) -> Vec<Bytes> {
        let steps = script.steps.iter().map(|(_, step)| step);
        steps
            .filter_map(|step| {
                if let Step::Send(bytes) = step {
                    Some(bytes.clone())
                } else {
                    None
                }
            })
            .collect()
    }

    #[test]
    fn a_replay_keeps_every_byte_and_splits_at_blank_lines() {
        let body = "data: 1\n\n: c\r\n\r\ndata: 2\r\rdata: 3";
        let script = Script::replay(body);
        assert_eq!(
            sent(&script),
            ["data: 1\n\n", ": c\r\n\r\n", "data: 2\r\r", "data: 3"]
        );
        assert_eq!(script.body(), body);
    }

    #[test]
    fn chunks_of_n_bytes_hold_the_same_body() {
        let whole = Script::stream(&conforming_text(["Hi"]));
        let small = whole.clone().in_chunks_of(7);
        assert_eq!(small.body(), whole.body());
        let chunks = sent(&small);
        assert!(
            chunks[..chunks.len() - 1]
                .iter()
                .all(|chunk| chunk.len() == 7)
        );
    }

    #[test]
    fn steps_are_placed_by_event_type() {
        let script = Script::stream(&conforming_text(["a", "b"]))
            .after_first("response.output_text.delta", Step::Gate(Gate::new()))
            .before_first("response.completed", Step::Cut);
        let shape: Vec<_> = script
            .steps
            .iter()
            .filter_map(|(kind, step)| match step {
                Step::Gate(_) => Some("GATE"),
                Step::Cut => Some("CUT"),
                Step::Send(_) => kind.as_deref(),
                _ => None,
            })
            .collect();
        assert_eq!(
            shape[4..7],
            [
                "response.output_text.delta",
                "GATE",
                "response.output_text.delta"
            ]
        );
        assert_eq!(shape[shape.len() - 2..], ["CUT", "response.completed"]);
    }
}
