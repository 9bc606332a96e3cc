//! An answer that is no success, in words: what the upstream said, who says it, whether to ask again, and what to do.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, LOCATION};
use respair_core::{ErrorSource, ResponseError, RetryVerdict};
use serde_json::Value;
use url::Url;

use crate::endpoint::bare;
use crate::redact::Redactor;
use crate::refused_field;
use crate::retry::{asked, status_verdict};
use crate::{Endpoint, TurnError};

/// How much of an error's body is read. Error pages are a few KiB; what is beyond says nothing new.
pub const BODY_LIMIT: usize = 64 * 1024;

/// How long the body of an error may take once its headers came; then what is there is used.
pub const BODY_PATIENCE: Duration = Duration::from_secs(5);

/// How much of a body that holds neither JSON nor a title is quoted, in characters.
const EXCERPT: usize = 300;

/// The error that this answer is.
pub fn read(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    sent: &[u8],
    endpoint: &Endpoint,
    redactor: &Redactor,
    now_unix: u64,
) -> TurnError {
    let said = Said::read(body, redactor);
    let mut error = if status.is_redirection() {
        redirect(status, headers, endpoint)
    } else {
        refused(status, &said)
    };
    error.status = Some(status.as_u16());
    error.retry_after = asked(headers, now_unix).or(error.retry_after);
    let header = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    error.request_id = header("x-request-id");
    error.cf_ray = header("cf-ray");
    if error.hint.is_none() {
        let field = match &said {
            Said::Error(said) => refused_field::find(status, said, body, sent),
            _ => None,
        };
        error.hint = match &field {
            Some(field) => Some(format!(
                "`compat: {{drop_fields: [{field}]}}` leaves it out"
            )),
            None => hint(status, &said, endpoint),
        };
        error.refused_field = field;
    }

    error.message = redactor.text(&one_line(&error.message));
    error.code = redactor.option(error.code);
    error.request_id = redactor.option(error.request_id);
    error.cf_ray = redactor.option(error.cf_ray);
    error.hint = redactor.option(error.hint);
    error
}

/// What the body of an error says.
enum Said {
    /// An error object, in one of the shapes that are in use.
    Error(ResponseError),
    /// The title of a page.
    Page(String),
    /// Some other text.
    Text(String),
    /// Nothing.
    Nothing,
}

impl Said {
    fn read(body: &[u8], redactor: &Redactor) -> Self {
        let text = String::from_utf8_lossy(body);
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return Self::Nothing;
        }
        if let Some(error) = json_error(text) {
            return Self::Error(error);
        }
        if text.starts_with('<') {
            return Self::Page(
                title(text).unwrap_or_else(|| "an HTML page without a title".to_owned()),
            );
        }
        Self::Text(quoted(text, redactor))
    }
}

/// The beginning of a body, for an error message. Secrets go before it is cut: the beginning of one is not known again.
pub fn quoted(text: &str, redactor: &Redactor) -> String {
    redactor.text(text).chars().take(EXCERPT).collect()
}

/// The error in a JSON body: OpenAI's object, a flat one, `detail` (FastAPI: a string or a list), a bare string.
fn json_error(text: &str) -> Option<ResponseError> {
    if let Some(error) = ResponseError::from_json(text) {
        return Some(error);
    }
    let value: Value = serde_json::from_str(text).ok()?;
    let first = value
        .as_array()
        .and_then(|list| list.first())
        .unwrap_or(&value);
    if value.is_array()
        && let Some(error) = ResponseError::from_json(&first.to_string())
    {
        return Some(error);
    }
    let detail = first.get("detail").or_else(|| first.get("errors"))?;
    let message = match detail {
        Value::Array(list) => list
            .first()
            .and_then(|entry| entry.get("msg").or_else(|| entry.get("message")))?
            .as_str()?,
        other => other
            .get("message")
            .or_else(|| other.get("msg"))?
            .as_str()?,
    };
    ResponseError::from_json(&Value::String(message.to_owned()).to_string())
}

/// Whether the body of an error says as JSON what went wrong.
pub(crate) fn is_readable(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    json_error(text.trim_start_matches('\u{feff}').trim()).is_some()
}

/// The text of the page's `<title>`.
fn title(page: &str) -> Option<String> {
    let lower = page.to_ascii_lowercase();
    let open = lower.find("<title")?;
    let start = open + lower[open..].find('>')? + 1;
    let end = start + lower[start..].find("</title")?;
    let title = one_line(page.get(start..end)?);
    (!title.is_empty()).then_some(title)
}

