//! What is known of a request when it is over. Never a prompt, an answer or a key.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use hyper::Response;
use hyper::header::USER_AGENT;
use hyper::http::request::Parts;
use respair_core::Repair;
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::connection::Connection;
use crate::copies::{Bodies, Copies};
use crate::gateway::Shared;
use crate::reply::{Body, Refusal};
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
            let _ = write!(line, " {error}");
        }
        let _ = write!(
            line,
            " upstream={}",
            self.upstream.as_deref().unwrap_or("-")
        );
        let _ = write!(
            line,
            " client={}",
            if self.client.is_empty() {
                "-"
            } else {
                &self.client
            }
        );
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
            "error": self.error,
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

/// A request that is under way. When it is dropped it is over, in whatever way, and is settled.
pub(crate) struct Ongoing {
    pub(crate) record: Record,
    pub(crate) copies: Copies,
    started: Instant,
    shared: Arc<Shared>,
    connection: Arc<Connection>,
    ending: How,
}

/// How far a request came.
#[derive(PartialEq, Eq)]
enum How {
    /// Nobody has said how it ended: when it is dropped like that, the client is gone.
    UnderWay,
    /// The answer is there as a whole.
    Over,
    /// The body was sent to its end, and the connection closes behind it: how that went is known then.
    Closing,
}

impl Ongoing {
    pub(crate) fn new(shared: &Arc<Shared>, connection: &Arc<Connection>, parts: &Parts) -> Self {
        let agent = parts
            .headers
            .get(USER_AGENT)
            .and_then(|agent| agent.to_str().ok());
        let client = agent
            .and_then(|agent| agent.split_whitespace().next())
            .unwrap_or_default();
        let record = Record {
            id: new_id(),
            method: parts.method.to_string(),
            route: "none",
            path: shown(parts.uri.path()),
            client: shown(client),
            ..Record::default()
        };
        Self {
            record,
            copies: Copies::default(),
            started: Instant::now(),
            shared: Arc::clone(shared),
            connection: Arc::clone(connection),
            ending: How::UnderWay,
        }
    }

    pub(crate) fn id(&self) -> &str {
        &self.record.id
    }

    /// Cancelled when it has to end now.
    pub(crate) fn ending(&self) -> CancellationToken {
        self.shared.ending.clone()
    }

    pub(crate) fn routed(&mut self, route: &'static str) {
        self.record.route = route;
    }

    /// The first byte of the upstream's body is there.
    pub(crate) fn first_byte(&mut self) {
        self.record.first_byte.get_or_insert(self.started.elapsed());
    }

    /// The gateway's own answer.
    pub(crate) fn told(mut self, response: Response<Body>) -> Response<Body> {
        self.record.status = response.status().as_u16();
        self.over();
        response
    }

    /// Turned away.
    pub(crate) fn refuse(mut self, refusal: &Refusal) -> Response<Body> {
        self.record.finish = Finish::Refused;
        self.record.error.clone_from(&refusal.code);
        self.told(refusal.response())
    }

    /// The whole of it is known.
    pub(crate) fn over(&mut self) {
        self.ending = How::Over;
    }

    /// The body is sent to its end, and the connection closes behind it.
    pub(crate) fn closing(&mut self) {
        self.ending = How::Closing;
    }
}

impl Drop for Ongoing {
    fn drop(&mut self) {
        let mut record = std::mem::take(&mut self.record);
        record.total = self.started.elapsed();
        record.bodies = self.copies.bodies();
        match self.ending {
            How::Closing => return self.connection.keep(record),
            How::Over => {}
            How::UnderWay if self.connection.stalled() => record.finish = Finish::ClientStalled,
            // A client that leaves behind the terminal event has its answer.
            How::UnderWay if record.terminal_seen => {}
            How::UnderWay => record.finish = Finish::ClientGone,
        }
        self.shared.settle(&record);
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
