//! Which headers pass, in each direction.
//!
//! What belongs to one connection stays on it (RFC 9110, 7.6.1); everything else passes, `x-codex-*`, `x-request-id`,
//! `cf-ray` and the rate limits included. The key that is configured for an upstream takes the place of the client's.

use hyper::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, EXPECT, HOST,
    HeaderMap, HeaderName, HeaderValue, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};

use crate::Record;
use crate::request::{CALL_RESTORED, RequestMend};
use crate::upstream::Ready;

/// Names the request in the gateway's log.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-respair-request-id");

/// Says what was changed in the request before the upstream took it.
const REQUEST_MENDS: HeaderName = HeaderName::from_static("x-respair-request-mends");
/// Says how a response ended.
const ENDING: HeaderName = HeaderName::from_static("x-respair-ending");

/// Says what was mended: `created-missing=1, item-id-missing=2`.
const REPAIRS: HeaderName = HeaderName::from_static("x-respair-repairs");

/// The names of both.
pub(crate) const TOLD: &str = "x-respair-ending, x-respair-repairs";

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const PROXY_AUTHENTICATE: HeaderName = HeaderName::from_static("proxy-authenticate");
const PROXY_AUTHORIZATION: HeaderName = HeaderName::from_static("proxy-authorization");

/// What belongs to one connection.
const HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    KEEP_ALIVE,
    PROXY_CONNECTION,
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

fn without_hops(headers: &HeaderMap) -> HeaderMap {
    let mut kept = headers.clone();
    let named = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok());
    for name in named.flat_map(|value| value.split(',')) {
        // `connection: authorization` must not take the key away; nor is a name that is none worth more than a shrug.
        if let Ok(name) = name.trim().parse::<HeaderName>()
            && name != AUTHORIZATION
        {
            kept.remove(name);
        }
    }
    for name in HOP_BY_HOP {
        kept.remove(name);
    }
    kept
}

/// A request's headers as they go upstream.
pub(crate) fn upstream(headers: &HeaderMap, upstream: &Ready) -> HeaderMap {
    let mut kept = without_hops(headers);
    for name in [HOST, CONTENT_LENGTH, EXPECT] {
        kept.remove(name);
    }
    if let Some(key) = kept.get_mut(AUTHORIZATION) {
        key.set_sensitive(true);
    }
    for (name, value) in &upstream.headers {
        kept.insert(name.clone(), value.clone());
    }
    kept
}

/// The same for a request whose answer is read here: it should come as it is.
pub(crate) fn upstream_for_reading(headers: &HeaderMap, to: &Ready) -> HeaderMap {
    let mut kept = upstream(headers, to);
    kept.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    // The body that is sent was read whole, and decoded.
    kept.remove(CONTENT_ENCODING);
    kept
}

/// An answer's headers as they go downstream with the same body.
pub(crate) fn downstream(headers: &HeaderMap) -> HeaderMap {
    without_hops(headers)
}

/// The same for an answer whose body was read or is written anew.
pub(crate) fn downstream_of_read(headers: &HeaderMap) -> HeaderMap {
    let mut kept = without_hops(headers);
    for name in [CONTENT_LENGTH, CONTENT_ENCODING] {
        kept.remove(name);
    }
    // They speak of bytes that are not sent on.
    for name in [
        "content-md5",
        "content-digest",
        "digest",
        "repr-digest",
        "etag",
        "accept-ranges",
        "content-range",
    ] {
        kept.remove(name);
    }
    kept
}

/// Says in an answer what was changed in its request.
pub(crate) fn say_mends(fields: &mut HeaderMap, mends: &[RequestMend]) {
    let said: Vec<String> = mends
        .iter()
        .map(|mend| mend.to_string().replace('×', "*"))
        .collect();
    if let Ok(value) = HeaderValue::from_str(&said.join(", "))
        && !said.is_empty()
    {
        fields.insert(REQUEST_MENDS, value);
    }
}

/// What a client is told of its response: behind a stream, in front of what is whole. Only words of our own.
pub(crate) fn told(record: &Record) -> HeaderMap {
    let mut fields = HeaderMap::new();
    fields.insert(ENDING, HeaderValue::from_static(record.finish.name()));
    let repairs: Vec<String> = record
        .repairs
        .iter()
        .map(|repair| format!("{}={}", repair.code, repair.count))
        // Known at the end only; what else was changed for the request stands in the head.
        .chain(
            record
                .request
                .iter()
                .filter(|mend| mend.code == CALL_RESTORED)
                .map(|mend| format!("{}={}", mend.code, mend.count)),
        )
        .collect();
    if !repairs.is_empty()
        && let Ok(repairs) = HeaderValue::try_from(repairs.join(", "))
    {
        fields.insert(REPAIRS, repairs);
    }
    fields
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn map(headers: &[(&'static str, &'static str)]) -> HeaderMap {
        headers
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    #[test]
    fn what_belongs_to_one_connection_stays_on_it() {
        let given = map(&[
            ("connection", "keep-alive, X-Private, authorization"),
            ("keep-alive", "timeout=5"),
            ("x-private", "1"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("authorization", "Bearer k"),
            ("x-codex-turn-state", "s"),
            ("x-ratelimit-remaining-tokens", "7"),
        ]);
        let kept = downstream(&given);
        let mut names: Vec<&str> = kept.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "authorization",
                "x-codex-turn-state",
                "x-ratelimit-remaining-tokens"
            ]
        );
    }

    #[test]
    fn what_speaks_of_other_bytes_is_left_out() {
        let given = map(&[
            ("content-length", "7"),
            ("content-encoding", "gzip"),
            ("etag", "x"),
            ("content-type", "text/event-stream"),
            ("cf-ray", "r"),
        ]);
        let kept = downstream_of_read(&given);
        assert_eq!(kept.len(), 2);
        assert!(kept.contains_key("cf-ray") && kept.contains_key("content-type"));
    }
}
