//! A JSON text whose values are changed here and there: what is not changed keeps its spelling, numbers too, and its place.

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer as _};
use serde_json::value::RawValue;

/// A field's name, borrowed where it is spelled without escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// The fields of an object in their order, those of one name too. The last of one name counts.
#[derive(Debug, Clone)]
pub(crate) struct Object<'a> {
    fields: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Object<'a> {
    /// Reads an object; `None` for anything else.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Vec<(Cow<'de, str>, Cow<'de, str>)>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some((Name(name), value)) = map.next_entry::<Name<'de>, &RawValue>()? {
                    fields.push((name, Cow::Borrowed(value.get())));
                }
                Ok(fields)
            }
        }

        let fields = serde_json::Deserializer::from_str(text)
            .deserialize_map(Fields)
            .ok()?;
        Some(Self { fields })
    }

    /// An object with nothing in it.
    pub(crate) fn new() -> Self {
        Self { fields: Vec::new() }
    }

    /// Names and raw values.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let fields = self.fields.iter();
        fields.map(|(name, value)| (name.as_ref(), value.as_ref()))
    }

    /// The raw JSON of a field.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter().rev();
        let found = fields.find(|(known, _)| known == name)?;
        Some(&found.1)
    }

    /// The same, with `null` taken as absent.
    pub(crate) fn present(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|raw| *raw != "null")
    }

    /// A field that is a string, decoded.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        text(self.get(name)?)
    }

    /// `true` where the field is this string.
    pub(crate) fn says(&self, name: &str, expected: &str) -> bool {
        self.text(name).is_some_and(|said| said == expected)
    }

    /// Gives a field this raw JSON; at the end where there was none.
    pub(crate) fn set(&mut self, name: &str, raw: impl Into<Cow<'a, str>>) {
        let raw = raw.into();
        match self.fields.iter().rposition(|(known, _)| known == name) {
            Some(at) => {
                self.fields[at].1 = raw;
                let mut n = 0;
                self.fields.retain(|(known, _)| {
                    n += 1;
                    known != name || n == at + 1
                });
            }
            None => self.fields.push((Cow::Owned(name.to_owned()), raw)),
        }
    }

    /// Takes a field out; `false` where there is none.
    pub(crate) fn remove(&mut self, name: &str) -> bool {
        self.retain(|known, _| known != name)
    }

    /// Keeps the fields for which `keep` says so; `true` where others went.
    pub(crate) fn retain(&mut self, keep: impl Fn(&str, &str) -> bool) -> bool {
        let before = self.fields.len();
        self.fields.retain(|(name, value)| keep(name, value));
        self.fields.len() < before
    }

    /// Gives a field another name, and another value, at its place.
    pub(crate) fn rename(&mut self, name: &str, to: &str, raw: impl Into<Cow<'a, str>>) {
        if let Some(at) = self.fields.iter().rposition(|(known, _)| known == name) {
            self.fields[at] = (Cow::Owned(to.to_owned()), raw.into());
            self.fields.retain(|(known, _)| known != name);
        } else {
            self.set(to, raw);
        }
    }
}

impl fmt::Display for Object<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("{")?;
        for (n, (name, value)) in self.fields.iter().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            write!(out, "{comma}{}:{value}", quote(name))?;
        }
        out.write_str("}")
    }
}

/// The raw elements of an array; `None` for anything else.
pub(crate) fn elements(array: &str) -> Option<Vec<&str>> {
    let elements: Vec<&RawValue> = serde_json::from_str(array).ok()?;
    Some(elements.into_iter().map(RawValue::get).collect())
}

/// An array of raw elements.
pub(crate) fn array<T: AsRef<str>>(elements: &[T]) -> String {
    let length: usize = elements.iter().map(|raw| raw.as_ref().len() + 1).sum();
    let mut out = String::with_capacity(length + 2);
    out.push('[');
    for (n, raw) in elements.iter().enumerate() {
        if n > 0 {
            out.push(',');
        }
        out.push_str(raw.as_ref());
    }
    out.push(']');
    out
}

/// A string, decoded; `None` for anything else, half of a surrogate pair included.
pub(crate) fn text(raw: &str) -> Option<String> {
    if !raw.starts_with('"') {
        return None;
    }
    serde_json::from_str(raw).ok()
}

/// A text as a JSON string.
pub(crate) fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_changed_keeps_its_spelling() {
        let text = r#"{ "a" : 1e0 , "é\n":[ 1.50 ], "b":"\u00e9" }"#;
        let mut object = Object::parse(text).unwrap();
        assert_eq!(
            object.to_string(),
            r#"{"a":1e0,"é\n":[ 1.50 ],"b":"\u00e9"}"#
        );
        object.set("b", "2");
        object.set("c", "{}");
        assert!(object.remove("a") && !object.remove("a"));
        object.rename("é\n", "e", "null");
        assert_eq!(object.to_string(), r#"{"e":null,"b":2,"c":{}}"#);
        assert_eq!((object.get("e"), object.present("e")), (Some("null"), None));
    }

    #[test]
    fn the_last_of_one_name_counts() {
        let mut object = Object::parse(r#"{"a":1,"b":0,"a":"2"}"#).unwrap();
        assert_eq!(object.text("a").as_deref(), Some("2"));
        object.set("a", "3");
        assert_eq!(object.to_string(), r#"{"b":0,"a":3}"#);
    }

    #[test]
    fn arrays_are_taken_apart_and_put_together() {
        assert_eq!(elements(" [1, {\"a\":[]}]"), Some(vec!["1", "{\"a\":[]}"]));
        assert_eq!(elements("{}"), None);
        assert_eq!(array(&["1", "{}"]), "[1,{}]");
        assert_eq!(array::<&str>(&[]), "[]");
    }
}
