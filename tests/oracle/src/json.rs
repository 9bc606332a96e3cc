//! Reading an event's JSON, with what `serde_json::Value` hides: duplicate keys and lone surrogates.

use std::collections::HashSet;

use serde_json::Value;

/// An event's JSON.
pub(crate) struct Json {
    /// The value, a duplicate key's last one, a lone surrogate replaced.
    pub(crate) value: Value,
    /// Whether an object has the same key twice.
    pub(crate) duplicate_key: bool,
    /// Whether a string holds half of a surrogate pair.
    pub(crate) lone_surrogate: bool,
}

/// Reads JSON as Python's `json.loads` does where the two differ: a lone surrogate is no error.
pub(crate) fn read(text: &str) -> Option<Json> {
    let whole = mend_surrogates(text);
    let lone_surrogate = whole.is_some();
    let text = whole.as_deref().unwrap_or(text);
    let value = serde_json::from_str(text).ok()?;
    Some(Json {
        value,
        duplicate_key: has_duplicate_key(text),
        lone_surrogate,
    })
}

/// The text with every half surrogate escape replaced; `None` when there is none.
fn mend_surrogates(text: &str) -> Option<String> {
    let mut mended = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = text[at..].find('\\') {
        at += found;
        match code_unit(text, at) {
            Some(0xD800..=0xDBFF) if matches!(code_unit(text, at + 6), Some(0xDC00..=0xDFFF)) => {
                at += 12
            }
            Some(0xD800..=0xDFFF) => {
                mended.push_str(&text[copied..at]);
                mended.push_str("\\ufffd");
                at += 6;
                copied = at;
            }
            Some(_) => at += 6,
            // Any other escape: the backslash and the character behind it.
            None => at += 1 + text[at + 1..].chars().next().map_or(0, char::len_utf8),
        }
    }
    (copied > 0).then(|| mended + &text[copied..])
}

/// The code unit of the `\uXXXX` at this place.
fn code_unit(text: &str, at: usize) -> Option<u32> {
    let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
    u32::from_str_radix(digits, 16).ok()
}

/// Whether an object of this (valid) JSON has a key twice, spelt the same.
fn has_duplicate_key(text: &str) -> bool {
    let bytes = text.as_bytes();
    // One entry for each open bracket: the keys of an object, or nothing for an array.
    let mut open: Vec<Option<HashSet<&str>>> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'{' => open.push(Some(HashSet::new())),
            b'[' => open.push(None),
            b'}' | b']' => drop(open.pop()),
            b'"' => {
                let start = at + 1;
                at = start;
                while at < bytes.len() && bytes[at] != b'"' {
                    at += 1 + usize::from(bytes[at] == b'\\');
                }
                let is_key = text[(at + 1).min(text.len())..]
                    .trim_start()
                    .starts_with(':');
                if let (true, Some(Some(keys))) = (is_key, open.last_mut())
                    && !keys.insert(&text[start..at])
                {
                    return true;
                }
            }
            _ => {}
        }
        at += 1;
    }
    false
}

/// A value's shape in a word, for messages.
pub(crate) fn shape(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Python's truth of a value.
pub(crate) fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(values) => !values.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicate_keys() {
        for (text, expected) in [
            (r#"{"a":1,"b":{"a":1},"c":[{"a":1},{"a":2}]}"#, false),
            (r#"{"a":"\"a\":","b":"a"}"#, false),
            (r#"{"a":1,"b":{"a":1, "a" :2}}"#, true),
        ] {
            assert_eq!(has_duplicate_key(text), expected, "{text}");
        }
    }

    #[test]
    fn lone_surrogates() {
        for (text, expected) in [
            (r#""\ud83d\ude00""#, false),
            (r#""\\ud83d""#, false),
            (r#""\ud83d!""#, true),
            (r#""\ude00\ud83d""#, true),
        ] {
            assert_eq!(
                read(text).map(|json| json.lone_surrogate),
                Some(expected),
                "{text}"
            );
        }
        assert!(read("{").is_none());
    }
}
