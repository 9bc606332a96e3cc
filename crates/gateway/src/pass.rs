//! What is not ours to touch: forwarded as it comes, in both directions.

use std::error::Error as _;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _, stream};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Body as _, Frame, Incoming};
use hyper::header::{ACCEPT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use respair_client::wire;
use url::Url;

use crate::gateway::Shared;
use crate::ongoing::Ongoing;
use crate::reply::{Body, Refusal};
use crate::upstream::Ready;
use crate::{Finish, ServeLimits, headers};

/// Forwards a request.
pub(crate) async fn pass(
    shared: &Arc<Shared>,
    mut ongoing: Ongoing,
    parts: Parts,
    body: Incoming,
    upstream: Option<usize>,
    rest: &str,
) -> Response<Body> {
    let Some(upstream) = shared.upstreams.choose(upstream, None) else {
        return ongoing.refuse(&Refusal::new(
            StatusCode::NOT_FOUND,
            "unknown_upstream",
            "no upstream is configured",
        ));
    };
    ongoing.record.upstream = Some(upstream.name.clone());
    let mut headers = headers::upstream(&parts.headers, upstream);
    let refused = Refused::default();
    let sent = if body.is_end_stream() {
        reqwest::Body::from(Bytes::new())
    } else {
        if let Some(length) = parts.headers.get(CONTENT_LENGTH) {
            headers.insert(CONTENT_LENGTH, length.clone());
        }
        if let Err(refusal) = fits(&body, &shared.limits) {
            return ongoing.refuse(&refusal);
        }
        reqwest::Body::wrap_stream(incoming(body, shared.limits, refused.clone()))
    };
    let url = upstream.address(rest, parts.uri.query());
    let asked = Asked {
        method: parts.method,
        url,
        headers,
        body: sent,
    };
    forward(ongoing, upstream, asked, &refused).await
}

/// A request on its way upstream.
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: reqwest::Body,
}

