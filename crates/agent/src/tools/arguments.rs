//! A call's arguments, read one by one. What is wrong is said in a sentence that the model can act on.

use serde_json::{Map, Value};

/// The arguments of a call; `null` is as good as absent.
#[derive(Clone, Copy)]
pub(super) struct Arguments<'a>(&'a Map<String, Value>);

impl<'a> Arguments<'a> {
    /// The arguments of a tool that has these. Another one would be a wish that nobody hears.
    pub(super) fn of(map: &'a Map<String, Value>, known: &[&str]) -> Result<Self, String> {
        match map.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(format!(
                "there is no argument `{name}`; there are: {}",
                known.join(", ")
            )),
            None => Ok(Self(map)),
        }
    }

    /// A text that has to be there.
    pub(super) fn text(self, name: &str) -> Result<&'a str, String> {
        self.optional_text(name)?
            .ok_or_else(|| format!("the argument `{name}` is missing"))
    }

    /// A text that may be there.
    pub(super) fn optional_text(self, name: &str) -> Result<Option<&'a str>, String> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(wrong(name, "a string", other)),
        }
    }

    /// A number from 1 that may be there.
    pub(super) fn count(self, name: &str) -> Result<Option<u64>, String> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        match value.as_u64() {
            Some(0) | None => Err(wrong(name, "a whole number from 1", value)),
            count => Ok(count),
        }
    }

    /// `true` or `false`; absent is `false`.
    pub(super) fn flag(self, name: &str) -> Result<bool, String> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(other) => Err(wrong(name, "true or false", other)),
        }
    }

    fn get(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }
}

fn wrong(name: &str, expected: &str, got: &Value) -> String {
    let got = match got {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "another number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    format!("the argument `{name}` is {expected}, not {got}")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_wrong_is_named() {
        let map = json!({"path": "a", "limit": 0, "offset": -1, "all": "yes", "none": null});
        let map = map.as_object().unwrap();
        let known = ["path", "limit", "offset", "all", "none"];
        let arguments = Arguments::of(map, &known).unwrap();
        assert_eq!(arguments.text("path"), Ok("a"));
        assert_eq!(
            arguments.text("none").unwrap_err(),
            "the argument `none` is missing"
        );
        assert_eq!(
            arguments.count("limit").unwrap_err(),
            "the argument `limit` is a whole number from 1, not another number"
        );
        assert!(arguments.count("offset").is_err());
        assert_eq!(arguments.count("none"), Ok(None));
        assert_eq!(
            arguments.flag("all").unwrap_err(),
            "the argument `all` is true or false, not a string"
        );
        assert_eq!(
            Arguments::of(map, &["path"]).err().unwrap(),
            "there is no argument `all`; there are: path"
        );
    }
}
