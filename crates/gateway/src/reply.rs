//! Answers of our own: JSON errors in OpenAI's shape, which every client reads, and short texts.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};
use serde_json::json;

/// The body of any answer.
pub(crate) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// A body that is there as a whole.
pub(crate) fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into())
        .map_err(|never: Infallible| match never {})
        .boxed_unsync()
}

/// An error that is answered as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    /// OpenAI's `type`; by the status where nobody said one.
    pub(crate) kind: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) message: String,
    pub(crate) param: Option<String>,
    pub(crate) retry_after: Option<Duration>,
    /// The connection closes behind it: what the client still sends is not read.
    pub(crate) closes: bool,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            kind: None,
            code: Some(code.to_owned()),
            message: message.into(),
            param: None,
            retry_after: None,
            closes: false,
        }
    }

    /// A limit was passed: named, so that it can be raised.
    pub(crate) fn limit(status: StatusCode, limit: &str, message: impl Into<String>) -> Self {
        Self {
            param: Some(limit.to_owned()),
            closes: true,
            ..Self::new(status, "limit_passed", message)
        }
    }

    /// The same, closing the connection.
    pub(crate) fn closing(self) -> Self {
        Self {
            closes: true,
            ..self
        }
    }

    fn kind(&self) -> &str {
        match (&self.kind, self.status.as_u16()) {
            (Some(kind), _) => kind,
            (None, 401) => "authentication_error",
            (None, 403) => "permission_error",
            (None, 429) => "rate_limit_error",
            (None, 400..=499) => "invalid_request_error",
            (None, _) => "server_error",
        }
    }

    /// What is sent as the body.
    pub(crate) fn json(&self) -> String {
        let error = json!({"error": {
            "message": self.message, "type": self.kind(), "param": self.param, "code": self.code,
        }});
        error.to_string()
    }

    pub(crate) fn response(&self) -> Response<Body> {
        let mut response = Response::new(whole(self.json()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(wait) = self.retry_after {
            // Whole seconds, and never less than was asked.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.closes {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// A short text.
pub(crate) fn text(
    status: StatusCode,
    kind: &'static str,
    text: impl Into<Bytes>,
) -> Response<Body> {
    let mut response = Response::new(whole(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
