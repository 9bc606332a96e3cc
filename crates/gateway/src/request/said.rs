//! What an upstream says when it refuses a request: its words, and the places of the request that it names.

use std::collections::HashSet;

use respair_core::ResponseError;
use serde_json::{Value, json};

/// How far into a refusal is looked for its words: OpenRouter nests another provider's three deep.
const DEEPEST: usize = 8;

/// How many bytes of its words are read, how many words, and how many places: a refusal is a sentence or two.
const WORDS: usize = 16 << 10;
const PARTS: usize = 64;

/// What stands before the values that would have been taken.
const INSTEAD: [&str; 11] = [
    "supported values",
    "supported types",
    "supported tool types",
    "supported roles",
    "expected one of",
    "expected tags",
    "allowed values",
    "valid values",
    "must be one of",
    "should be",
    "expected",
];

/// A place in the request: a field of it, a place in that, and a field there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// `input`, `tools`, ….
    pub(super) field: String,
    /// Which element of it.
    pub(super) at: Option<usize>,
    /// What stands below it: `content`, `effort`, ….
    pub(super) below: Option<String>,
}

/// The words of a refusal, in lower case, and its places.
#[derive(Debug, Default)]
pub(super) struct Said {
    words: Vec<String>,
    pub(super) places: Vec<Place>,
}

impl Said {
    /// Reads the body of a refusal; `None` when it is no JSON.
    pub(super) fn of(refusal: &[u8]) -> Option<Self> {
        let refusal: Value = serde_json::from_slice(refusal).ok()?;
        let mut said = Self::default();
        said.gather(&refusal, DEEPEST);
        let found: Vec<Place> = said.words.iter().flat_map(|words| spelled(words)).collect();
        for place in found {
            if said.places.len() < PARTS && !said.places.contains(&place) {
                said.places.push(place);
            }
        }
        Some(said)
    }

    /// The strings of a refusal, without what it echoes of the request (FastAPI's `input`).
    fn gather(&mut self, value: &Value, deeper: usize) {
        let Some(deeper) = deeper.checked_sub(1) else {
            return;
        };
        match value {
            // A refusal within a refusal, as text.
            Value::String(text) => match serde_json::from_str(text) {
                Ok(inner @ (Value::Object(_) | Value::Array(_))) => self.gather(&inner, deeper),
                _ => self.hear(text),
            },
            Value::Array(values) => values.iter().for_each(|value| self.gather(value, deeper)),
            Value::Object(fields) => {
                for (name, value) in fields {
                    match (name.as_str(), value) {
                        ("input", _) => {}
                        ("loc", Value::Array(path)) if self.places.len() < PARTS => {
                            self.places.extend(located(path));
                        }
                        _ => self.gather(value, deeper),
                    }
                }
            }
            _ => {}
        }
    }

    fn hear(&mut self, text: &str) {
        let room = WORDS.saturating_sub(self.words.iter().map(String::len).sum());
        let mut end = room.min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        if end > 0 && self.words.len() < PARTS {
            self.words.push(text[..end].to_ascii_lowercase());
        }
    }

    /// All it says.
    pub(super) fn text(&self) -> String {
        self.words.join("\n")
    }

    /// One of its strings is so.
    pub(super) fn any(&self, says: impl Fn(&str) -> bool) -> bool {
        self.words.iter().any(|words| says(words))
    }

    /// One of its strings holds one of these.
    pub(super) fn tells(&self, phrases: &[&str]) -> bool {
        self.any(|words| phrases.iter().any(|phrase| words.contains(phrase)))
    }

    /// It names this, where it says what is wrong.
    pub(super) fn names(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        self.any(|words| tokens(blamed(words)).any(|token| token == name))
    }

    /// It names one of these, wherever it says it.
    pub(super) fn names_any(&self, names: &HashSet<String>) -> bool {
        self.words
            .iter()
            .flat_map(|words| tokens(words))
            .any(|token| names.contains(token))
    }

    /// Everything it says would have been taken.
    pub(super) fn instead(&self) -> Vec<&str> {
        let behind = self
            .words
            .iter()
            .filter_map(|words| words.get(blamed(words).len()..));
        behind.flat_map(tokens).collect()
    }

    /// It speaks of this field of the request, or of something in it.
    pub(super) fn is_at(&self, field: &str) -> bool {
        self.places.iter().any(|place| place.field == field)
    }
}

/// An error within a stream, as the body of a refusal that would have said the same.
pub(super) fn refusal_of(error: &ResponseError) -> Vec<u8> {
    let error = json!({"error": {
        "message": error.message, "type": error.kind, "param": error.param, "code": error.code,
    }});
    error.to_string().into_bytes()
}

