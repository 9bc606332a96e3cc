//! What an upstream says when it refuses a request, and the request once more without what it refused.

use bytes::Bytes;
use hyper::StatusCode;
use respair_client::wire;
use respair_core::ResponseError;
use serde_json::Value;

use super::replay;
use super::splice::{Splice, fields};

/// How upstreams say that they cannot read reasoning of another key, account or model (DEVIATIONS 5.12, 8.1).
const UNREADABLE: [&str; 7] = [
    "could not be verified",
    "could not be decrypted",
    "could not decrypt",
    "cannot be decrypted",
    "failed to decrypt",
    "unable to decrypt",
    "decryption failed",
];

/// How far into a refusal is looked for its words: OpenRouter nests another provider's three deep.
const DEEPEST: usize = 8;

/// The request once more, without what the upstream refused, and what that was; `None` when nothing can be left out.
pub(super) fn again(status: StatusCode, refusal: &[u8], sent: &Bytes) -> Option<(String, Bytes)> {
    if !matches!(status.as_u16(), 400 | 422) {
        return None;
    }
    let body = std::str::from_utf8(sent).ok()?;
    let said = Said::of(refusal)?;
    let (what, body) = if said.unreadable_reasoning() {
        let body = replay::without_encrypted_reasoning(body)?;
        ("input[].encrypted_content".to_owned(), body)
    } else if said.missing_summary() {
        ("input[].summary".to_owned(), replay::with_summaries(body)?)
    } else if let Some(body) = without_nulls(&said, body) {
        ("null".to_owned(), body)
    } else {
        let error = ResponseError::from_json(std::str::from_utf8(refusal).ok()?)?;
        let field = wire::refused_field(status, &error, refusal, sent)?;
        let body = without(body, |name, _| name == field)?;
        (field, body)
    };
    Some((what, body.into()))
}

/// The words of a refusal, in lower case.
struct Said(Vec<String>);

impl Said {
    fn of(refusal: &[u8]) -> Option<Self> {
        let refusal: Value = serde_json::from_slice(refusal).ok()?;
        let mut words = Vec::new();
        gather(&refusal, DEEPEST, &mut words);
        Some(Self(words))
    }

    fn any(&self, says: impl Fn(&str) -> bool) -> bool {
        self.0.iter().any(|words| says(words))
    }

    fn unreadable_reasoning(&self) -> bool {
        self.any(|words| {
            words.contains("invalid_encrypted_content")
                || words.contains("encrypted")
                    && UNREADABLE.iter().any(|known| words.contains(known))
        })
    }

    fn missing_summary(&self) -> bool {
        self.any(|words| words.contains("required"))
            && self.any(|words| {
                words == "summary" || words.contains("input[") && words.contains("].summary")
            })
    }

    /// A field of this name must not be null.
    fn not_null(&self, name: &str) -> bool {
        let expected = |words: &str| {
            ["null", "none", "should be a valid", "invalid type"]
                .iter()
                .any(|known| words.contains(known))
        };
        let name = name.to_ascii_lowercase();
        let named = |words: &str| {
            words
                .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .any(|word| word == name)
        };
        self.any(expected) && self.any(named)
    }
}

/// The strings of a refusal, without what it echoes of the request (FastAPI's `input`).
fn gather(value: &Value, deeper: usize, words: &mut Vec<String>) {
    let Some(deeper) = deeper.checked_sub(1) else {
        return;
    };
    match value {
        // A refusal within a refusal, as text.
        Value::String(text) => match serde_json::from_str(text) {
            Ok(inner @ (Value::Object(_) | Value::Array(_))) => gather(&inner, deeper, words),
            _ => words.push(text.to_ascii_lowercase()),
        },
        Value::Array(values) => values.iter().for_each(|value| gather(value, deeper, words)),
        Value::Object(fields) => fields
            .iter()
            .filter(|(name, _)| *name != "input")
            .for_each(|(_, value)| gather(value, deeper, words)),
        _ => {}
    }
}

/// The body without its fields that are null, once the refusal names one of them (7.8): null says there what absence says.
fn without_nulls(said: &Said, body: &str) -> Option<String> {
    let named = fields(body)?
        .iter()
        .any(|field| field.value == "null" && said.not_null(&field.name));
    named.then(|| without(body, |_, value| value == "null"))?
}

