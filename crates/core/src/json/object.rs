//! A JSON object as spans: its keys and the raw text of their values, in the order of the text.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// One object, read one level deep. Values are raw text and borrow from the input.
#[derive(Debug, Clone, Default)]
pub(crate) struct Object<'a> {
    entries: Vec<(Cow<'a, str>, &'a str)>,
}

impl<'a> Object<'a> {
    /// Reads `raw`; `None` when it is not a JSON object.
    pub(crate) fn parse(raw: &'a str) -> Option<Self> {
        let mut entries = Vec::new();
        let simple = super::scan_simple(raw.as_bytes(), |key, start, end| {
            // Keys and values end at ASCII bytes, so they are text where the whole is.
            let key = std::str::from_utf8(key).unwrap_or_default();
            entries.push((Cow::Borrowed(key), raw.get(start..end).unwrap_or_default()));
        });
        if simple.is_none() {
            entries.clear();
            scan(raw, |key, value| entries.push((key, value))).ok()?;
        }
        Some(Self { entries })
    }

    /// The raw value of `key`. Where a key stands twice the last one counts, as in most JSON readers.
    pub(crate) fn get(&self, key: &str) -> Option<&'a str> {
        self.entries
            .iter()
            .rev()
            .find(|(name, _)| name == key)
            .map(|(_, value)| *value)
    }

    /// Like [`Object::get`], with `null` taken as absent.
    pub(crate) fn present(&self, key: &str) -> Option<&'a str> {
        self.get(key).filter(|raw| *raw != "null")
    }

    /// The decoded string at `key`; `None` when it is absent or no string.
    pub(crate) fn string(&self, key: &str) -> Option<Cow<'a, str>> {
        self.get(key).and_then(super::unescape)
    }

    /// The decoded string at `key`, unless it is empty.
    pub(crate) fn filled(&self, key: &str) -> Option<Cow<'a, str>> {
        self.string(key).filter(|text| !text.is_empty())
    }

    /// The entries in the order of the text.
    #[cfg(test)]
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &'a str)> {
        self.entries
            .iter()
            .map(|(key, value)| (key.as_ref(), *value))
    }

    /// Every key is one of these.
    pub(crate) fn has_only(&self, keys: &[&str]) -> bool {
        self.entries
            .iter()
            .all(|(key, _)| keys.contains(&key.as_ref()))
    }

    /// The entries in the order of their keys, each key once.
    pub(super) fn by_key(&self) -> BTreeMap<&str, &'a str> {
        let entries = self.entries.iter();
        entries.map(|(key, value)| (key.as_ref(), *value)).collect()
    }

    /// `true` when a key stands more than once.
    pub(crate) fn has_duplicates(&self) -> bool {
        /// Up to so many keys are compared with each other; more go through a set.
        const FEW: usize = 16;
        if self.entries.len() > FEW {
            let mut seen = HashSet::with_capacity(self.entries.len());
            return !self.entries.iter().all(|(key, _)| seen.insert(key));
        }
        self.entries
            .iter()
            .enumerate()
            .any(|(at, (key, _))| self.entries[..at].iter().any(|(other, _)| other == key))
    }
}

/// Calls `each` with every key of the object `raw` and the raw text of its value. An error means that the text is
/// not one whole JSON object; what was reported before the error is to be thrown away.
pub(crate) fn scan<'a>(
    raw: &'a str,
    each: impl FnMut(Cow<'a, str>, &'a str),
) -> Result<(), serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(raw);
    reader.deserialize_map(Scan(each))?;
    reader.end()
}

struct Scan<F>(F);

impl<'de, F: FnMut(Cow<'de, str>, &'de str)> Visitor<'de> for Scan<F> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(Key(key)) = map.next_key()? {
            let value: &'de RawValue = map.next_value()?;
            (self.0)(key, value.get());
        }
        Ok(())
    }
}

/// A key that borrows where it can. A key that serde_json refuses (a lone surrogate) fails the whole object.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a key")
            }
            fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(key)))
            }
            fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }
        reader.deserialize_str(KeyVisitor)
    }
}

/// `true` when `raw` is one whole JSON value of any kind.
pub(super) fn is_value(raw: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(raw).is_ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn reads_spans_in_order() {
        let object = Object::parse(r#"{ "a" : 1, "b\n": {"c":[2]}, "a": "x\u0041" }"#).unwrap();
        assert_eq!(
            object.entries().collect::<Vec<_>>(),
            [("a", "1"), ("b\n", r#"{"c":[2]}"#), ("a", r#""x\u0041""#)]
        );
        assert_eq!(object.string("a").unwrap(), "xA");
        assert!(object.has_duplicates());
    }

    #[test]
    fn refuses_what_is_no_object() {
        for raw in ["", "null", "[]", "{", r#"{"a":1} x"#, r#"{"a"}"#] {
            assert!(Object::parse(raw).is_none(), "{raw}");
        }
    }

    #[test]
    fn a_lone_surrogate_in_a_value_is_kept() {
        let object = Object::parse(r#"{"delta":"a\ud83d"}"#).unwrap();
        assert_eq!(object.get("delta"), Some(r#""a\ud83d""#));
        assert_eq!(object.string("delta").unwrap(), "a\u{fffd}");
    }
}