fn refused(status: StatusCode, said: &Said) -> TurnError {
    let name = status
        .canonical_reason()
        .map_or_else(String::new, |reason| format!(" {reason}"));
    let plain = format!("HTTP {}{name}", status.as_u16());
    let by_status = status_verdict(status.as_u16());
    match said {
        Said::Error(error) => {
            // A known word in the body is worth more than the status, in both directions: a quota that is answered 429
            // is final (DEVIATIONS 5.5). A refusal that is answered 400 stays final whatever it says (5.10).
            let verdict = if is_final(error) {
                RetryVerdict::Never
            } else {
                by_status
            };
            let code = error.code.clone().or_else(|| error.kind.clone());
            let mut turn =
                TurnError::new(code, error.message.clone(), ErrorSource::Upstream, verdict);
            turn.retry_after = error.retry_after;
            turn
        }
        Said::Page(title) => TurnError::new(
            None,
            format!("{plain}: {title}"),
            ErrorSource::Upstream,
            by_status,
        ),
        Said::Text(text) => TurnError::new(
            None,
            format!("{plain}: {text}"),
            ErrorSource::Upstream,
            by_status,
        ),
        Said::Nothing => TurnError::new(None, plain, ErrorSource::Upstream, by_status),
    }
}

/// Whether the error is final by its words. [`ResponseError::verdict`] says `Never` for what it does not know, so it is
/// asked with a type that makes the unknown passing: what is still final then is known to be.
fn is_final(error: &ResponseError) -> bool {
    let mut probe = error.clone();
    probe.kind = Some(format!(
        "{} server_error",
        error.kind.as_deref().unwrap_or_default()
    ));
    probe.verdict() == RetryVerdict::Never
}

fn redirect(status: StatusCode, headers: &HeaderMap, endpoint: &Endpoint) -> TurnError {
    let asked = endpoint.responses_url();
    let target = headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let target = target.and_then(|target| asked.join(target).ok());
    let number = status.as_u16();
    let message = match &target {
        Some(target) => format!(
            "{} redirects to {} (HTTP {number})",
            bare(&asked),
            bare(target)
        ),
        None => format!(
            "{} answers with a redirect that names no target (HTTP {number})",
            bare(&asked)
        ),
    };
    let error = TurnError::new(
        Some("redirect".to_owned()),
        message,
        ErrorSource::Upstream,
        RetryVerdict::Never,
    );
    match target.as_ref().and_then(base_of) {
        Some(base) => error.with_hint(format!("redirects are not followed; if the target is yours, set `base_url: {base}`")),
        None => error.with_hint("redirects are not followed, so that a key goes where it was configured to and nowhere else"),
    }
}

/// Whether what is not there is the model, and not the address.
fn is_about_the_model(said: &Said) -> bool {
    let Said::Error(error) = said else {
        return false;
    };
    let code = error.code.as_deref().unwrap_or_default();
    code.contains("model") || error.message.to_ascii_lowercase().contains("model")
}

/// The base URL that would lead to `target` itself.
fn base_of(target: &Url) -> Option<String> {
    bare(target).strip_suffix("/responses").map(str::to_owned)
}

fn hint(status: StatusCode, said: &Said, endpoint: &Endpoint) -> Option<String> {
    let page = matches!(said, Said::Page(_));
    match status {
        StatusCode::NOT_IMPLEMENTED => Some(format!(
            "{}/responses was asked; does `base_url` lead to the API?",
            endpoint.display_url()
        )),
        StatusCode::NOT_FOUND if is_about_the_model(said) => {
            Some("is the model's name right, and may this key use it?".to_owned())
        }
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
            let base = endpoint.display_url();
            let other = match base.strip_suffix("/v1") {
                Some(without) => without.to_owned(),
                None => format!("{base}/v1"),
            };
            Some(format!("{base}/responses was asked; try `base_url: {other}`"))
        }
        StatusCode::FORBIDDEN if page => {
            Some("a page instead of an API error: something between (a proxy, Cloudflare, a login) blocks the request".to_owned())
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Some(match (&endpoint.api_key, &endpoint.key_source) {
            (Some(_), Some(source)) => format!("the key from {source} was used"),
            (Some(_), None) => "the configured key was used".to_owned(),
            (None, _) => "no key is configured; set `api_key` or `api_key_env`".to_owned(),
        }),
        _ => None,
    }
}

