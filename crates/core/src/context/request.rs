//! What the request said: a response echoes much of it, and an upstream that leaves those fields out has them filled
//! from here (CONTRACT.md, made-up values).

use std::sync::Arc;

use crate::json::{self, Object};

/// The fields of a request that a response echoes under the same name.
const ECHOED: [&str; 22] = [
    "background",
    "frequency_penalty",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "parallel_tool_calls",
    "presence_penalty",
    "previous_response_id",
    "prompt_cache_key",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
];

/// What the request said, to fill required fields that the upstream left out.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct RequestFacts {
    /// The requested model; `respair_unknown` stands in where it is not known.
    pub model: Option<String>,
    /// What else a response echoes: its name and its raw JSON, as the request has it.
    echoed: Arc<[(&'static str, Box<str>)]>,
}

/// A request body that is not one JSON object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the request is not one JSON object: {reason}")]
#[non_exhaustive]
pub struct NotARequest {
    /// What is wrong with it, and where.
    pub reason: String,
}

impl RequestFacts {
    /// Reads the JSON body of a request. A field that is `null` says nothing, like one that is missing; fields that no
    /// response echoes (`input`, `stream`, …) are not kept.
    ///
    /// ```
    /// use respair_core::RequestFacts;
    ///
    /// let facts = RequestFacts::from_json(r#"{"model":"gpt-5.4","temperature":0.2,"input":"Hi"}"#)?;
    /// assert_eq!(facts.model.as_deref(), Some("gpt-5.4"));
    /// assert_eq!(facts.echoed("temperature"), Some("0.2"));
    /// assert_eq!(facts.echoed("input"), None);
    /// # Ok::<(), respair_core::NotARequest>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`NotARequest`] when the body is no UTF-8, no JSON, or no object.
    pub fn from_json(body: impl AsRef<[u8]>) -> Result<Self, NotARequest> {
        let body = body.as_ref();
        let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
        let no_request = |reason: String| NotARequest { reason };
        let body = std::str::from_utf8(body).map_err(|error| no_request(error.to_string()))?;
        json::scan(body, |_, _| {}).map_err(|error| no_request(error.to_string()))?;
        let object = Object::parse(body).unwrap_or_default();
        let echoed = ECHOED
            .into_iter()
            .filter_map(|name| Some((name, object.present(name)?.into())))
            .collect();
        Ok(Self {
            model: object.filled("model").map(std::borrow::Cow::into_owned),
            echoed,
        })
    }

    /// The raw JSON of a field that a response echoes, where the request has it.
    #[must_use]
    pub fn echoed(&self, name: &str) -> Option<&str> {
        let found = self.echoed.iter().find(|(known, _)| *known == name);
        found.map(|(_, raw)| raw.as_ref())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_raw_json_of_what_is_echoed_is_kept() {
        let body =
            r#"{"model":"m","tools":[ {"type":"function","name":"f"} ],"store":null,"input":"Hi"}"#;
        let facts = RequestFacts::from_json(body).unwrap();
        assert_eq!(facts.model.as_deref(), Some("m"));
        assert_eq!(
            facts.echoed("tools"),
            Some(r#"[ {"type":"function","name":"f"} ]"#)
        );
        assert_eq!(facts.echoed("store"), None);
        assert_eq!(facts.echoed("input"), None);
    }

    #[test]
    fn what_is_no_object_is_said() {
        for (body, said) in [
            (&b"[]"[..], "a JSON object"),
            (b"{\"model\":", "EOF"),
            (b"", "EOF"),
            (b"\xff", "utf-8"),
            (b"{} {}", "trailing"),
        ] {
            let error = RequestFacts::from_json(body).unwrap_err();
            assert!(error.reason.contains(said), "{error}");
        }
        assert!(RequestFacts::from_json("\u{feff}{}").is_ok());
    }
}
