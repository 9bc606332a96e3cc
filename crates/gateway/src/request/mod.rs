//! The request on its way upstream: what is read of it, and what is changed.
//!
//! [`prepare`] is the one place that every request for a response passes through before it goes upstream, and [`again`] the
//! one that an upstream's refusal comes to before the client hears of it.

use std::collections::BTreeMap;

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{CONTENT_ENCODING, HeaderMap};
use respair_client::wire;
use respair_core::{RequestFacts, ResponseError};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::reply::Refusal;

/// A request as it goes upstream.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    pub(crate) body: Bytes,
    /// A stream was asked for.
    pub(crate) stream: bool,
    /// What the response echoes of it.
    pub(crate) facts: RequestFacts,
}

#[derive(Deserialize)]
struct Wanted {
    stream: Option<bool>,
}

/// Reads the body of a request.
pub(crate) fn prepare(headers: &HeaderMap, body: Bytes) -> Result<Prepared, Refusal> {
    let encoded = headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"));
    if encoded {
        let message = "compressed request bodies are not read here; send the body as it is";
        return Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "content_encoding_unsupported",
            message,
        ));
    }
    let invalid = |why: &dyn std::fmt::Display| {
        let message = format!("the request cannot be read: {why}");
        Refusal::new(StatusCode::BAD_REQUEST, "invalid_json", message)
    };
    let facts = RequestFacts::from_json(&body).map_err(|error| invalid(&error.reason))?;
    let text = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&body);
    let wanted: Wanted = serde_json::from_slice(text).map_err(|error| invalid(&error))?;
    Ok(Prepared {
        stream: wanted.stream.unwrap_or(false),
        facts,
        body,
    })
}

/// The request once more, without the field that the upstream says it does not know (DEVIATIONS 7.1); `None` when it
/// names none that can be left out.
pub(crate) fn again(status: StatusCode, refusal: &[u8], sent: &Bytes) -> Option<(String, Bytes)> {
    let error = ResponseError::from_json(std::str::from_utf8(refusal).ok()?)?;
    let field = wire::refused_field(status, &error, refusal, sent)?;
    let mut fields: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(sent).ok()?;
    fields.remove(&field)?;
    let body = serde_json::to_vec(&fields).ok()?;
    Some((field, body.into()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn prepared(body: &str) -> Result<Prepared, Refusal> {
        prepare(&HeaderMap::new(), Bytes::copy_from_slice(body.as_bytes()))
    }

    #[test]
    fn the_body_goes_on_as_it_came() {
        let body = r#"{ "model":"m","input":"hi", "stream" : true,"temperature":1e0}"#;
        let prepared = prepared(body).unwrap();
        assert!(prepared.stream);
        assert_eq!(
            (prepared.body.as_ref(), prepared.facts.model.as_deref()),
            (body.as_bytes(), Some("m"))
        );
    }

    #[test]
    fn no_stream_is_the_default_and_null_is_none() {
        for body in [
            r#"{"model":"m"}"#,
            r#"{"stream":null}"#,
            r#"{"stream":false}"#,
        ] {
            assert!(!prepared(body).unwrap().stream, "{body}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        for body in ["", "[]", "{", "{\"stream\":\"yes\"}", "{\"a\":\"\u{0}\"}"] {
            assert_eq!(prepared(body).unwrap_err().status, 400, "{body:?}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, "zstd".parse().unwrap());
        assert_eq!(
            prepare(&headers, Bytes::from_static(b"{}"))
                .unwrap_err()
                .status,
            415
        );
    }

    #[test]
    fn a_refused_field_is_left_out() {
        let sent = Bytes::from_static(br#"{"model":"m","store":false,"input":"hi","n":1.50}"#);
        let refusal = br#"{"error":{"message":"Unsupported parameter: store","param":"store"}}"#;
        let (field, body) = again(StatusCode::BAD_REQUEST, refusal, &sent).unwrap();
        assert_eq!(field, "store");
        assert_eq!(body, r#"{"input":"hi","model":"m","n":1.50}"#);
        assert!(
            again(
                StatusCode::BAD_REQUEST,
                br#"{"error":{"message":"no"}}"#,
                &sent
            )
            .is_none()
        );
        assert!(again(StatusCode::UNAUTHORIZED, refusal, &sent).is_none());
    }
}
