//! A request that is under way.

use std::sync::Arc;

use hyper::Response;
use hyper::header::{CONTENT_LENGTH, HeaderMap, TE, TRANSFER_ENCODING, USER_AGENT};
use hyper::http::request::Parts;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::connection::Connection;
use crate::copies::Copies;
use crate::gateway::Shared;
use crate::record::new_id;
use crate::reply::{Body, Refusal};
use crate::route::shown;
use crate::{Finish, Record};

/// A request that is under way. When it is dropped it is over, in whatever way, and is settled.
pub(crate) struct Ongoing {
    pub(crate) record: Record,
    pub(crate) copies: Copies,
    /// The client reads what stands behind a body (RFC 9110, 6.5.1).
    pub(crate) takes_trailers: bool,
    /// The request has a body.
    has_body: bool,
    started: Instant,
    shared: Arc<Shared>,
    pub(crate) connection: Arc<Connection>,
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
            takes_trailers: takes_trailers(&parts.headers),
            has_body: has_body(&parts.headers),
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
        if self.has_body {
            self.connection.turned_away();
        }
        self.told(refusal.response())
    }

    /// The upstream gave nothing that could be passed on.
    pub(crate) fn fail(mut self, refusal: &Refusal) -> Response<Body> {
        self.record.finish = Finish::Failed;
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
            // A client that leaves behind the terminal event has its answer.
            How::UnderWay if record.terminal_seen && !self.connection.is_stalled() => {}
            How::UnderWay => self.connection.broke(&mut record),
        }
        self.shared.settle(&record);
    }
}

/// RFC 9112, 6.3: a request has a body when one of these says so.
fn has_body(headers: &HeaderMap) -> bool {
    let length = headers.get(CONTENT_LENGTH);
    length.is_some_and(|length| length.as_bytes() != b"0")
        || headers.contains_key(TRANSFER_ENCODING)
}

fn takes_trailers(headers: &HeaderMap) -> bool {
    let values = headers.get_all(TE).iter();
    let mut words = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    words.any(|word| word.trim().eq_ignore_ascii_case("trailers"))
}
