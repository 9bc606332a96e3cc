//! What each probe asks: plain requests, as short as they can be and still show what they are to show.

use serde_json::{Map, Value, json};

use super::Probe;

/// Endpoints of the Codex kind refuse a request without instructions.
const INSTRUCTIONS: &str = "You are a helpful assistant.";

/// The function that is called.
pub(super) const TOOL: &str = "get_weather";

/// `max_output_tokens` of the probe that runs into it: the least that the native service takes.
pub(super) const LIMIT: u64 = 16;

/// How far the text counts that has to run into the limit.
pub(super) const COUNTED: u64 = 300;

/// How far the text counts that shows whether the stream is live: a second or more of most models' time.
const COUNTED_LIVE: u64 = 60;

/// A model that no endpoint has.
pub(super) const NO_MODEL: &str = "respair-no-such-model";

/// A key that no endpoint knows.
pub(super) const NO_KEY: &str = "sk-respair-no-such-key";

/// What stands for a field of the user's own where a request is shown.
const CONFIGURED: &str = "[extra_body]";

impl Probe {
    /// The body of its request; `None` for a GET. What the user configured (`extra`) is sent along, but what a probe is
    /// about it says itself. A `null` leaves a field out.
    pub(super) fn body(
        self,
        model: &str,
        extra: &Map<String, Value>,
    ) -> Option<Map<String, Value>> {
        let own = self.own()?;
        let mut body = Map::new();
        body.insert("model".to_owned(), json!(model));
        body.insert("instructions".to_owned(), json!(INSTRUCTIONS));
        body.insert("store".to_owned(), json!(false));
        // A stranger's request carries nothing of the user's.
        let extra = Some(extra).filter(|_| self != Self::WrongKey);
        body.extend(
            extra
                .into_iter()
                .flatten()
                .map(|(k, v)| (k.clone(), v.clone())),
        );
        body.extend(own);
        body.retain(|_, value| !value.is_null());
        Some(body)
    }

    /// The same as it may be shown: what the user configured stands there by name only.
    pub(super) fn shown_body(self, model: &str, extra: &Map<String, Value>) -> Option<Value> {
        let masked = extra
            .iter()
            .map(|(name, value)| {
                let shown = if value.is_null() {
                    Value::Null
                } else {
                    json!(CONFIGURED)
                };
                (name.clone(), shown)
            })
            .collect();
        self.body(model, &masked).map(Value::Object)
    }

    /// The fields that the probe is about.
    fn own(self) -> Option<Map<String, Value>> {
        let count = |to: u64| {
            input(&format!(
                "Write the whole numbers from 1 to {to} in digits, separated by commas, and nothing else."
            ))
        };
        let own = match self {
            Self::Text => json!({ "input": count(COUNTED_LIVE), "stream": true }),
            Self::ToolCall => json!({
                "input": input("What is the weather in Paris?"),
                "stream": true,
                "tools": [tool()],
                "tool_choice": { "type": "function", "name": TOOL },
            }),
            Self::OutputLimit => json!({
                "input": count(COUNTED),
                "stream": true,
                "max_output_tokens": LIMIT,
            }),
            Self::NotStreamed => json!({ "input": input("Say hello."), "stream": false }),
            Self::ParallelCalls => json!({
                "input": input("What is the weather in Paris, and what in Oslo? Call get_weather once for each of the two cities, both calls at once."),
                "stream": true,
                "tools": [tool()],
                "tool_choice": "auto",
                "parallel_tool_calls": true,
            }),
            Self::Reasoning => json!({
                "input": input("What is 17 times 23? Answer with the number only."),
                "stream": true,
                "reasoning": { "effort": "low", "summary": "auto" },
            }),
            Self::WrongModel => {
                json!({ "model": NO_MODEL, "input": input("Say hello."), "stream": true })
            }
            Self::WrongKey => json!({ "input": input("Say hello."), "stream": true }),
            Self::Models => return None,
        };
        match own {
            Value::Object(own) => Some(own),
            _ => None,
        }
    }
}

/// A list of items: the form that every endpoint takes; some refuse a bare string.
fn input(text: &str) -> Value {
    json!([{ "type": "message", "role": "user", "content": [{ "type": "input_text", "text": text }] }])
}

fn tool() -> Value {
    json!({
        "type": "function",
        "name": TOOL,
        "description": "The weather in one city.",
        "parameters": {
            "type": "object",
            "properties": { "city": { "type": "string" } },
            "required": ["city"],
            "additionalProperties": false,
        },
        "strict": true,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn extra() -> Map<String, Value> {
        let extra = json!({ "store": null, "stream": false, "max_output_tokens": null, "user": "u-secret" });
        extra.as_object().unwrap().clone()
    }

    #[test]
    fn a_probe_says_what_it_is_about_whatever_is_configured() {
        let body = Probe::OutputLimit.body("m", &extra()).unwrap();
        assert_eq!(body["stream"], true);
        assert_eq!(body["max_output_tokens"], LIMIT);
        assert_eq!(body["user"], "u-secret");
        assert!(!body.contains_key("store"));
        assert_eq!(
            Probe::NotStreamed.body("m", &Map::new()).unwrap()["stream"],
            false
        );
        assert_eq!(
            Probe::WrongModel.body("m", &Map::new()).unwrap()["model"],
            NO_MODEL
        );
        assert!(Probe::Models.body("m", &extra()).is_none());
    }

    #[test]
    fn a_stranger_brings_nothing_of_the_users() {
        let body = Probe::WrongKey.body("m", &extra()).unwrap();
        assert!(!body.contains_key("user"), "{body:?}");
        assert_eq!(body["store"], false);
    }

    #[test]
    fn what_is_configured_is_not_shown() {
        let shown = Probe::Text.shown_body("m", &extra()).unwrap();
        assert_eq!(shown["user"], CONFIGURED);
        assert!(shown.get("store").is_none());
        assert!(!shown.to_string().contains("u-secret"));
    }
}
