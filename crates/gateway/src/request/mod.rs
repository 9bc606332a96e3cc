//! The request on its way upstream: what is read of it, and what is changed.
//!
//! [`prepare`] is the one place that every request for a response passes through before it goes upstream, and [`again`] the
//! one that an upstream's refusal comes to before the client hears of it.

mod encoding;
mod refused;
mod replay;
mod splice;

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::HeaderMap;
use respair_core::RequestFacts;
use serde::Deserialize;

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

/// Reads the body of a request: decompressed, at most `limit` bytes (`serve.limits.body`).
pub(crate) async fn prepare(
    headers: &HeaderMap,
    body: Bytes,
    limit: usize,
) -> Result<Prepared, Refusal> {
    let body = encoding::decode(headers, body, limit).await?;
    let invalid = |why: &dyn std::fmt::Display| {
        let message = format!("the request cannot be read: {why}");
        Refusal::new(StatusCode::BAD_REQUEST, "invalid_json", message)
    };
    let facts = RequestFacts::from_json(&body).map_err(|error| invalid(&error.reason))?;
    let text = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&body);
    let wanted: Wanted = serde_json::from_slice(text).map_err(|error| invalid(&error))?;
    let ours = std::str::from_utf8(text)
        .ok()
        .and_then(replay::without_made_up_ids);
    let body = match ours {
        Some(body) => {
            tracing::debug!("ids that were made up here are left out of the input");
            body.into()
        }
        None => body,
    };
    Ok(Prepared {
        stream: wanted.stream.unwrap_or(false),
        facts,
        body,
    })
}

/// The request once more, without what the upstream says it does not take, and what that was (DEVIATIONS 7.1, 7.8, 8.1, 8.4);
/// `None` when it names nothing that can be left out.
pub(crate) fn again(status: StatusCode, refusal: &[u8], sent: &Bytes) -> Option<(String, Bytes)> {
    refused::again(status, refusal, sent)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    async fn prepared(body: &str) -> Result<Prepared, Refusal> {
        let body = Bytes::copy_from_slice(body.as_bytes());
        prepare(&HeaderMap::new(), body, 1 << 20).await
    }

    #[tokio::test]
    async fn the_body_goes_on_as_it_came() {
        let body = r#"{ "model":"m","input":"hi", "stream" : true,"temperature":1e0}"#;
        let prepared = prepared(body).await.unwrap();
        assert!(prepared.stream);
        assert_eq!(
            (prepared.body.as_ref(), prepared.facts.model.as_deref()),
            (body.as_bytes(), Some("m"))
        );
    }

    #[tokio::test]
    async fn no_stream_is_the_default_and_null_is_none() {
        for body in [
            r#"{"model":"m"}"#,
            r#"{"stream":null}"#,
            r#"{"stream":false}"#,
        ] {
            assert!(!prepared(body).await.unwrap().stream, "{body}");
        }
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_said() {
        for body in ["", "[]", "{", "{\"stream\":\"yes\"}", "{\"a\":\"\u{0}\"}"] {
            assert_eq!(prepared(body).await.unwrap_err().status, 400, "{body:?}");
        }
    }

    #[test]
    fn a_refused_field_is_left_out() {
        let sent = Bytes::from_static(br#"{"model":"m","store":false,"input":"hi","n":1.50}"#);
        let refusal = br#"{"error":{"message":"Unsupported parameter: store","param":"store"}}"#;
        let (field, body) = again(StatusCode::BAD_REQUEST, refusal, &sent).unwrap();
        assert_eq!(field, "store");
        assert_eq!(body, r#"{"model":"m","input":"hi","n":1.50}"#);
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
