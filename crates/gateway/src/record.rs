//! What is known of a request when it is over. Never a prompt, an answer or a key.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

use respair_core::Repair;
use serde_json::{Value, json};

use crate::copies::Bodies;
use crate::metrics::Gaps;
use crate::request::{CALL_RESTORED, RequestMend};
use crate::route::shown;

/// How a request ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Finish {
    /// The upstream completed its response.
    Completed,
    /// The upstream left its response incomplete.
    Incomplete,
    /// The upstream failed, in the stream or by its status.
    Failed,
    /// The stream was cut after content came.
    Truncated,
    /// Nothing came.
    Empty,
    /// What came is no stream.
    NoStream,
    /// The gateway turned the request away.
    Refused,
    /// The client went away.
    ClientGone,
    /// The client took nothing for too long (`serve.limits.write_stall`).
    ClientStalled,
    /// It was passed on, whatever it was.
    #[default]
    Passed,
}

impl Finish {
    /// Its name in logs and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Incomplete => "incomplete",
            Self::Failed => "failed",
            Self::Truncated => "truncated",
            Self::Empty => "empty",
            Self::NoStream => "no_stream",
            Self::Refused => "refused",
            Self::ClientGone => "client_gone",
            Self::ClientStalled => "client_stalled",
            Self::Passed => "passed",
        }
    }
}

/// One request.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Record {
    /// `x-respair-request-id`.
    pub id: String,
    /// `POST`, ….
    pub method: String,
    /// `responses`, `pass`, ….
    pub route: &'static str,
    /// The path, without its query.
    pub path: String,
    /// The upstream's name.
    pub upstream: Option<String>,
    /// The first word of the client's User-Agent.
    pub client: String,
    /// The HTTP status that was sent.
    pub status: u16,
    /// How it ended.
    pub finish: Finish,
    /// Our own error's code, or the upstream's.
    pub error: Option<String>,
    /// Events sent downstream.
    pub events: u64,
    /// Repairs, by code.
    pub repairs: Vec<Repair>,
    /// What was changed in the request, by code.
    pub request: Vec<RequestMend>,
    /// Requests made upstream.
    pub upstream_requests: u32,
    /// From the request to the first byte of the upstream's body.
    pub first_byte: Option<Duration>,
    /// From the request to the end.
    pub total: Duration,
    /// Input and output tokens, as the upstream counts them.
    pub tokens: Option<(u64, u64)>,
    /// Bytes of the body that were sent downstream, as far as the connection took them.
    pub bytes: u64,
    /// The upstream's terminal event was read.
    pub terminal_seen: bool,
    /// The pauses between its events.
    pub(crate) gaps: Gaps,
    /// The bodies, where they are logged.
    pub bodies: Option<Bodies>,
    /// The terminal event reached the client's connection, and the connection closed properly behind it.
    pub terminal_delivered: bool,
}

/// Names a request.
pub(crate) fn new_id() -> String {
    format!("{:016x}", fastrand::u64(..))
}

impl Record {
    /// A head that could not be read.
    pub(crate) fn unread(id: String, status: u16, error: Option<String>) -> Self {
        Self {
            id,
            method: "-".to_owned(),
            route: "none",
            path: "-".to_owned(),
            status,
            finish: Finish::Refused,
            error,
            ..Self::default()
        }
    }

