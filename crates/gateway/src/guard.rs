//! Who is turned away before anything is read.
//!
//! The gateway holds a key on a port that every program and every open web page of this machine can reach. A page's own
//! address resolves to 127.0.0.1 when its owner wants it to (DNS rebinding), so the Host has to be ours; a browser names
//! the page in `Origin` with everything that has an effect, so an origin has to be one that was allowed.

use std::net::{IpAddr, SocketAddr};

use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, ORIGIN, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use hyper::http::uri::Authority;
use hyper::{Method, StatusCode};

use crate::reply::Refusal;

/// Ends of paths that the API takes uploads at, as `multipart/form-data`.
const UPLOADS: [&str; 7] = [
    "/files",
    "/parts",
    "/edits",
    "/variations",
    "/transcriptions",
    "/translations",
    "/skills",
];

/// What is known of the listener.
pub(crate) struct Guard {
    pub(crate) own: SocketAddr,
    pub(crate) allow_origins: Vec<String>,
    /// `serve.limits.headers`.
    pub(crate) headers: usize,
}

impl Guard {
    /// Whether the request may go on.
    pub(crate) fn check(&self, parts: &Parts) -> Result<(), Refusal> {
        self.check_size(parts)?;
        self.check_host(parts)?;
        self.check_origin(&parts.headers)?;
        check_body(parts)
    }

    fn check_size(&self, parts: &Parts) -> Result<(), Refusal> {
        let line = parts
            .uri
            .path_and_query()
            .map_or(0, |path| path.as_str().len());
        let fields = parts.headers.iter();
        let size = line
            + fields
                .map(|(name, value)| name.as_str().len() + value.len() + 4)
                .sum::<usize>();
        if size <= self.headers {
            return Ok(());
        }
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        let message = format!(
            "the head of the request has {size} bytes; `serve.limits.headers` allows {}",
            self.headers
        );
        Err(Refusal::limit(status, "serve.limits.headers", message))
    }

    fn check_host(&self, parts: &Parts) -> Result<(), Refusal> {
        let mut hosts = parts.headers.get_all(HOST).iter();
        let (host, more) = (hosts.next(), hosts.next());
        let bad = |message: &str| {
            Refusal::new(StatusCode::BAD_REQUEST, "host_invalid", message).closing()
        };
        if more.is_some() {
            return Err(bad("the request names two hosts"));
        }
        let Some(host) = host else {
            return Err(bad("the request names no host"));
        };
        let host = host
            .to_str()
            .ok()
            .and_then(|host| host.parse::<Authority>().ok())
            .filter(is_whole);
        let host = host.ok_or_else(|| bad("the request's Host is no host name"))?;
        let named = parts.uri.authority().into_iter().chain([&host]);
        for authority in named {
            if !is_whole(authority) {
                return Err(bad("the request's target is no host name"));
            }
            if !self.is_ours(authority) {
                let message = format!(
                    "`{}` is not this gateway: it answers to localhost, 127.0.0.1 and [::1] only",
                    authority.host()
                );
                return Err(
                    Refusal::new(StatusCode::FORBIDDEN, "host_not_allowed", message).closing(),
                );
            }
        }
        Ok(())
    }

    fn is_ours(&self, authority: &Authority) -> bool {
        if authority.as_str().contains('@') {
            return false;
        }
        let host = authority.host();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        match bare.parse::<IpAddr>() {
            Ok(address) => address.is_loopback() || address == self.own.ip(),
            Err(_) => {
                let name = host.strip_suffix('.').unwrap_or(host);
                name.eq_ignore_ascii_case("localhost")
            }
        }
    }

    fn check_origin(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let refused = |who: &str| {
            let message =
                format!("web pages may not use this gateway ({who}); `--allow-origin` allows one");
            Err(Refusal::new(StatusCode::FORBIDDEN, "origin_not_allowed", message).closing())
        };
        let mut allowed = false;
        for origin in headers.get_all(ORIGIN) {
            let Ok(origin) = origin.to_str() else {
                return refused("an unreadable Origin");
            };
            allowed = self
                .allow_origins
                .iter()
                .any(|known| known.eq_ignore_ascii_case(origin));
            if !allowed {
                return refused(origin);
            }
        }
        // A page's image or script asks without naming an origin; the browser says this much.
        let site = headers.get("sec-fetch-site").map(|site| site.as_bytes());
        match site {
            Some(b"cross-site" | b"same-site") if !allowed => refused("another site's page"),
            _ => Ok(()),
        }
    }
}

/// A host and perhaps a port, and nothing that the parser leaves out (`[::1].evil.example`, a port that is no number).
fn is_whole(authority: &Authority) -> bool {
    let text = authority.as_str();
    let rest = text.rsplit_once('@').map_or(text, |(_, rest)| rest);
    match rest.strip_prefix(authority.host()) {
        Some("") => true,
        Some(port) => port
            .strip_prefix(':')
            .is_some_and(|port| port.parse::<u16>().is_ok()),
        None => false,
    }
}

