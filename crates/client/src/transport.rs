//! The HTTP client of an endpoint, and its errors in words of our own.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Certificate, redirect};
use respair_core::RetryVerdict;

use crate::error::unnumbered;
use crate::redact::Redactor;
use crate::{Endpoint, SetupError, TurnError};

/// How long a connection may be silent before the kernel asks whether the peer is still there. Well under the idle
/// timeouts of common NATs and load balancers (60 s and up), which drop a flow without a word (DEVIATIONS 6.3).
const TCP_KEEPALIVE: Duration = Duration::from_secs(30);

/// Builds the client: rustls over the system's trust store, no redirects, no retries below ours, no decoding of bodies.
///
/// # Errors
/// When the endpoint cannot be used as configured.
pub fn build(endpoint: &Endpoint, headers: HeaderMap) -> Result<reqwest::Client, SetupError> {
    let url = &endpoint.base_url;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(SetupError::Address {
            url: endpoint.display_url(),
        });
    }
    let certificates = certificates(endpoint)?;
    let builder = |headers, trusts| {
        let mut builder = builder(endpoint, headers, trusts);
        if let Some(certificates) = &certificates {
            builder = builder.tls_certs_merge(certificates.iter().cloned());
        }
        builder.build()
    };
    if url.scheme() == "https" {
        return builder(headers, Trusts::System).map_err(|error| unbuilt(&error));
    }
    // Nothing will be verified, so the system's certificates need not be read: 5 to 15 ms of start-up.
    if endpoint.is_loopback() {
        return builder(headers, Trusts::Nobody).map_err(|error| unbuilt(&error));
    }
    // A proxy may want them. Where the system has none, as in a small container, this connection does without.
    builder(headers.clone(), Trusts::System)
        .or_else(|_| builder(headers, Trusts::Nobody))
        .map_err(|error| unbuilt(&error))
}

/// Whose certificates are trusted, besides those that the endpoint names.
enum Trusts {
    System,
    Nobody,
}

fn builder(endpoint: &Endpoint, headers: HeaderMap, trusts: Trusts) -> reqwest::ClientBuilder {
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
    }
    if matches!(trusts, Trusts::Nobody) {
        builder = builder.tls_certs_only(Vec::new());
    }
    builder.tls_danger_accept_invalid_certs(!endpoint.ssl_verify)
}

/// The file of `ssl_ca_cert`.
fn certificates(endpoint: &Endpoint) -> Result<Option<Vec<Certificate>>, SetupError> {
    let Some(path) = &endpoint.ssl_ca_cert else {
        return Ok(None);
    };
    let pem = std::fs::read(path).map_err(|source| SetupError::CaFile {
        path: path.clone(),
        source,
    })?;
    match Certificate::from_pem_bundle(&pem) {
        Ok(certificates) if !certificates.is_empty() => Ok(Some(certificates)),
        _ => Err(SetupError::NoCertificate { path: path.clone() }),
    }
}

