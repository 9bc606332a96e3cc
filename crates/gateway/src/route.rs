//! Where a request goes, by its method and path.

use hyper::{Method, StatusCode};

use crate::reply::Refusal;

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    /// `GET /healthz`: the process answers.
    Health,
    /// `GET /readyz`: it takes requests.
    Ready,
    /// `GET /metrics`.
    Metrics,
    /// `POST …/responses`; an upstream by its place, where the path names one.
    Responses { upstream: Option<usize> },
    /// Everything else below a base path: what to append to the upstream's address.
    Pass {
        upstream: Option<usize>,
        rest: String,
    },
}

impl Route {
    /// The route's name in logs and metrics.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Health => "healthz",
            Self::Ready => "readyz",
            Self::Metrics => "metrics",
            Self::Responses { .. } => "responses",
            Self::Pass { .. } => "pass",
        }
    }

    /// Reads `/v1/…`, `/NAME/v1/…`, and `/responses` where the client leaves `v1` out.
    pub(crate) fn of(method: &Method, path: &str, names: &[&str]) -> Result<Self, Refusal> {
        match (method, path) {
            (&Method::GET | &Method::HEAD, "/healthz") => return Ok(Self::Health),
            (&Method::GET | &Method::HEAD, "/readyz") => return Ok(Self::Ready),
            (&Method::GET | &Method::HEAD, "/metrics") => return Ok(Self::Metrics),
            _ => {}
        }
        if !is_plain(path) {
            let message = "the path steps out of its place";
            return Err(Refusal::new(
                StatusCode::BAD_REQUEST,
                "path_invalid",
                message,
            ));
        }
        let mut upstream = None;
        let mut rest = path;
        let first = path
            .trim_start_matches('/')
            .split('/')
            .next()
            .unwrap_or_default();
        let first = decoded(first);
        if let Some(at) = names.iter().position(|name| *name == first) {
            upstream = Some(at);
            rest = path
                .trim_start_matches('/')
                .find('/')
                .map_or("", |slash| &path.trim_start_matches('/')[slash..]);
        }
        let below = rest
            .strip_prefix("/v1")
            .filter(|below| below.is_empty() || below.starts_with('/'));
        let rest = below.unwrap_or(rest);
        let is_post = *method == Method::POST;
        if rest.trim_end_matches('/') == "/responses" && is_post {
            return Ok(Self::Responses { upstream });
        }
        // A base URL with the endpoint's path pasted into it: passed on, its stream would reach the client unmended.
        let is_pasted = is_post && rest.trim_end_matches('/').ends_with("/responses");
        if is_pasted || below.is_none_or(|below| below.len() < 2) {
            let message = format!(
                "nothing is at `{}`; the base URL to use ends in /v1",
                shown(path)
            );
            return Err(Refusal::new(StatusCode::NOT_FOUND, "unknown_url", message));
        }
        Ok(Self::Pass {
            upstream,
            rest: rest.to_owned(),
        })
    }
}

/// Whether no segment leads elsewhere, however it is spelt. The upstream's address is joined from it.
fn is_plain(path: &str) -> bool {
    path.starts_with('/')
        && path
            .split(['/', '\\'])
            .all(|segment| !matches!(decoded(segment).as_str(), "." | ".."))
        && !path.contains('\\')
        && !path.to_ascii_lowercase().contains("%2f")
        && !path.to_ascii_lowercase().contains("%5c")
        && !path.to_ascii_lowercase().contains("%00")
}

/// A segment without its percent signs. What is not UTF-8 stays as it is.
fn decoded(segment: &str) -> String {
    if !segment.contains('%') {
        return segment.to_owned();
    }
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| first == b'%');
        let code = code.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match code {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| segment.to_owned())
}

/// A path as it may be told and logged: short, and nothing in it that moves a cursor.
pub(crate) fn shown(path: &str) -> String {
    const MOST: usize = 120;
    let mut text: String = path
        .chars()
        .filter(|c| !c.is_control())
        .take(MOST)
        .collect();
    if path.chars().count() > MOST {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(method: Method, path: &str) -> Result<Route, u16> {
        Route::of(&method, path, &["relay", "my relay"]).map_err(|refusal| refusal.status.as_u16())
    }

    fn pass(upstream: Option<usize>, rest: &str) -> Result<Route, u16> {
        Ok(Route::Pass {
            upstream,
            rest: rest.to_owned(),
        })
    }

    #[test]
    fn paths() {
        let responses = |upstream| Ok(Route::Responses { upstream });
        for (path, expected) in [
            ("/v1/responses", responses(None)),
            ("/v1/responses/", responses(None)),
            ("/responses", responses(None)),
            ("/relay/v1/responses", responses(Some(0))),
            ("/relay/responses", responses(Some(0))),
            ("/my%20relay/v1/responses", responses(Some(1))),
            ("/other/v1/responses", Err(404)),
            ("/v1/responses/responses", Err(404)),
            ("/relay/v1/responses/responses/", Err(404)),
            ("/v1/chat/completions/responses", Err(404)),
            ("/v1", Err(404)),
            ("/v1/", Err(404)),
            ("/", Err(404)),
            ("/v10/responses", Err(404)),
            (
                "/v1/responses/r_1/cancel",
                pass(None, "/responses/r_1/cancel"),
            ),
            ("/relay/v1/models", pass(Some(0), "/models")),
            ("/v1/chat/completions", pass(None, "/chat/completions")),
            ("/v1/../admin", Err(400)),
            ("/v1/%2e%2E/admin", Err(400)),
            ("/v1/.%2e/admin", Err(400)),
            ("/v1/a%2f..%2fb", Err(400)),
            ("/v1/a\\..\\b", Err(400)),
            ("/v1/./models", Err(400)),
            ("/v1/files/a..b", pass(None, "/files/a..b")),
        ] {
            assert_eq!(of(Method::POST, path), expected, "{path}");
        }
        assert_eq!(of(Method::GET, "/v1/responses"), pass(None, "/responses"));
        let get = pass(None, "/responses/responses");
        assert_eq!(of(Method::GET, "/v1/responses/responses"), get);
        assert_eq!(of(Method::GET, "/healthz"), Ok(Route::Health));
        assert_eq!(of(Method::GET, "/readyz"), Ok(Route::Ready));
        assert_eq!(of(Method::GET, "/metrics"), Ok(Route::Metrics));
        assert_eq!(of(Method::POST, "/metrics"), Err(404));
    }

    #[test]
    fn what_is_shown_is_short_and_tame() {
        assert_eq!(shown("/v1/\u{1b}[2J"), "/v1/[2J");
        assert_eq!(shown(&"x".repeat(500)).chars().count(), 121);
    }
}