    /// One line for a person.
    #[must_use]
    pub fn human(&self) -> String {
        let mut line = format!(
            "{} {} {} {}",
            self.method,
            self.path,
            self.status,
            self.finish.name()
        );
        // Writing into a String does not fail.
        if let Some(error) = &self.error {
            // The upstream's own word: one word of the line, whatever is in it.
            let _ = write!(line, " {}", word(error));
        }
        let _ = write!(
            line,
            " upstream={}",
            self.upstream.as_deref().unwrap_or("-")
        );
        let _ = write!(line, " client={}", word(&self.client));
        if self.route == "responses" {
            let _ = write!(line, " events={}", self.events);
        }
        if !self.repairs.is_empty() {
            let repairs: Vec<String> = self
                .repairs
                .iter()
                .map(|repair| format!("{}×{}", repair.code, repair.count))
                .collect();
            let _ = write!(line, " repairs={}", repairs.join(","));
        }
        if !self.request.is_empty() {
            let mends: Vec<String> = self.request.iter().map(ToString::to_string).collect();
            let _ = write!(line, " mended={}", mends.join(","));
        }
        if self.upstream_requests > 1 {
            let _ = write!(line, " requests={}", self.upstream_requests);
        }
        if let Some(first) = self.first_byte {
            let _ = write!(line, " first={}ms", first.as_millis());
        }
        let _ = write!(line, " total={}ms", self.total.as_millis());
        if let Some((input, output)) = self.tokens {
            let _ = write!(line, " tokens={input}+{output}");
        }
        let _ = write!(line, " id={}", self.id);
        line
    }

    /// One line for a machine.
    #[must_use]
    pub fn json(&self) -> String {
        let repairs: serde_json::Map<String, Value> = self
            .repairs
            .iter()
            .map(|repair| (repair.code.to_string(), json!(repair.count)))
            .collect();
        let mends: Vec<Value> = self
            .request
            .iter()
            .map(|mend| json!({"code": mend.code, "count": mend.count, "names": mend.names, "known": mend.known}))
            .collect();
        let ms = |wait: Duration| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let mut line = json!({
            "type": "request",
            "id": self.id,
            "method": self.method,
            "route": self.route,
            "path": self.path,
            "upstream": self.upstream,
            "client": self.client,
            "status": self.status,
            "ending": self.finish.name(),
            "error": self.error.as_deref().map(shown),
            "events": self.events,
            "repairs": repairs,
            "request_mends": mends,
            "upstream_requests": self.upstream_requests,
            "first_byte_ms": self.first_byte.map(ms),
            "total_ms": ms(self.total),
            "input_tokens": self.tokens.map(|(input, _)| input),
            "output_tokens": self.tokens.map(|(_, output)| output),
            "bytes": self.bytes,
            "terminal_seen": self.terminal_seen,
            "terminal_delivered": self.terminal_delivered,
        });
        if let Some(bodies) = &self.bodies {
            line["request_body"] = json!(bodies.request);
            line["response_body"] = json!(bodies.answer);
        }
        line.to_string()
    }

    /// So many calls were given back as those of the client's own tools.
    pub(crate) fn note_restored(&mut self, calls: u64) {
        self.request.retain(|mend| mend.code != CALL_RESTORED);
        if calls > 0 {
            self.request.push(RequestMend {
                code: CALL_RESTORED,
                count: calls,
                names: Vec::new(),
                known: false,
            });
        }
    }
}

/// Text from elsewhere as one short word of a line: quoted where it holds what could be read as more than one.
fn word(text: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '=' | '\\');
    match text {
        "" => Cow::Borrowed("-"),
        text if text.len() <= 120 && text.chars().all(plain) => Cow::Borrowed(text),
        text => Cow::Owned(format!("{:?}", shown(text))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn a_line_holds_what_is_known() {
        let record = Record {
            id: "r1".to_owned(),
            method: "POST".to_owned(),
            route: "responses",
            path: "/v1/responses".to_owned(),
            upstream: Some("relay".to_owned()),
            client: "codex_exec/0.169".to_owned(),
            status: 200,
            finish: Finish::Completed,
            events: 9,
            upstream_requests: 2,
            first_byte: Some(Duration::from_millis(12)),
            total: Duration::from_millis(345),
            tokens: Some((7, 8)),
            ..Record::default()
        };
        assert_eq!(
            record.human(),
            "POST /v1/responses 200 completed upstream=relay client=codex_exec/0.169 events=9 requests=2 \
             first=12ms total=345ms tokens=7+8 id=r1"
        );
        let line: Value = serde_json::from_str(&record.json()).unwrap();
        assert_eq!(line["first_byte_ms"], 12);
        assert_eq!(line["ending"], "completed");
    }
}
