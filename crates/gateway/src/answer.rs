//! One request, from its head to its answer.

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{HeaderMap, HeaderValue, UPGRADE};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};

use crate::connection::Connection;
use crate::gateway::Shared;
use crate::headers::REQUEST_ID;
use crate::ongoing::Ongoing;
use crate::reply::{Body, Refusal, text};
use crate::route::Route;
use crate::{cors, pass, responses};

/// Answers a request. Each answer names it.
pub(crate) async fn handle(
    shared: &Arc<Shared>,
    connection: &Arc<Connection>,
    request: Request<Incoming>,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let ongoing = Ongoing::new(shared, connection, &parts);
    let id = HeaderValue::from_str(ongoing.id());
    let mut response = answer(shared, ongoing, parts, body).await;
    if let Ok(id) = id {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

async fn answer(
    shared: &Arc<Shared>,
    mut ongoing: Ongoing,
    parts: Parts,
    body: Incoming,
) -> Response<Body> {
    if let Err(refusal) = shared.guard.check(&parts) {
        return ongoing.refuse(&refusal);
    }
    let page = cors::origin(&parts.headers);
    let mut response = match cors::preflight(&parts) {
        Some(response) => {
            ongoing.routed("preflight");
            ongoing.told(response)
        }
        None => routed(shared, ongoing, parts, body).await,
    };
    if let Some(origin) = page {
        cors::open(response.headers_mut(), origin);
    }
    response
}

async fn routed(
    shared: &Arc<Shared>,
    mut ongoing: Ongoing,
    parts: Parts,
    body: Incoming,
) -> Response<Body> {
    let names = shared.upstreams.names();
    let route = match Route::of(&parts.method, parts.uri.path(), &names) {
        Ok(route) => route,
        Err(refusal) => return ongoing.refuse(&refusal),
    };
    ongoing.routed(route.name());
    match route {
        Route::Health => ongoing.told(text(StatusCode::OK, "text/plain", "ok\n")),
        Route::Ready if shared.closing.is_cancelled() => ongoing.told(text(
            StatusCode::SERVICE_UNAVAILABLE,
            "text/plain",
            "stopping\n",
        )),
        Route::Ready => ongoing.told(text(StatusCode::OK, "text/plain", "ready\n")),
        Route::Metrics => {
            let page = shared.metrics.text();
            ongoing.told(text(StatusCode::OK, "text/plain; version=0.0.4", page))
        }
        Route::Responses { upstream } => {
            responses::respond(shared, ongoing, parts, body, upstream).await
        }
        Route::Pass { rest, .. } if wants_websocket(&parts.method, &parts.headers, &rest) => {
            let message = "responses are served as server-sent events here: POST to this path with `stream: true`";
            ongoing.refuse(
                &Refusal::new(
                    StatusCode::UPGRADE_REQUIRED,
                    "websocket_not_served",
                    message,
                )
                .closing(),
            )
        }
        Route::Pass { upstream, rest } => {
            pass::pass(shared, ongoing, parts, body, upstream, &rest).await
        }
    }
}

fn wants_websocket(method: &Method, headers: &HeaderMap, rest: &str) -> bool {
    let upgrade = headers
        .get(UPGRADE)
        .map(HeaderValue::as_bytes)
        .unwrap_or_default();
    *method == Method::GET
        && upgrade.eq_ignore_ascii_case(b"websocket")
        && rest.trim_end_matches('/') == "/responses"
}
