//! A call that the model asks for, and whether it is one that can be run. Nothing about it is guessed.

use std::fmt;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};

use crate::ToolOutput;

/// A call that the model asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) call_id: String,
    pub(crate) name: String,
    /// The arguments as they came, or a custom call's input.
    pub(crate) arguments: String,
    pub(crate) custom: bool,
    /// The upstream closed it, and says that it is not whole.
    pub(crate) cut: bool,
}

impl Call {
    /// The call that an item is; `None` for any other item.
    pub(crate) fn of(item: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Item<'a> {
            r#type: String,
            call_id: Option<String>,
            name: Option<String>,
            status: Option<String>,
            #[serde(borrow)]
            arguments: Option<&'a RawValue>,
            #[serde(borrow)]
            input: Option<&'a RawValue>,
        }
        let item: Item<'_> = serde_json::from_str(item).ok()?;
        let (custom, given) = match item.r#type.as_str() {
            "function_call" => (false, item.arguments),
            "custom_tool_call" => (true, item.input),
            _ => return None,
        };
        let arguments = text(given);
        let cut = match item.status.as_deref().unwrap_or_default() {
            "incomplete" | "failed" | "cancelled" => true,
            // Some close every item so. Arguments that are there are judged as they are; none may be none yet.
            "in_progress" | "queued" => arguments.trim().is_empty(),
            _ => false,
        };
        // Without an id the output could not be joined to it.
        let call_id = item.call_id.filter(|id| !id.is_empty())?;
        Some(Self {
            call_id,
            name: item.name.unwrap_or_default(),
            arguments,
            custom,
            cut,
        })
    }

    /// Its arguments: empty ones are an empty object (DEVIATIONS 9.5).
    ///
    /// # Errors
    /// Why it cannot be run, for the model.
    pub(crate) fn arguments(&self) -> Result<Map<String, Value>, String> {
        if self.cut {
            return Err("not run: the response ended before this call was whole".to_owned());
        }
        if self.arguments.trim().is_empty() {
            return Ok(Map::new());
        }
        match serde_json::from_str(&self.arguments) {
            Ok(Unambiguous(Value::Object(arguments))) => Ok(arguments),
            Ok(_) => Err("the arguments are no JSON object".to_owned()),
            Err(error) if error.is_data() => Err(format!("the arguments are ambiguous: {error}")),
            Err(error) => Err(format!("the arguments are no JSON: {error}")),
        }
    }

    /// Its output as the item that goes back.
    pub(crate) fn output(&self, output: &ToolOutput) -> Box<RawValue> {
        let kind = match self.custom {
            true => "custom_tool_call_output",
            false => "function_call_output",
        };
        let item = json!({"type": kind, "call_id": self.call_id, "output": output.content});
        to_raw_value(&item).unwrap_or_default()
    }
}

/// The calls among items, each once: an item that says the same under the same id is the same call.
pub(crate) fn calls(items: &[Box<RawValue>]) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    for call in items.iter().filter_map(|item| Call::of(item.get())) {
        if !calls.contains(&call) {
            calls.push(call);
        }
    }
    calls
}

/// A string's text; of anything else its JSON: arguments that came as an object are that object.
fn text(given: Option<&RawValue>) -> String {
    let raw = given.map_or("", RawValue::get);
    serde_json::from_str::<String>(raw).unwrap_or_else(|_| raw.to_owned())
}

/// A JSON value in which no object has two members of one name. Which of them is meant could only be guessed.
struct Unambiguous(Value);

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Seed.deserialize(deserializer).map(Self)
    }
}

struct Seed;

impl<'de> DeserializeSeed<'de> for Seed {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(Seed)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(Seed)?;
            if object.contains_key(&name) {
                return Err(A::Error::custom(format_args!("`{name}` is there twice")));
            }
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn call(arguments: &Value, status: &str) -> Call {
        let item = json!({"type": "function_call", "call_id": "c", "name": "f", "arguments": arguments, "status": status});
        Call::of(&item.to_string()).unwrap()
    }

    #[test]
    fn what_can_be_run() {
        let whole = json!("{\"a\":1}");
        for (arguments, status, expected) in [
            (&whole, "completed", Ok(json!({"a": 1}))),
            (&whole, "", Ok(json!({"a": 1}))),
            (&whole, "in_progress", Ok(json!({"a": 1}))),
            (&json!({"a": 1}), "completed", Ok(json!({"a": 1}))),
            (&json!(""), "completed", Ok(json!({}))),
            (&json!(" \n"), "completed", Ok(json!({}))),
            (&json!(null), "completed", Ok(json!({}))),
            (&json!(""), "in_progress", Err("not run: ")),
            (&whole, "incomplete", Err("not run: ")),
            (&whole, "failed", Err("not run: ")),
            (&json!("null"), "completed", Err("are no JSON object")),
            (&json!("[1]"), "completed", Err("are no JSON object")),
            (&json!([1]), "completed", Err("are no JSON object")),
            (&json!("{\"a\":"), "completed", Err("are no JSON: ")),
            (&json!("{} x"), "completed", Err("are no JSON: ")),
            (&json!("{}{}"), "completed", Err("are no JSON: ")),
            (&json!("\u{feff}{}"), "completed", Err("are no JSON: ")),
            (
                &json!("{\"a\":1,\"a\":2}"),
                "completed",
                Err("`a` is there twice"),
            ),
            (
                &json!("{\"b\":[{\"a\":1,\"\\u0061\":2}]}"),
                "completed",
                Err("`a` is there twice"),
            ),
        ] {
            let given = call(arguments, status).arguments();
            match (given, expected) {
                (Ok(given), Ok(expected)) => assert_eq!(Value::Object(given), expected),
                (Err(given), Err(expected)) => assert!(given.contains(expected), "{given}"),
                (given, _) => panic!("{arguments} {status}: {given:?}"),
            }
        }
    }

    #[test]
    fn numbers_are_what_they_are() {
        let text = "{\"a\":[18446744073709551615,-1,1.5,true,null,\"x\"]}";
        let given = call(&json!(text), "completed").arguments().unwrap();
        assert_eq!(Value::Object(given).to_string(), text);
    }

    #[test]
    fn each_call_is_there_once() {
        let item = |id: &str, arguments: &str| {
            let item = json!({"type": "function_call", "id": "x", "call_id": id, "name": "f", "arguments": arguments});
            to_raw_value(&item).unwrap()
        };
        let items = [
            item("c", "{}"),
            item("c", "{}"),
            item("c", "[]"),
            item("d", "{}"),
        ];
        let ids: Vec<String> = calls(&items).into_iter().map(|call| call.call_id).collect();
        assert_eq!(ids, ["c", "c", "d"]);
    }
}
