//! Splicing: replace, add or take out fields of one object, leaving every other byte as it came.

use std::ops::Range;

/// What is done to one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Edit {
    /// Replaces the value, or adds the field at the end. The text must be raw JSON.
    Set(&'static str, String),
    /// Takes every field of that name out.
    Remove(String),
    /// Takes all but the last field of each name out.
    Deduplicate,
}

impl Edit {
    /// The name of the field that is set.
    pub(crate) fn key(&self) -> Option<&'static str> {
        if let Self::Set(key, _) = self {
            Some(key)
        } else {
            None
        }
    }
}

/// Applies `edits` in order; text that is not an object comes back as it is.
pub(crate) fn edit(raw: &str, edits: &[Edit]) -> String {
    let mut text = raw.to_owned();
    for step in edits {
        let Some(fields) = fields(&text) else {
            return text;
        };
        match step {
            Edit::Set(key, value) => match fields.iter().rev().find(|field| field.key == *key) {
                // In one go: `replace_range` goes byte by byte.
                Some(field) => {
                    text = [&text[..field.value.start], value, &text[field.value.end..]].concat();
                }
                None => append(&mut text, key, value, fields.is_empty()),
            },
            Edit::Remove(key) => remove(&mut text, |all, at| all[at].key == *key),
            Edit::Deduplicate => {
                let mut last = std::collections::HashMap::new();
                for (at, field) in fields.iter().enumerate() {
                    last.insert(field.key.clone(), at);
                }
                remove(&mut text, |all, at| last.get(&all[at].key) != Some(&at));
            }
        }
    }
    text
}

struct Field {
    key: String,
    value: Range<usize>,
}

fn fields(text: &str) -> Option<Vec<Field>> {
    let base = text.as_ptr() as usize;
    let mut found = Vec::new();
    super::scan(text, |key, value| {
        let start = value.as_ptr() as usize - base;
        found.push(Field {
            key: key.into_owned(),
            value: start..start + value.len(),
        });
    })
    .ok()?;
    Some(found)
}

fn append(text: &mut String, key: &str, value: &str, empty: bool) {
    let Some(close) = text.rfind('}') else { return };
    let comma = if empty { "" } else { "," };
    text.insert_str(close, &format!("{comma}{}:{value}", super::quote(key)));
}

/// Takes out the fields for which `gone` says so, each with the comma that belongs to it.
fn remove(text: &mut String, gone: impl Fn(&[Field], usize) -> bool) {
    let Some(all) = fields(text) else { return };
    for at in (0..all.len()).rev() {
        if !gone(&all, at) {
            continue;
        }
        let end = all[at].value.end;
        if at > 0 {
            text.replace_range(all[at - 1].value.end..end, "");
            continue;
        }
        let Some(open) = text.find('{') else { return };
        let comma = text[end..]
            .find(',')
            .filter(|step| text[end..end + step].trim().is_empty());
        text.replace_range(open + 1..comma.map_or(end, |step| end + step + 1), "");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(key: &'static str, value: &str) -> Edit {
        Edit::Set(key, value.to_owned())
    }

    #[test]
    fn splices_and_leaves_the_rest_alone() {
        for (raw, edits, expected) in [
            (
                r#"{ "a" : 1 , "b": 2 }"#,
                vec![set("a", "9")],
                r#"{ "a" : 9 , "b": 2 }"#,
            ),
            (r#"{"a":1}"#, vec![set("b", "[]")], r#"{"a":1,"b":[]}"#),
            ("{}", vec![set("b", "[]")], r#"{"b":[]}"#),
            (
                r#"{"a":1,"b":2,"c":3}"#,
                vec![Edit::Remove("b".into())],
                r#"{"a":1,"c":3}"#,
            ),
            (
                r#"{"a":1,"b":2}"#,
                vec![Edit::Remove("a".into())],
                r#"{"b":2}"#,
            ),
            (r#"{"a":1}"#, vec![Edit::Remove("a".into())], "{}"),
            (
                r#"{"a":1,"b":2,"a":3}"#,
                vec![Edit::Deduplicate],
                r#"{"b":2,"a":3}"#,
            ),
            (
                r#"{"a":1,"a":2,"a":3}"#,
                vec![Edit::Deduplicate],
                r#"{"a":3}"#,
            ),
            (
                r#"{"a":{"a":1},"b":"}"}"#,
                vec![set("c", "0"), set("a", "1")],
                r#"{"a":1,"b":"}","c":0}"#,
            ),
            ("[1]", vec![set("c", "0")], "[1]"),
        ] {
            assert_eq!(edit(raw, &edits), expected, "{raw} {edits:?}");
        }
    }
}
