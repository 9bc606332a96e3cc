//! Python's view of values: dictionary keys, lists, and the identity of an output item.

use serde_json::Value;

use super::Finding;
use crate::json::{shape, truthy};

/// The key that a missing field is.
pub(super) const NONE: &str = "None";

/// A Python dictionary key made of JSON: equal keys are equal strings.
pub(super) type Key = String;

fn key(value: &Value) -> Option<Key> {
    match value {
        Value::Bool(flag) => Some(u8::from(*flag).to_string()),
        Value::Null => Some(NONE.to_owned()),
        Value::Array(_) | Value::Object(_) => None,
        Value::Number(number) if number.as_f64().is_some_and(|float| float.fract() == 0.0) => {
            number.as_f64().map(|float| float.to_string())
        }
        other => Some(other.to_string()),
    }
}

/// `_output_identity`: type, id (not for calls that are routed by their `call_id`), `call_id`.
pub(super) type Identity = [Key; 3];

pub(super) fn identity(item: &Value) -> Result<Identity, Finding> {
    let Value::Object(_) = item else {
        return Err((
            "item-fields-missing",
            format!("an output item that is {}", shape(item)),
        ));
    };
    let id = if is_routed_call(item) {
        &Value::Null
    } else {
        &item["id"]
    };
    Ok([text(&item["type"]), text(id), text(&item["call_id"])])
}

/// A value as part of an identity; a list and an object may be compared, but not looked up.
fn text(value: &Value) -> Key {
    key(value).unwrap_or_else(|| format!("{UNHASHABLE}{value}"))
}

const UNHASHABLE: &str = "unhashable ";

/// The identity, where Python looks it up in a dictionary.
pub(super) fn hashed(identity: Identity) -> Result<Identity, Finding> {
    if identity.iter().any(|part| part.starts_with(UNHASHABLE)) {
        return Err((
            "item-fields-missing",
            "an item whose type, id or call_id is a list or an object".to_owned(),
        ));
    }
    Ok(identity)
}

fn is_routed_call(item: &Value) -> bool {
    matches!(
        item["type"].as_str(),
        Some("function_call" | "custom_tool_call" | "shell_call" | "shell_call_output")
    )
}

/// Python's `str` of a value (of the values inside a list or an object only roughly).
pub(super) fn spelt(value: &Value) -> String {
    match value {
        Value::Null => NONE.to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// `_compatible_output_id`.
pub(super) fn compatible(previous: &Value, replacement: &Value) -> bool {
    let may_lack_id = matches!(
        previous["type"].as_str(),
        Some("function_call" | "custom_tool_call")
    );
    previous["id"] == replacement["id"] || (previous["id"].is_null() && may_lack_id)
}

/// Whether a changed identity is the native service's own habit.
pub(super) fn is_tool_search(item: &Value) -> bool {
    item["type"] == "tool_search_call"
}

pub(super) fn index(event: &Value) -> Result<Key, Finding> {
    let value = &event["output_index"];
    key(value).ok_or_else(|| {
        (
            "output-index-missing",
            format!("unhashable: `output_index` is {}", shape(value)),
        )
    })
}

pub(super) fn is_response(event: &Value) -> Result<(), Finding> {
    match &event["response"] {
        Value::Object(_) => Ok(()),
        other => Err((
            "response-object-missing",
            format!("`response` is {}", shape(other)),
        )),
    }
}

/// What Python iterates over in `value or []`.
pub(super) fn entries(value: &Value) -> Result<&[Value], Finding> {
    match value {
        Value::Array(values) => Ok(values),
        other if !truthy(other) => Ok(&[]),
        other => Err((
            "response-fields-missing",
            format!("a list that is {}", shape(other)),
        )),
    }
}

/// Python cannot sort `None` among numbers.
pub(super) fn sortable<'a>(keys: impl Iterator<Item = &'a Key>) -> Result<(), Finding> {
    let mut kinds: Vec<char> = keys
        .map(|key| key.chars().next().unwrap_or_default())
        .collect();
    kinds
        .iter_mut()
        .filter(|first| first.is_ascii_digit() || **first == '-')
        .for_each(|first| *first = '0');
    kinds.dedup();
    match kinds.len() {
        0 | 1 => Ok(()),
        _ => Err((
            "output-index-missing",
            "'<' not supported between instances of 'NoneType' and 'int'".to_owned(),
        )),
    }
}

pub(super) fn same_identity(
    added: &Value,
    item: &Value,
    before: &Identity,
    after: &Identity,
) -> Result<(), Finding> {
    if before == after && compatible(added, item) {
        return Ok(());
    }
    let code = if before[0] != after[0] || before[2] != after[2] {
        "call-identity-changed"
    } else if item["id"].is_null() {
        "item-id-missing"
    } else {
        "item-id-changed"
    };
    Err((code, "Completed output item identity changed.".to_owned()))
}

/// `text += delta`. Gives the delta where it is text; `code` is for a text that is none.
pub(super) fn append<'a>(
    text: &mut Value,
    delta: &'a Value,
    code: &'static str,
) -> Result<&'a str, Finding> {
    match (text, delta) {
        (Value::String(text), Value::String(delta)) => {
            text.push_str(delta);
            Ok(delta)
        }
        // Python adds these too.
        (Value::Number(_) | Value::Bool(_), Value::Number(_) | Value::Bool(_)) => Ok(""),
        (Value::Array(_), Value::Array(_) | Value::String(_) | Value::Object(_)) => Ok(""),
        (Value::String(_), other) => {
            Err(("delta-not-string", format!("`delta` is {}", shape(other))))
        }
        (other, _) => Err((code, format!("a text that is {}", shape(other)))),
    }
}
