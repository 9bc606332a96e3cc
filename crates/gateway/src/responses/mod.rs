//! `POST …/responses`: asked upstream, read, mended, and sent on.

mod alarm;
mod begin;
mod call_input;
mod failure;
mod fold;
mod reading;
mod restore;
mod stream;

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use respair_client::RecoveryMode;
use url::Url;

use crate::copies::Copies;
use crate::gateway::Shared;
use crate::headers;
use crate::ongoing::Ongoing;
use crate::pass::{self, Asked, Refused};
use crate::recorder::Tap;
use crate::reply::{Body, Refusal};
use crate::request::{self, Prepared};
use crate::upstream::Ready;

use begin::Beginning;

/// One request for a response, on its way upstream.
struct Turn<'a> {
    shared: &'a Arc<Shared>,
    upstream: &'a Ready,
    url: Url,
    headers: HeaderMap,
    prepared: Prepared,
    tap: Option<Tap>,
}

/// Answers a request for a response.
pub(crate) async fn respond(
    shared: &Arc<Shared>,
    mut ongoing: Ongoing,
    parts: Parts,
    body: Incoming,
    upstream: Option<usize>,
) -> Response<Body> {
    let Some(open) = shared.metrics.open(shared.limits.streams) else {
        let message = format!(
            "{} responses are under way (`serve.limits.streams`)",
            shared.limits.streams
        );
        let mut refusal = Refusal::limit(
            StatusCode::SERVICE_UNAVAILABLE,
            "serve.limits.streams",
            message,
        );
        refusal.retry_after = Some(std::time::Duration::from_secs(1));
        return ongoing.refuse(&refusal);
    };
    let body = match pass::read(body, shared.limits).await {
        Ok(body) => body,
        Err(refusal) => return ongoing.refuse(&refusal),
    };
    let limit = shared.limits.body;
    let prepared = match request::prepare(&parts.headers, body.clone(), limit).await {
        Ok(prepared) => prepared,
        Err(refusal) => return ongoing.refuse(&refusal),
    };
    let Some(upstream) = shared
        .upstreams
        .choose(upstream, prepared.facts.model.as_deref())
    else {
        return ongoing.refuse(&Refusal::new(
            StatusCode::NOT_FOUND,
            "unknown_upstream",
            "no upstream is configured",
        ));
    };
    ongoing.record.upstream = Some(upstream.name.clone());
    let passing = (&prepared.body, prepared.stream);
    let id = ongoing.id();
    ongoing.copies = Copies::begin(shared, id, upstream, &parts.headers, passing);
    let url = upstream.address("/responses", parts.uri.query());
    if upstream.is_native() || upstream.endpoint.recovery.mode == RecoveryMode::Strict {
        let headers = headers::upstream(&parts.headers, upstream);
        let asked = Asked {
            method: Method::POST,
            url,
            headers,
            body: body.into(),
        };
        return pass::forward(ongoing, upstream, asked, &Refused::default()).await;
    }
    let turn = Turn {
        shared,
        upstream,
        url,
        headers: headers::upstream_for_reading(&parts.headers, upstream),
        prepared,
        tap: ongoing.copies.tap(),
    };
    let mut beginning = Beginning::new(&turn);
    if turn.prepared.stream {
        match beginning.stream(&mut ongoing).await {
            Ok(begun) => stream::response(shared, open, ongoing, begun),
            Err(failure) => failure.response(ongoing),
        }
    } else {
        match beginning.whole(&mut ongoing).await {
            Ok(folded) => folded.response(ongoing),
            Err(failure) => failure.response(ongoing),
        }
    }
}
