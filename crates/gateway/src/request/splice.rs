//! A few places of a JSON text changed, and no other byte of it: numbers keep their spelling, fields their order.

use std::fmt;
use std::ops::Range;

use serde::Deserializer as _;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

/// One field of an object.
pub(super) struct Field<'a> {
    pub(super) name: String,
    /// Its value, a part of the text that was read.
    pub(super) value: &'a str,
}

impl Field<'_> {
    /// Its value, where that is a string.
    pub(super) fn text(&self) -> Option<String> {
        serde_json::from_str(self.value).ok()
    }
}

/// The fields of an object in their order, those of one name too.
pub(super) fn fields(object: &str) -> Option<Vec<Field<'_>>> {
    struct Fields;

    impl<'de> Visitor<'de> for Fields {
        type Value = Vec<Field<'de>>;

        fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            out.write_str("a JSON object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut fields = Vec::new();
            while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                let value = value.get();
                fields.push(Field { name, value });
            }
            Ok(fields)
        }
    }

    serde_json::Deserializer::from_str(object)
        .deserialize_map(Fields)
        .ok()
}

/// The elements of an array.
pub(super) fn elements(array: &str) -> Option<Vec<&str>> {
    let elements: Vec<&RawValue> = serde_json::from_str(array).ok()?;
    Some(elements.into_iter().map(RawValue::get).collect())
}

/// The changes to one text. No two of them may touch the same bytes.
pub(super) struct Splice<'a> {
    text: &'a str,
    changes: Vec<(Range<usize>, &'static str)>,
}

impl<'a> Splice<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self {
            text,
            changes: Vec::new(),
        }
    }

    /// Puts `value` in the place of a part of the text.
    pub(super) fn replace(&mut self, part: &str, value: &'static str) {
        self.changes.push((self.place(part), value));
    }

    /// Adds a field, written with its comma, at the end of an object that has others.
    pub(super) fn append(&mut self, object: &str, field: &'static str) {
        let end = self.place(object).end - 1;
        self.changes.push((end..end, field));
    }

    /// Takes the fields of an object or the elements of an array out for which `gone` says so, each with one comma.
    /// `values` are all of them, in their order.
    pub(super) fn remove(&mut self, within: &str, values: &[&str], gone: impl Fn(usize) -> bool) {
        let first = (0..values.len()).take_while(|at| gone(*at)).count();
        if first > 0 {
            let start = self.place(within).start + 1;
            let end = self.place(values[first - 1]).end;
            let rest = self.text[end..].trim_start();
            let comma = self.text.len() - rest.len();
            let end = if rest.starts_with(',') {
                comma + 1
            } else {
                end
            };
            self.changes.push((start..end, ""));
        }
        for at in (first..values.len()).filter(|at| gone(*at)) {
            let range = self.place(values[at - 1]).end..self.place(values[at]).end;
            self.changes.push((range, ""));
        }
    }

    /// The text with its changes; `None` when there are none.
    pub(super) fn done(mut self) -> Option<String> {
        if self.changes.is_empty() {
            return None;
        }
        self.changes.sort_by_key(|(range, _)| range.start);
        let mut out = String::with_capacity(self.text.len() + 16 * self.changes.len());
        let mut at = 0;
        for (range, value) in self.changes {
            out.push_str(&self.text[at..range.start]);
            out.push_str(value);
            at = range.end;
        }
        out.push_str(&self.text[at..]);
        Some(out)
    }

    /// Where a part of the text lies in it.
    fn place(&self, part: &str) -> Range<usize> {
        let start = part.as_ptr() as usize - self.text.as_ptr() as usize;
        start..start + part.len()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_removed_takes_one_comma_with_it() {
        for (text, gone, expected) in [
            (r#"{ "a" : 1e0 , "b":2 }"#, "a", r#"{ "b":2 }"#),
            (r#"{ "a" : 1e0 , "b":2 }"#, "b", r#"{ "a" : 1e0 }"#),
            (r#"{"a":1,"a":2,"b":3}"#, "a", r#"{"b":3}"#),
            (r#"{"b":3,"a":1, "a":2}"#, "a", r#"{"b":3}"#),
            (r#"{"a":1,"b":3,"a":2,"c":[]}"#, "a", r#"{"b":3,"c":[]}"#),
            (r#"{"a":{"a":1}}"#, "a", "{}"),
        ] {
            let fields = fields(text).unwrap();
            let values: Vec<&str> = fields.iter().map(|field| field.value).collect();
            let mut splice = Splice::of(text);
            splice.remove(text, &values, |at| fields[at].name == gone);
            assert_eq!(splice.done().unwrap(), expected, "{text}");
        }
        assert!(Splice::of("{}").done().is_none());
    }
}
