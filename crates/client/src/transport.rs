//! The HTTP client of an endpoint, and its errors in words.

use std::error::Error as _;
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Certificate, redirect};
use respair_core::{ErrorSource, RetryVerdict};

use crate::redact::Redactor;
use crate::{Endpoint, SetupError, TurnError};

/// How long a connection may be silent before the kernel asks whether the peer is still there. Well under the idle
/// timeouts of common NATs and load balancers (60 s and up), which drop a flow without a word (DEVIATIONS 6.3).
const TCP_KEEPALIVE: Duration = Duration::from_secs(30);

/// Builds the client: rustls over the system's trust store, no redirects, no retries below ours, no decoding of bodies.
pub(crate) fn build(
    endpoint: &Endpoint,
    headers: HeaderMap,
) -> Result<reqwest::Client, SetupError> {
    let url = &endpoint.base_url;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(SetupError::Address {
            url: endpoint.display_url(),
        });
    }
    let mut builder = reqwest::Client::builder()
        .default_headers(headers)
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .tcp_nodelay(true)
        .tcp_keepalive(TCP_KEEPALIVE);
    if let Some(connect) = endpoint.timeouts.connect {
        builder = builder.connect_timeout(connect);
    }
    if endpoint.is_loopback() {
        builder = builder.no_proxy();
        if url.scheme() == "http" {
            // Nothing will be verified, so the system's certificates need not be read: 5 to 15 ms of start-up.
            builder = builder.tls_certs_only(Vec::new());
        }
    }
    if let Some(path) = &endpoint.ssl_ca_cert {
        let pem = std::fs::read(path).map_err(|source| SetupError::CaFile {
            path: path.clone(),
            source,
        })?;
        let none = || SetupError::NoCertificate { path: path.clone() };
        let certificates = Certificate::from_pem_bundle(&pem).map_err(|_| none())?;
        if certificates.is_empty() {
            return Err(none());
        }
        builder = builder.tls_certs_merge(certificates);
    }
    if !endpoint.ssl_verify {
        builder = builder.tls_danger_accept_invalid_certs(true);
    }
    builder
        .build()
        .map_err(|error| SetupError::Transport(chain(&error)))
}

/// Why no answer came: the connection could not be made, or broke before the headers.
pub(crate) fn error(error: reqwest::Error, endpoint: &Endpoint, redactor: &Redactor) -> TurnError {
    let error = error.without_url();
    let host = host(endpoint);
    let why = redactor.text(&chain(&error));
    if error.is_builder() {
        // Before anything was sent, and it will be the same the next time.
        return TurnError::local(
            "request_invalid",
            format!("the request could not be made: {why}"),
            RetryVerdict::Never,
        );
    }
    if error.is_connect() && is_certificate(&why) {
        let message = format!("no trusted connection to {host}: {why}");
        return TurnError::new(
            Some("tls_untrusted".to_owned()),
            message,
            ErrorSource::Local,
            RetryVerdict::Never,
        )
        .with_hint("name the authority's PEM file in `ssl_ca_cert`");
    }
    if error.is_connect() && error.is_timeout() {
        let bound = endpoint.timeouts.connect.map_or_else(String::new, |bound| {
            format!(" {}", crate::retry::spell(bound))
        });
        let message = format!("no connection to {host} (`timeouts.connect`{bound})");
        return TurnError::local("connect_timeout", message, RetryVerdict::Retry);
    }
    if error.is_connect() {
        return TurnError::local(
            "connect_failed",
            format!("no connection to {host}: {why}"),
            RetryVerdict::Retry,
        );
    }
    // ARCHITECTURE.md, *Endings*: nothing at all came.
    TurnError::local(
        "empty_stream",
        format!("{host} broke the connection before it answered: {why}"),
        RetryVerdict::Retry,
    )
}

/// Host and port, as the user would type them.
fn host(endpoint: &Endpoint) -> String {
    let url = &endpoint.base_url;
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

fn is_certificate(why: &str) -> bool {
    let why = why.to_ascii_lowercase();
    why.contains("certificate") || why.contains("unknownissuer")
}

/// An error with its causes, on one line; what a cause repeats is left out. reqwest's own sentence alone says nothing
/// ("error sending request"; DEVIATIONS 6.5).
pub(crate) fn chain(error: &reqwest::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
        cause = error.source();
    }
    // A part that the next one completes ("client error (Connect): …") is kept; only the bare repetition goes.
    if parts.is_empty() {
        error.to_string()
    } else {
        parts.join(": ")
    }
}