/// Sends a request, and the answer back as it comes.
pub(crate) async fn forward(
    mut ongoing: Ongoing,
    upstream: &Ready,
    asked: Asked,
    refused: &Refused,
) -> Response<Body> {
    ongoing.record.upstream_requests = 1;
    let Asked {
        method,
        url,
        mut headers,
        body,
    } = asked;
    if ongoing.copies.are_wanted() {
        // A copy is read by people and by `respair check`.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    }
    let head = method == Method::HEAD;
    // A body that streams cannot be sent again.
    let request = upstream.http.request(method.clone(), url);
    let request = request.headers(headers).body(body);
    let again = method.is_idempotent().then(|| request.try_clone());
    let timeouts = upstream.endpoint.timeouts;
    // Whole answers take as long as their generation: `progress` bounds it.
    let mut answer = within(timeouts.progress, request.send()).await;
    if let (Some(Err(error)), Some(Some(again))) = (&answer, again)
        && is_unanswered(error)
    {
        ongoing.record.upstream_requests += 1;
        answer = within(timeouts.progress, again.send()).await;
    }
    let response = match answer {
        Some(Ok(response)) => response,
        Some(Err(error)) => {
            if let Some(refusal) = refused.take() {
                return ongoing.refuse(&refusal);
            }
            let error = wire::transport_error(error, &upstream.endpoint, &upstream.redactor);
            let code = error
                .code
                .as_deref()
                .unwrap_or("upstream_unreachable")
                .to_owned();
            return ongoing.fail(&Refusal::new(StatusCode::BAD_GATEWAY, &code, error.message));
        }
        None => {
            let message = "the upstream sent no answer (`timeouts.progress`)";
            return ongoing.fail(&Refusal::new(
                StatusCode::GATEWAY_TIMEOUT,
                "upstream_timeout",
                message,
            ));
        }
    };
    if let Some(refusal) = redirected(response.status()) {
        return ongoing.fail(&refusal);
    }
    let status = response.status();
    let headers = headers::downstream(response.headers());
    ongoing.record.status = status.as_u16();
    ongoing.record.finish = if status.is_success() {
        Finish::Passed
    } else {
        Finish::Failed
    };
    let length = response.content_length();
    if head || matches!(status.as_u16(), 204 | 304) || length == Some(0) {
        // Nobody asks for the body of an answer that has none.
        ongoing.over();
    }
    let body = Passing {
        left: length,
        body: Box::pin(response.bytes_stream()),
        idle: timeouts.idle,
        ongoing,
    };
    let frames = stream::unfold(body, |mut body| async move {
        Some((body.next().await?.map(Frame::data), body))
    });
    let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// The connection was there and broke before any answer came: most likely it was kept from an earlier request, and the
/// upstream closed it at this moment. RFC 9110, 9.2.2: what is idempotent may then be asked once more, and nothing else.
fn is_unanswered(error: &reqwest::Error) -> bool {
    error.is_request() && !error.is_connect() && !error.is_timeout()
}

/// A redirect is an error: a key goes where it was configured to and nowhere else, and a client that followed would leave
/// the gateway with its own.
pub(crate) fn redirected(status: StatusCode) -> Option<Refusal> {
    matches!(status.as_u16(), 300..=303 | 307 | 308).then(|| {
        let message = format!(
            "the upstream redirects (HTTP {}); redirects are not followed",
            status.as_u16()
        );
        Refusal::new(StatusCode::BAD_GATEWAY, "upstream_redirects", message)
    })
}

type Chunks = std::pin::Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>> + Send>>;

/// An answer's body on its way.
struct Passing {
    body: Chunks,
    /// What is still to come of a body that said its length: it is not asked for its end.
    left: Option<u64>,
    idle: Option<Duration>,
    ongoing: Ongoing,
}

impl Passing {
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        let ending = self.ongoing.ending();
        let came = tokio::select! {
            biased;
            came = within(self.idle, self.body.next()) => came,
            () = ending.cancelled() => {
                self.ongoing.record.error = Some("gateway_stopping".to_owned());
                None
            }
        };
        match came {
            Some(Some(Ok(chunk))) => {
                self.ongoing.first_byte();
                self.ongoing.copies.passed(&chunk);
                let length = chunk.len() as u64;
                self.ongoing.record.bytes += length;
                self.left = self.left.map(|left| left.saturating_sub(length));
                if self.left == Some(0) {
                    self.ongoing.over();
                }
                Some(Ok(chunk))
            }
            Some(None) => {
                self.ongoing.over();
                None
            }
            // The cut is passed on as one: the connection is closed without the last chunk.
            broke => {
                self.ongoing.record.finish = Finish::Truncated;
                self.ongoing.over();
                let kind = if broke.is_none() {
                    io::ErrorKind::TimedOut
                } else {
                    io::ErrorKind::ConnectionReset
                };
                Some(Err(io::Error::from(kind)))
            }
        }
    }
}

/// `None` when it takes longer than `limit`.
async fn within<T>(limit: Option<Duration>, future: impl Future<Output = T>) -> Option<T> {
    match limit {
        Some(limit) => tokio::time::timeout(limit, future).await.ok(),
        None => Some(future.await),
    }
}

/// Why the body of a request was not taken.
#[derive(Clone, Default)]
pub(crate) struct Refused(Arc<Mutex<Option<Refusal>>>);

impl Refused {
    fn set(&self, refusal: Refusal) -> io::Error {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(refusal);
        io::Error::from(io::ErrorKind::InvalidData)
    }

    fn take(&self) -> Option<Refusal> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

fn too_long(limit: usize) -> Refusal {
    let message =
        format!("the body of the request is larger than {limit} bytes (`serve.limits.body`)");
    Refusal::limit(StatusCode::PAYLOAD_TOO_LARGE, "serve.limits.body", message)
}

/// Whether a body that says its length is short enough.
fn fits(body: &Incoming, limits: &ServeLimits) -> Result<(), Refusal> {
    let said = body.size_hint().exact().unwrap_or(0);
    if said > limits.body as u64 {
        Err(too_long(limits.body))
    } else {
        Ok(())
    }
}

/// The body of a request, as far as the limits allow.
fn incoming(
    body: Incoming,
    limits: ServeLimits,
    refused: Refused,
) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let state = (body.into_data_stream(), limits.body, refused);
    stream::unfold(Some(state), move |state| async move {
        let (mut body, left, refused) = state?;
        let chunk = match tokio::time::timeout(limits.body_wait, body.next()).await {
            Ok(Some(Ok(chunk))) => chunk,
            Ok(None) => return None,
            Ok(Some(Err(error))) => {
                let why = error
                    .source()
                    .map_or_else(|| error.to_string(), ToString::to_string);
                let message = format!("the body of the request broke off: {why}");
                let refusal =
                    Refusal::new(StatusCode::BAD_REQUEST, "body_broken", message).closing();
                return Some((Err(refused.set(refusal)), None));
            }
            Err(_) => {
                let message = format!(
                    "nothing of the request's body came for {} (`serve.limits.body_wait`)",
                    wire::spell(limits.body_wait)
                );
                let refusal = Refusal::limit(
                    StatusCode::REQUEST_TIMEOUT,
                    "serve.limits.body_wait",
                    message,
                );
                return Some((Err(refused.set(refusal)), None));
            }
        };
        match left.checked_sub(chunk.len()) {
            Some(left) => Some((Ok(chunk), Some((body, left, refused)))),
            None => Some((Err(refused.set(too_long(limits.body))), None)),
        }
    })
}

/// The whole body of a request.
pub(crate) async fn read(body: Incoming, limits: ServeLimits) -> Result<Bytes, Refusal> {
    fits(&body, &limits)?;
    let refused = Refused::default();
    let mut chunks = Box::pin(incoming(body, limits, refused.clone()));
    let mut whole = BytesMut::new();
    while let Some(chunk) = chunks.next().await {
        match chunk {
            Ok(chunk) => whole.extend_from_slice(&chunk),
            Err(_) => break,
        }
    }
    match refused.take() {
        Some(refusal) => Err(refusal),
        None => Ok(whole.freeze()),
    }
}
