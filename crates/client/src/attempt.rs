//! One request and the head of its answer.

use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt as _;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use crate::body::Body;
use crate::client::Shared;
use crate::{TurnError, http_error, transport};

/// What a request led to.
pub(crate) enum Answer {
    /// A success: its body, which may be a stream.
    Body {
        body: Body,
        /// `x-request-id` and `cf-ray`, for errors that come later.
        request_id: Option<String>,
        cf_ray: Option<String>,
    },
    /// No answer, or one that is no success.
    Error(TurnError),
}

/// Sends the request and waits for the head. Dropping the future closes the connection.
pub(crate) async fn send(shared: &Shared, json: Bytes, number: u32) -> Answer {
    tracing::debug!(endpoint = %shared.url, request = number, bytes = json.len(), "request sent");
    let request = shared.http.post(shared.target.clone()).body(json.clone());
    let response = match request.send().await {
        Ok(response) => response,
        Err(error) => {
            let error = transport::error(error, &shared.endpoint, &shared.redactor);
            tracing::debug!(
                request = number,
                code = error.code,
                message = error.message,
                "no answer"
            );
            return Answer::Error(error);
        }
    };
    let (status, headers) = (response.status(), response.headers().clone());
    tracing::debug!(request = number, status = status.as_u16(), version = ?response.version(), "headers came");
    let redactor = shared.redactor.clone();
    let raw = response
        .bytes_stream()
        .map_err(move |error| transport::body_error(error, &redactor));
    let body = Body::new(&headers, raw);
    if status.is_success() {
        let header = |name: &str| {
            let value = headers.get(name).and_then(|value| value.to_str().ok());
            value.map(|value| shared.redactor.text(value))
        };
        return Answer::Body {
            body,
            request_id: header("x-request-id"),
            cf_ray: header("cf-ray"),
        };
    }
    Answer::Error(refused(shared, status, &headers, body, &json, number).await)
}

async fn refused(
    shared: &Shared,
    status: StatusCode,
    headers: &HeaderMap,
    mut body: Body,
    json: &[u8],
    number: u32,
) -> TurnError {
    let mut bytes = BytesMut::new();
    let read = async {
        while let Some(Ok(chunk)) = body.next().await {
            bytes.extend_from_slice(&chunk);
            if bytes.len() >= http_error::BODY_LIMIT {
                bytes.truncate(http_error::BODY_LIMIT);
                break;
            }
        }
    };
    // Whatever came by then says enough; the status does in any case.
    let _ = tokio::time::timeout(http_error::BODY_PATIENCE, read).await;
    if let Some(trace) = shared.options.trace.as_ref() {
        let text = format!(
            "respair attempt {number} HTTP {}\n{}",
            status.as_u16(),
            String::from_utf8_lossy(&bytes)
        );
        // The turn is about to say what matters more.
        let _ = trace.note(&text, &shared.redactor);
    }
    let now = shared.clock.unix();
    let error = http_error::read(
        status,
        headers,
        &bytes,
        json,
        &shared.endpoint,
        &shared.redactor,
        now,
    );
    tracing::debug!(
        request = number,
        status = status.as_u16(),
        code = error.code,
        "refused"
    );
    error
}