/// The body without the fields for which `gone` says so by their name and value; `None` where there is none.
fn without(body: &str, gone: impl Fn(&str, &str) -> bool) -> Option<String> {
    let fields = fields(body)?;
    let values: Vec<&str> = fields.iter().map(|field| field.value).collect();
    let mut splice = Splice::of(body);
    splice.remove(body, &values, |at| gone(&fields[at].name, values[at]));
    splice.done()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    const REPLAY: &str = r#"{"model":"m","tools":null,"n":1.50,"store":false,"user":null,"input":[{"type":"reasoning","encrypted_content":"gA"},{"type":"function_call","call_id":"c"}]}"#;

    fn asked_again(status: u16, refusal: &str) -> Option<(String, String)> {
        let status = StatusCode::from_u16(status).unwrap();
        let sent = Bytes::from_static(REPLAY.as_bytes());
        let (what, body) = again(status, refusal.as_bytes(), &sent)?;
        Some((what, String::from_utf8(body.to_vec()).unwrap()))
    }

    #[test]
    fn unreadable_reasoning_is_known_in_every_form() {
        let expected = REPLAY.replace(r#"{"type":"reasoning","encrypted_content":"gA"},"#, "");
        for refusal in [
            r#"{"error":{"code":"invalid_encrypted_content","message":"no","param":null,"type":"invalid_request_error"}}"#,
            r#"{"error":{"code":null,"message":"The encrypted content gAAA...WA== could not be verified. Reason: Encrypted content could not be decrypted or parsed."}}"#,
            r#"{"code":0,"message":"The encrypted content gA could not be verified."}"#,
            r#"{"code":"invalid-argument","error":"Could not decrypt the provided encrypted_content."}"#,
            r#"{"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"{\"error\":{\"message\":\"no\",\"code\":\"invalid_encrypted_content\"}}"}}}"#,
        ] {
            let (what, body) = asked_again(400, refusal).expect(refusal);
            assert_eq!(what, "input[].encrypted_content");
            assert_eq!(body, expected, "{refusal}");
        }
    }

    #[test]
    fn what_is_refused_is_mended_where_it_is_said() {
        let summary = REPLAY.replace(r#""gA"}"#, r#""gA","summary":[]}"#);
        let nulls = REPLAY
            .replace(r#""tools":null,"#, "")
            .replace(r#""user":null,"#, "");
        let store = REPLAY.replace(r#""store":false,"#, "");
        for (refusal, what, expected) in [
            (
                r#"{"error":{"message":"Missing required parameter: 'input[0].summary'.","param":"input[0].summary"}}"#,
                "input[].summary",
                &summary,
            ),
            (
                r#"{"detail":[{"loc":["body","input",0,"summary"],"msg":"Field required"}]}"#,
                "input[].summary",
                &summary,
            ),
            (
                r#"{"error":{"message":"Invalid type for 'tools': expected an array, but got null instead.","param":"tools"}}"#,
                "null",
                &nulls,
            ),
            (
                r#"{"detail":[{"loc":["body","tools"],"msg":"Input should be a valid list","input":null}]}"#,
                "null",
                &nulls,
            ),
            (
                r#"{"error":{"message":"Unsupported parameter: store"}}"#,
                "store",
                &store,
            ),
            (
                r#"{"detail":"Unsupported parameter: store"}"#,
                "store",
                &store,
            ),
        ] {
            let again = asked_again(400, refusal).expect(refusal);
            assert_eq!(again, (what.to_owned(), expected.clone()), "{refusal}");
        }
    }

    #[test]
    fn any_other_refusal_is_the_clients() {
        for (status, refusal) in [
            (
                400,
                r#"{"error":{"message":"Previous response with id 'resp_1' not found.","code":"previous_response_not_found","param":"previous_response_id"}}"#,
            ),
            (
                404,
                r#"{"error":{"message":"no","code":"previous_response_not_found"}}"#,
            ),
            (
                400,
                r#"{"error":{"message":"Only type:\"function\" tools are supported","param":"tools"}}"#,
            ),
            (
                400,
                r#"{"error":{"message":"The encrypted connection is required"}}"#,
            ),
            (
                400,
                r#"{"detail":[{"msg":"Bad","input":"encrypted content could not be verified"}]}"#,
            ),
            (401, r#"{"error":{"code":"invalid_encrypted_content"}}"#),
            (
                500,
                r#"{"error":{"message":"Unsupported parameter: store"}}"#,
            ),
            (400, "no JSON"),
        ] {
            assert_eq!(asked_again(status, refusal), None, "{refusal}");
        }
    }
}