/// `text` with every run of white space and control characters as one space.
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
    {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn endpoint() -> Endpoint {
        let mut endpoint = Endpoint::custom("http://r.example/v1".parse().unwrap());
        endpoint.api_key = Some("sk-secret".to_owned().into());
        endpoint.key_source = Some("$RELAY_KEY".to_owned());
        endpoint
    }

    fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> TurnError {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        let endpoint = endpoint();
        let redactor = Redactor::of(&endpoint);
        read(
            StatusCode::from_u16(status).unwrap(),
            &map,
            body.as_bytes(),
            b"",
            &endpoint,
            &redactor,
            0,
        )
    }

    #[test]
    fn shapes() {
        for (body, code, message) in [
            (
                r#"{"error":{"message":"no","code":"c","type":"t","param":"p"}}"#,
                Some("c"),
                "no",
            ),
            (r#"{"error":{"message":"no","type":"t"}}"#, Some("t"), "no"),
            (r#"{"code":"c","message":"no"}"#, Some("c"), "no"),
            (r#"{"error":"no"}"#, None, "no"),
            (r#"{"detail":"no"}"#, None, "no"),
            (r#"{"detail":[{"loc":["body"],"msg":"no"}]}"#, None, "no"),
            (
                r#"[{"error":{"message":"no","code":"c"}}]"#,
                Some("c"),
                "no",
            ),
            (r#""no""#, None, "no"),
            ("no\r\nway", None, "HTTP 418 I'm a teapot: no way"),
            ("", None, "HTTP 418 I'm a teapot"),
            (
                "<html><head><TITLE>\n Not\there </TITLE>",
                None,
                "HTTP 418 I'm a teapot: Not here",
            ),
            (
                "<!doctype html><p>x",
                None,
                "HTTP 418 I'm a teapot: an HTML page without a title",
            ),
        ] {
            let error = answer(418, &[], body);
            assert_eq!(
                (error.code.as_deref(), error.message.as_str()),
                (code, message),
                "{body}"
            );
            assert_eq!(
                (error.status, error.source),
                (Some(418), ErrorSource::Upstream)
            );
        }
    }

    #[test]
    fn verdicts() {
        use RetryVerdict::{Never, Retry};
        for (status, body, verdict) in [
            (
                429,
                r#"{"error":{"message":"slow down","code":"rate_limit_exceeded"}}"#,
                Retry,
            ),
            (429, r#"{"error":{"message":"something"}}"#, Retry),
            (
                429,
                r#"{"error":{"message":"no","code":"insufficient_quota"}}"#,
                Never,
            ),
            (
                429,
                r#"{"error":{"message":"Monthly usage limit reached. Resets in 16 days"}}"#,
                Never,
            ),
            (503, "<title>503</title>", Retry),
            (
                500,
                r#"{"error":{"message":"x","type":"server_error"}}"#,
                Retry,
            ),
            (
                500,
                r#"{"error":{"message":"x","code":"context_length_exceeded"}}"#,
                Never,
            ),
            (
                400,
                r#"{"error":{"message":"Unsupported parameter: x","type":"invalid_request_error"}}"#,
                Never,
            ),
            (400, r#"{"error":{"message":"overloaded"}}"#, Never),
            (401, "", Never),
        ] {
            assert_eq!(answer(status, &[], body).retry, verdict, "{status} {body}");
        }
    }

    #[test]
    fn what_to_do() {
        let not_found = answer(404, &[], "").hint.unwrap();
        assert_eq!(
            not_found,
            "http://r.example/v1/responses was asked; try `base_url: http://r.example`"
        );
        for body in [
            r#"{"error":{"message":"The model `x` does not exist","code":"model_not_found"}}"#,
            r#"{"detail":"Model x not found"}"#,
        ] {
            let no_model = answer(404, &[], body).hint.unwrap();
            assert!(
                no_model.starts_with("is the model's name right"),
                "{body}: {no_model}"
            );
        }
        let web_server = answer(501, &[], "<title>Unsupported method</title>");
        assert_eq!(web_server.retry, RetryVerdict::Never);
        assert!(
            web_server
                .hint
                .unwrap()
                .contains("does `base_url` lead to the API?")
        );
        assert_eq!(
            answer(401, &[], "").hint.unwrap(),
            "the key from $RELAY_KEY was used"
        );
        assert!(
            answer(403, &[], "<title>Attention Required! | Cloudflare</title>")
                .hint
                .unwrap()
                .contains("Cloudflare")
        );
        let moved = answer(
            308,
            &[("location", "https://r2.example/v1/responses?t=1")],
            "",
        );
        assert_eq!(
            moved.message,
            "http://r.example/v1/responses redirects to https://r2.example/v1/responses (HTTP 308)"
        );
        assert!(
            moved
                .hint
                .unwrap()
                .ends_with("set `base_url: https://r2.example/v1`")
        );
    }

    #[test]
    fn what_the_headers_say_is_kept() {
        let headers = [
            ("x-request-id", "req_1"),
            ("cf-ray", "8f-FRA"),
            ("retry-after", "7"),
        ];
        let error = answer(
            429,
            &headers,
            r#"{"error":{"message":"Please try again in 2s"}}"#,
        );
        assert_eq!(error.request_id.as_deref(), Some("req_1"));
        assert_eq!(error.cf_ray.as_deref(), Some("8f-FRA"));
        assert_eq!(error.retry_after, Some(Duration::from_secs(7)));
        let error = answer(
            429,
            &[],
            r#"{"error":{"message":"Please try again in 2s"}}"#,
        );
        assert_eq!(error.retry_after, Some(Duration::from_secs(2)));
    }

    #[test]
    fn an_echoed_key_is_taken_out() {
        let body =
            r#"{"error":{"message":"Incorrect API key provided: sk-secret","code":"sk-secret"}}"#;
        let shown = format!("{:?}", answer(401, &[("x-request-id", "sk-secret")], body));
        assert!(!shown.contains("sk-secret"), "{shown}");
    }
}