fn unbuilt(error: &reqwest::Error) -> SetupError {
    let why = chain(error);
    // The system's verifier, of a store that is empty.
    if !why.contains("No CA certificates") {
        return SetupError::Transport(why);
    }
    let named = ["SSL_CERT_FILE", "SSL_CERT_DIR"];
    let named = named
        .into_iter()
        .find(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    SetupError::NoAuthority { named }
}

/// Why no answer came: the connection could not be made, or broke before the headers. The libraries' own words are logged
/// only (`-v`).
pub fn error(error: reqwest::Error, endpoint: &Endpoint, redactor: &Redactor) -> TurnError {
    let error = error.without_url();
    let host = host(endpoint);
    let why = redactor.text(&chain(&error));
    tracing::debug!(why, "no answer");
    if error.is_builder() {
        // Before anything was sent, and it will be the same the next time.
        return TurnError::local(
            "request_invalid",
            format!("the request could not be made: {why}"),
            RetryVerdict::Never,
        );
    }
    if error.is_connect() && is_certificate(&why) {
        return untrusted(&host, &why);
    }
    if error.is_connect() && error.is_timeout() {
        let bound = endpoint.timeouts.connect.map_or_else(String::new, |bound| {
            format!(" {}", crate::retry::spell(bound))
        });
        let message = format!("no connection to {host} (`timeouts.connect`{bound})");
        return TurnError::local("connect_timeout", message, RetryVerdict::Retry);
    }
    if error.is_connect() && is_no_tls(&why) {
        // It will be the same the next time.
        let message = format!("no connection to {host}: it does not speak TLS");
        return TurnError::local("connect_failed", message, RetryVerdict::Never)
            .with_hint("is its address http://?");
    }
    if error.is_connect() {
        let message = format!("no connection to {host}: {}", no_connection(&error, &why));
        let failed = TurnError::local("connect_failed", message, RetryVerdict::Retry);
        return match proxy(endpoint) {
            Some(variable) => failed.with_hint(format!(
                "`{variable}` names a proxy, which may be what cannot be reached"
            )),
            None => failed.with_hint("is the endpoint running, and is `base_url` right?"),
        };
    }
    let verb = match Break::of(&error) {
        Break::Closed => "closed",
        Break::Reset => "reset",
        Break::Other => "broke",
    };
    // ARCHITECTURE.md, *Endings*: nothing at all came.
    let nothing = TurnError::local(
        "empty_stream",
        format!("{host} {verb} the connection before any answer came"),
        RetryVerdict::Retry,
    );
    // A port that speaks TLS does so when it is asked without.
    match endpoint.base_url.scheme() {
        "http" => nothing.with_hint("is its address https://?"),
        _ => nothing,
    }
}

/// What rustls says of a peer that answers a handshake with something else.
fn is_no_tls(why: &str) -> bool {
    why.contains("corrupt message")
}

/// A certificate that was refused, by the reasons that rustls and the systems' verifiers name.
fn untrusted(host: &str, why: &str) -> TurnError {
    let lower = why.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let (reason, hint) = if has(&["not valid for name", "notvalidforname"]) {
        ("its certificate is for another name", None)
    } else if has(&["expired"]) {
        ("its certificate has expired", None)
    } else if has(&["unknownissuer", "unknown issuer"]) {
        (
            "the authority that signed its certificate is not known here",
            Some("name the authority's PEM file in `ssl_ca_cert`"),
        )
    } else {
        (
            root(why),
            Some("name the authority's PEM file in `ssl_ca_cert`"),
        )
    };
    let message = format!("no trusted connection to {host}: {reason}");
    let error = TurnError::local("tls_untrusted", message, RetryVerdict::Never);
    match hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// Why a connection was not made, in words of our own where it is one of the common reasons.
fn no_connection(error: &reqwest::Error, why: &str) -> String {
    use io::ErrorKind::{
        ConnectionAborted, ConnectionRefused, ConnectionReset, HostUnreachable, NetworkUnreachable,
        TimedOut, UnexpectedEof,
    };
    if why.contains("dns error") {
        return "its name cannot be resolved".to_owned();
    }
    if why.contains("tunnel") && !why.contains("failed to create underlying connection") {
        return "the proxy refuses it".to_owned();
    }
    let known = match cause(error).map(io::Error::kind) {
        Some(ConnectionRefused) => "connection refused",
        Some(ConnectionReset | ConnectionAborted) => "the connection was reset",
        Some(UnexpectedEof) => "the connection was closed",
        Some(HostUnreachable) => "the host cannot be reached",
        Some(NetworkUnreachable) => "the network cannot be reached",
        Some(TimedOut) => "it does not answer",
        _ => return root(why).to_owned(),
    };
    known.to_owned()
}

/// The variable that names a proxy for this endpoint, as far as a name tells: `NO_PROXY` may except it. Its value is not
/// shown, there may be a password in it.
fn proxy(endpoint: &Endpoint) -> Option<&'static str> {
    let names: &[&str] = match endpoint.base_url.scheme() {
        "https" => &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
        _ => &["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"],
    };
    let set = |name: &&&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    match endpoint.is_loopback() {
        true => None,
        false => names.iter().find(set).copied(),
    }
}

/// How a connection ended that had been made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Break {
    /// The peer closed it before its time.
    #[error("the connection closed")]
    Closed,
    /// The peer, or something between, reset it.
    #[error("the connection was reset")]
    Reset,
    /// In some other way.
    #[error("the connection broke")]
    Other,
}

impl Break {
    fn of(error: &reqwest::Error) -> Self {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
        match cause(error).map(io::Error::kind) {
            Some(ConnectionReset | ConnectionAborted | BrokenPipe) => return Self::Reset,
            Some(UnexpectedEof) => return Self::Closed,
            _ => {}
        }
        // hyper keeps these to itself: IncompleteMessage, and a body that ends before its length or its last chunk.
        let why = chain(error);
        let closed = ["connection closed", "unexpected EOF", "end of file"];
        match closed.iter().any(|text| why.contains(text)) {
            true => Self::Closed,
            false => Self::Other,
        }
    }
}

/// An error in the middle of a body, for a stream of bytes to carry: a [`Break`].
pub fn body_error(error: reqwest::Error, redactor: &Redactor) -> io::Error {
    let error = error.without_url();
    let why = redactor.text(&chain(&error));
    tracing::debug!(why, "the body broke");
    io::Error::other(Break::of(&error))
}

/// The system's error, if one is behind it.
fn cause(error: &reqwest::Error) -> Option<&io::Error> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return Some(io);
        }
        cause = error.source();
    }
    None
}

/// The last of a chain of causes, without the system's number.
fn root(why: &str) -> &str {
    unnumbered(why.rsplit(": ").next().unwrap_or(why))
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
fn chain(error: &reqwest::Error) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_certificates() {
        for (why, reason, hint) in [
            (
                "client error (Connect): invalid peer certificate: UnknownIssuer",
                "the authority that signed its certificate is not known here",
                true,
            ),
            (
                "invalid peer certificate: certificate expired: verification time 2 (UNIX), but certificate is not valid after 1 (1 seconds ago)",
                "its certificate has expired",
                false,
            ),
            (
                "invalid peer certificate: certificate not valid for name \"r.example\"; certificate is only valid for DnsName(\"localhost\")",
                "its certificate is for another name",
                false,
            ),
            (
                "invalid peer certificate: BadSignature",
                "BadSignature",
                true,
            ),
        ] {
            let error = untrusted("r.example", why);
            assert_eq!(
                error.message,
                format!("no trusted connection to r.example: {reason}")
            );
            assert_eq!(error.hint.is_some(), hint, "{why}");
        }
    }
}