/// The part of a sentence before what it would have taken instead.
fn blamed(words: &str) -> &str {
    let end = INSTEAD.iter().filter_map(|phrase| words.find(phrase)).min();
    words.get(..end.unwrap_or(words.len())).unwrap_or(words)
}

/// The words that can be names: a name may hold what other names do not.
fn tokens(words: &str) -> impl Iterator<Item = &str> {
    words
        .split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-'))
        .filter(|token| !token.is_empty())
}

/// FastAPI's place of a fault: `["body", "input", 3, "content"]`.
fn located(path: &[Value]) -> Option<Place> {
    let path = match path.first()?.as_str() {
        Some("body") => path.get(1..)?,
        _ => path,
    };
    let field = path.first()?.as_str()?.to_ascii_lowercase();
    let rest = path.get(1..)?;
    let at = rest.iter().find_map(Value::as_u64);
    // Pydantic puts the names of union members in between; the last is the field.
    let below = rest.iter().rev().find_map(Value::as_str);
    Some(Place {
        field,
        at: at.and_then(|at| usize::try_from(at).ok()),
        below: below.map(str::to_ascii_lowercase),
    })
}

/// The places that a sentence spells: `input[3].content`, `tools[0]`, `reasoning.effort`, `messages.3`.
fn spelled(words: &str) -> Vec<Place> {
    let path = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '[' | ']' | '.' | '-');
    let paths = words.split(|c: char| !path(c));
    let places = paths.filter_map(|path| {
        let mut parts = path
            .split(['.', '[', ']'])
            .filter(|part| !part.is_empty())
            .peekable();
        let field = parts.next()?.to_owned();
        if !path.contains(['[', '.']) || !field.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        let at = parts.peek().and_then(|part| part.parse().ok());
        if at.is_some() {
            parts.next();
        }
        let below = parts.next().map(str::to_owned);
        (at.is_some() || below.is_some()).then_some(Place { field, at, below })
    });
    places.collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn said(refusal: &str) -> Said {
        Said::of(refusal.as_bytes()).unwrap()
    }

    fn place(field: &str, at: Option<usize>, below: Option<&str>) -> Place {
        Place {
            field: field.to_owned(),
            at,
            below: below.map(str::to_owned),
        }
    }

    #[test]
    fn places_are_found_however_they_are_spelled() {
        for (refusal, expected) in [
            (
                r#"{"error":{"message":"Invalid 'input[39].content': array too long.","param":"input[39].content"}}"#,
                place("input", Some(39), Some("content")),
            ),
            (
                r#"{"detail":[{"loc":["body","tools",2,"function-tool","type"],"msg":"Input should be 'function'","input":"custom"}]}"#,
                place("tools", Some(2), Some("type")),
            ),
            (
                r#"{"error":{"message":"x","param":"reasoning.effort"}}"#,
                place("reasoning", None, Some("effort")),
            ),
            (
                r#"{"error":{"message":"tools[4]: unknown variant `namespace`"}}"#,
                place("tools", Some(4), None),
            ),
        ] {
            let places = said(refusal).places;
            assert!(places.contains(&expected), "{refusal} {places:?}");
        }
        assert!(said(r#"{"error":"It broke. Try v1.2 again"}"#).places.len() <= 1);
    }

    #[test]
    fn what_would_have_been_taken_is_not_what_is_blamed() {
        let said = said(
            r#"{"error":{"message":"Invalid value: 'custom'. Supported values are: 'function', 'web_search'."}}"#,
        );
        assert!(said.names("custom") && !said.names("web_search"));
        assert!(said.instead().contains(&"function") && said.instead().contains(&"web_search"));
    }

    #[test]
    fn a_refusal_without_end_is_read_in_bounds() {
        let long: String = (0..200_000).map(|n| format!("a{n}.b[{n}] ")).collect();
        let many: Vec<Value> = (0..10_000)
            .map(|n| json!({"loc": ["body", n.to_string()], "msg": "x".repeat(100)}))
            .collect();
        for refusal in [json!({"error": long}), json!({"detail": many})] {
            let said = Said::of(refusal.to_string().as_bytes()).unwrap();
            assert!(said.places.len() <= PARTS && said.words.len() <= PARTS);
            assert!(said.words.iter().map(String::len).sum::<usize>() <= WORDS);
        }
    }

    #[test]
    fn what_is_echoed_of_the_request_is_not_read() {
        let said = said(r#"{"detail":[{"msg":"Bad","input":"custom tools[3]"}]}"#);
        assert!(!said.names("custom") && said.places.is_empty());
    }
}
