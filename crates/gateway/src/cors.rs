//! Pages whose origin was allowed: a browser asks beforehand whether they may send JSON, and lets them read only answers that
//! name them (Fetch Standard, 3.2).

use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderName, HeaderValue, ORIGIN, VARY,
};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};

use crate::reply::{Body, whole};

/// What pages may read besides the headers that are always open to them.
const EXPOSED: &str = "x-respair-request-id, x-respair-ending, x-respair-repairs, x-respair-request-mends, x-request-id, retry-after";

/// Asked by browsers that know that this machine is none of the page's.
const ASKS_PRIVATE: HeaderName = HeaderName::from_static("access-control-request-private-network");
const ALLOWS_PRIVATE: HeaderName = HeaderName::from_static("access-control-allow-private-network");

/// The page that a request comes from. The guard has let it through: its origin is one that was allowed.
pub(crate) fn origin(headers: &HeaderMap) -> Option<HeaderValue> {
    headers.get(ORIGIN).cloned()
}

/// The answer to the question before the request; `None` where this is none.
pub(crate) fn preflight(parts: &Parts) -> Option<Response<Body>> {
    let asked = &parts.headers;
    let is_one = parts.method == Method::OPTIONS
        && asked.contains_key(ORIGIN)
        && asked.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    if !is_one {
        return None;
    }
    let mut response = Response::new(whole(""));
    *response.status_mut() = StatusCode::NO_CONTENT;
    let fields = response.headers_mut();
    let methods = HeaderValue::from_static("GET, POST, DELETE");
    fields.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
    fields.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    if let Some(headers) = asked.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        fields.insert(ACCESS_CONTROL_ALLOW_HEADERS, headers.clone());
    }
    if asked.contains_key(ASKS_PRIVATE) {
        fields.insert(ALLOWS_PRIVATE, HeaderValue::from_static("true"));
    }
    Some(response)
}

/// Lets the page read an answer, whatever its upstream says about pages.
pub(crate) fn open(fields: &mut HeaderMap, origin: HeaderValue) {
    fields.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    let exposed = HeaderValue::from_static(EXPOSED);
    fields.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    fields.append(VARY, HeaderValue::from_static("origin"));
}
