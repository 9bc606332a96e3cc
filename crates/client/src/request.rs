//! The request of a turn: its body and its headers.
//!
//! Nothing private goes out unless it was configured: no cache key, no metadata, no `include`, and `Authorization`
//! only with a key.

use std::time::Duration;

use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
    USER_AGENT,
};
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};

use crate::recovery::LONGEST_WAIT;
use crate::{Endpoint, SetupError};

/// What is asked in one turn.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TurnRequest {
    /// The model's name, as the upstream knows it.
    pub model: String,
    /// The system prompt.
    pub instructions: Option<String>,
    /// A string, or an array of input items.
    pub input: Value,
    /// `reasoning.effort`.
    pub reasoning_effort: Option<String>,
    /// `reasoning.summary`.
    pub reasoning_summary: Option<String>,
    /// `max_output_tokens`.
    pub max_output_tokens: Option<u64>,
    /// Further fields of the body: `tools`, `include`, `prompt_cache_key`. What [`Endpoint::extra_body`] says wins over
    /// them.
    pub fields: Map<String, Value>,
    /// Requests that were made before for the same answer: they count against [`crate::Recovery::max_requests`], and not
    /// again in the outcome.
    pub requests_before: u32,
    /// The longest wait that the upstream may ask for before the request is made again: two minutes, or less.
    pub longest_wait: Duration,
}

impl TurnRequest {
    /// Ask `model` with `input`: a string, or an array of input items.
    pub fn new(model: impl Into<String>, input: impl Into<Value>) -> Self {
        Self {
            model: model.into(),
            instructions: None,
            input: input.into(),
            reasoning_effort: None,
            reasoning_summary: None,
            max_output_tokens: None,
            fields: Map::new(),
            requests_before: 0,
            longest_wait: LONGEST_WAIT,
        }
    }

    /// The body as sent: our fields, then `fields` and `extra` over them, then every `null` left out (an upstream may refuse what is
    /// null and take what is absent: DEVIATIONS 7.8).
    pub(crate) fn body(&self, extra: &Map<String, Value>) -> Map<String, Value> {
        let mut reasoning = Map::new();
        if let Some(effort) = &self.reasoning_effort {
            reasoning.insert("effort".to_owned(), json!(effort));
        }
        if let Some(summary) = &self.reasoning_summary {
            reasoning.insert("summary".to_owned(), json!(summary));
        }

        let mut body = Map::new();
        body.insert("model".to_owned(), json!(self.model));
        body.insert("instructions".to_owned(), json!(self.instructions));
        body.insert("input".to_owned(), self.input.clone());
        body.insert("stream".to_owned(), json!(true));
        body.insert("store".to_owned(), json!(false));
        body.insert(
            "max_output_tokens".to_owned(),
            json!(self.max_output_tokens),
        );
        if !reasoning.is_empty() {
            body.insert("reasoning".to_owned(), Value::Object(reasoning));
        }
        for (name, value) in self.fields.iter().chain(extra) {
            body.insert(name.clone(), value.clone());
        }
        body.retain(|_, value| !value.is_null());
        body
    }
}

/// The headers of every request to `endpoint`. Everything that was configured is marked sensitive, so that no layer below
/// prints it.
///
/// # Errors
/// When one of them is none that HTTP can carry.
pub fn headers(endpoint: &Endpoint) -> Result<HeaderMap, SetupError> {
    let mut headers = HeaderMap::new();
    headers.insert(
        USER_AGENT,
        HeaderValue::from_static(concat!("respair/", env!("CARGO_PKG_VERSION"))),
    );
    headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
    // A compressed stream is held back by whoever compresses it; it is decoded all the same when it comes.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(key) = &endpoint.api_key {
        let value = sensitive(&format!("Bearer {}", key.expose_secret()), "the API key")?;
        headers.insert(AUTHORIZATION, value);
    }
    for (name, value) in &endpoint.extra_headers {
        let Ok(header) = HeaderName::from_bytes(name.as_bytes()) else {
            return Err(SetupError::HeaderName { name: name.clone() });
        };
        headers.insert(
            header,
            sensitive(value.expose_secret(), &format!("`{name}`"))?,
        );
    }
    Ok(headers)
}

fn sensitive(value: &str, name: &str) -> Result<HeaderValue, SetupError> {
    let mut value = HeaderValue::from_str(value).map_err(|_| SetupError::HeaderValue {
        name: name.to_owned(),
    })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_body_holds_four_fields() {
        let body = TurnRequest::new("m", "hi").body(&Map::new());
        assert_eq!(
            Value::Object(body),
            json!({"model": "m", "input": "hi", "stream": true, "store": false})
        );
    }

    #[test]
    fn what_was_asked_for_is_sent_and_extra_body_wins() {
        let mut request = TurnRequest::new("m", json!([{"role": "user", "content": "hi"}]));
        request.instructions = Some("be brief".to_owned());
        request.reasoning_effort = Some("high".to_owned());
        request.max_output_tokens = Some(64);
        let extra = json!({"store": null, "model": "other", "temperature": 0.5, "metadata": null});
        let body = request.body(extra.as_object().unwrap());
        assert_eq!(
            Value::Object(body),
            json!({
                "model": "other",
                "instructions": "be brief",
                "input": [{"role": "user", "content": "hi"}],
                "stream": true,
                "reasoning": {"effort": "high"},
                "max_output_tokens": 64,
                "temperature": 0.5,
            })
        );
    }

    #[test]
    fn headers_hold_the_key_only_when_there_is_one() {
        let mut endpoint = Endpoint::custom("http://r.example/v1".parse().unwrap());
        assert!(headers(&endpoint).unwrap().get(AUTHORIZATION).is_none());
        endpoint.api_key = Some("sk-1".to_owned().into());
        let with_key = headers(&endpoint).unwrap();
        assert_eq!(with_key[AUTHORIZATION], "Bearer sk-1");
        assert!(!format!("{with_key:?}").contains("sk-1"));
        endpoint
            .extra_headers
            .push(("authorization".to_owned(), "Basic x".to_owned().into()));
        assert_eq!(headers(&endpoint).unwrap()[AUTHORIZATION], "Basic x");
    }

    #[test]
    fn what_no_header_can_carry_is_named_and_not_shown() {
        let mut endpoint = Endpoint::custom("http://r.example/v1".parse().unwrap());
        endpoint.api_key = Some("sk-1\nX: y".to_owned().into());
        let error = headers(&endpoint).unwrap_err().to_string();
        assert!(
            error.contains("the API key") && !error.contains("sk-1"),
            "{error}"
        );
        endpoint.api_key = None;
        endpoint
            .extra_headers
            .push(("a b".to_owned(), "v".to_owned().into()));
        assert!(matches!(
            headers(&endpoint),
            Err(SetupError::HeaderName { .. })
        ));
    }
}