/// What a page could send without asking first is text or a form: anything with a body has to say that it is JSON.
fn check_body(parts: &Parts) -> Result<(), Refusal> {
    if matches!(
        parts.method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::DELETE
    ) {
        return Ok(());
    }
    let given = parts
        .headers
        .get(CONTENT_TYPE)
        .map(|value| value.to_str().unwrap_or_default());
    let kind = given
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    let kind = kind.to_ascii_lowercase();
    let json =
        kind == "application/json" || kind.starts_with("application/") && kind.ends_with("+json");
    let path = parts.uri.path().trim_end_matches('/');
    let upload = kind == "multipart/form-data" && UPLOADS.iter().any(|end| path.ends_with(end));
    let empty = given.is_none()
        && !parts.headers.contains_key(TRANSFER_ENCODING)
        && parts
            .headers
            .get(CONTENT_LENGTH)
            .is_none_or(|length| length.as_bytes() == b"0")
        && !path.ends_with("/responses");
    if json || upload || empty {
        return Ok(());
    }
    let what = match given {
        Some(_) if !kind.is_empty() => format!("a body of type `{kind}`"),
        _ => "a body that does not say what it is".to_owned(),
    };
    let message = format!("{what} is not taken here: send `content-type: application/json`");
    Err(Refusal::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "content_type_not_json",
        message,
    )
    .closing())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use hyper::Request;

    use super::*;

    fn guard() -> Guard {
        Guard {
            own: "127.0.0.1:8484".parse().unwrap(),
            allow_origins: vec!["http://localhost:3000".to_owned()],
            headers: 1 << 10,
        }
    }

    fn judged(method: &str, uri: &str, headers: &[(&'static str, &str)]) -> u16 {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        guard()
            .check(&parts)
            .err()
            .map_or(200, |refusal| refusal.status.as_u16())
    }

    #[test]
    fn hosts() {
        for (host, expected) in [
            ("127.0.0.1:8484", 200),
            ("127.0.0.1", 200),
            ("127.1.2.3:80", 200),
            ("localhost:8484", 200),
            ("LOCALHOST.", 200),
            ("[::1]:8484", 200),
            ("relay.example", 403),
            ("localhost.evil.example", 403),
            ("evil.example:8484", 403),
            ("127.0.0.1.evil.example", 403),
            ("user@localhost", 403),
            ("0.0.0.0:8484", 403),
            ("192.168.0.7:8484", 403),
            ("a b", 400),
        ] {
            assert_eq!(
                judged("GET", "/v1/models", &[("host", host)]),
                expected,
                "{host}"
            );
        }
        assert_eq!(judged("GET", "/v1/models", &[]), 400);
        assert_eq!(
            judged("GET", "/", &[("host", "localhost"), ("host", "localhost")]),
            400
        );
        assert_eq!(
            judged(
                "GET",
                "http://evil.example/v1/models",
                &[("host", "localhost")]
            ),
            403
        );
    }

    #[test]
    fn origins() {
        for (name, value, expected) in [
            ("origin", "http://localhost:3000", 200),
            ("origin", "http://localhost:3001", 403),
            ("origin", "https://evil.example", 403),
            ("origin", "null", 403),
            ("sec-fetch-site", "cross-site", 403),
            ("sec-fetch-site", "same-site", 403),
            ("sec-fetch-site", "none", 200),
        ] {
            assert_eq!(
                judged("GET", "/v1/models", &[("host", "localhost"), (name, value)]),
                expected,
                "{value}"
            );
        }
        let both = [
            ("host", "localhost"),
            ("origin", "http://localhost:3000"),
            ("origin", "http://evil.example"),
        ];
        assert_eq!(judged("GET", "/", &both), 403);
    }

    #[test]
    fn bodies() {
        for (path, kind, expected) in [
            ("/v1/responses", "application/json", 200),
            ("/v1/responses", "application/json; charset=utf-8", 200),
            ("/v1/responses", "Application/JSON", 200),
            ("/v1/responses", "application/vnd.api+json", 200),
            ("/v1/responses", "text/plain", 415),
            ("/v1/responses", "application/x-www-form-urlencoded", 415),
            ("/v1/responses", "multipart/form-data; boundary=x", 415),
            ("/v1/files", "multipart/form-data; boundary=x", 200),
            ("/v1/files", "text/plain", 415),
            ("/v1/responses", "", 415),
        ] {
            let headers = [("host", "localhost"), ("content-type", kind)];
            assert_eq!(judged("POST", path, &headers), expected, "{path} {kind}");
        }
        let length = ("content-length", "2");
        assert_eq!(
            judged("POST", "/v1/responses/r/cancel", &[("host", "localhost")]),
            200
        );
        assert_eq!(
            judged(
                "POST",
                "/v1/responses/r/cancel",
                &[("host", "localhost"), length]
            ),
            415
        );
        assert_eq!(
            judged("POST", "/v1/responses", &[("host", "localhost")]),
            415
        );
    }

    #[test]
    fn the_head_has_a_limit() {
        let long = "x".repeat(1 << 10);
        assert_eq!(
            judged(
                "GET",
                "/v1/models",
                &[("host", "localhost"), ("x-long", &long)]
            ),
            431
        );
    }
}
