//! Shapes of JSON, and making a value fit one: the least that has to change, and what that was.

use crate::json::{self, Edit, Object, edit, quote};

/// What a value has to be.
pub(super) enum Shape {
    Any,
    Null,
    Text,
    Integer,
    Number,
    Bool,
    /// One of these strings.
    Word(&'static [&'static str]),
    OrNull(&'static Shape),
    Either(&'static Shape, &'static Shape),
    List(&'static Shape),
    Fields(&'static [Property]),
    /// Objects told apart by their `type`. One that the specification does not define is a vendor's: its type has the
    /// vendor's prefix, and it has these fields.
    OneOf(
        &'static [(&'static str, &'static [Property])],
        &'static [Property],
    ),
}

/// A field of an object.
pub(super) struct Property {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) need: Need,
}

/// What becomes of a field that is missing or does not fit.
#[derive(Clone, Copy)]
pub(super) enum Need {
    /// It may be missing; where it does not fit it is taken out.
    Optional,
    /// It gets this value, raw JSON.
    Default(&'static str),
    /// An item's status: what the event makes of it; one that is none of the protocol's becomes `incomplete`.
    Status,
    /// It has to be there, and another rule sees to it.
    Own,
    /// Nothing can stand in for it: without it the object does not fit.
    Must,
}

/// How a value goes with a shape.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fit {
    Same,
    Becomes(String),
    Unfit,
}

/// Names without a vendor's prefix are OpenAI's: the specification's own example makes `openai:web_search_call` of
/// OpenAI's `web_search_call`.
pub(crate) const VENDOR: &str = "openai:";

/// A name with a vendor's prefix.
pub(crate) fn has_prefix(name: &str) -> bool {
    name.split_once(':').is_some_and(|(slug, rest)| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        !slug.is_empty() && !rest.is_empty() && slug.bytes().all(plain)
    })
}

/// Makes values fit, and notes where they did not.
#[derive(Default)]
pub(super) struct Fitter {
    /// What an item's missing status becomes.
    pub(super) status: &'static str,
    /// The fields that did not fit, as paths.
    pub(super) changed: Vec<String>,
    path: String,
}

impl Fitter {
    pub(super) fn new(status: &'static str) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }

    pub(super) fn fit(&mut self, shape: &Shape, raw: &str) -> Fit {
        let fits = match shape {
            Shape::Any => true,
            Shape::Null => raw == "null",
            Shape::Text => json::is_string(raw),
            Shape::Integer => return integer(raw),
            Shape::Number => is_number(raw),
            Shape::Bool => matches!(raw, "true" | "false"),
            Shape::Word(words) => {
                json::unescape(raw).is_some_and(|word| words.contains(&word.as_ref()))
            }
            Shape::OrNull(_) if raw == "null" => true,
            Shape::OrNull(shape) => return self.fit(shape, raw),
            Shape::Either(one, other) => {
                return match self.fit(one, raw) {
                    Fit::Unfit => self.fit(other, raw),
                    fit => fit,
                };
            }
            Shape::List(shape) => return self.list(shape, raw),
            Shape::Fields(properties) => return self.object(properties, raw),
            Shape::OneOf(types, vendor) => return self.one_of(types, vendor, raw),
        };
        if fits { Fit::Same } else { Fit::Unfit }
    }

    fn object(&mut self, properties: &[Property], raw: &str) -> Fit {
        let Some(object) = Object::parse(raw) else {
            return Fit::Unfit;
        };
        let mut edits = Vec::new();
        for property in properties {
            match self.property(property, object.get(property.name)) {
                Some(Some(step)) => edits.push(step),
                Some(None) => {}
                None => return Fit::Unfit,
            }
        }
        if edits.is_empty() {
            Fit::Same
        } else {
            Fit::Becomes(edit(raw, &edits))
        }
    }

    /// What has to be done to a field; `None` when its object does not fit without it.
    pub(super) fn property(
        &mut self,
        property: &Property,
        given: Option<&str>,
    ) -> Option<Option<Edit>> {
        let name = property.name;
        let fit = given.map(|raw| self.within(name, |fitter| fitter.fit(&property.shape, raw)));
        let step = match (fit, property.need) {
            (Some(Fit::Same), _) | (None, Need::Optional) => None,
            (Some(Fit::Becomes(raw)), _) => return Some(Some(Edit::Set(name, raw))),
            (None | Some(Fit::Unfit), Need::Own) => None,
            (None | Some(Fit::Unfit), Need::Must) => return None,
            (Some(Fit::Unfit), Need::Optional) => Some(Edit::Remove(name.to_owned())),
            (None | Some(Fit::Unfit), Need::Default(raw)) => Some(Edit::Set(name, raw.to_owned())),
            (None, Need::Status) => Some(Edit::Set(name, quote(self.status))),
            (Some(Fit::Unfit), Need::Status) => Some(Edit::Set(name, quote("incomplete"))),
        };
        if step.is_some() {
            self.note(name);
        }
        Some(step)
    }

    fn one_of(
        &mut self,
        types: &[(&'static str, &'static [Property])],
        vendor: &'static [Property],
        raw: &str,
    ) -> Fit {
        let Some(name) = Object::parse(raw)
            .and_then(|object| object.filled("type").map(std::borrow::Cow::into_owned))
        else {
            return Fit::Unfit;
        };
        if let Some((_, properties)) = types.iter().find(|(known, _)| *known == name) {
            return self.object(properties, raw);
        }
        if has_prefix(&name) {
            return self.object(vendor, raw);
        }
        self.note("type");
        let prefixed = edit(raw, &[Edit::Set("type", quote(&format!("{VENDOR}{name}")))]);
        match self.object(vendor, &prefixed) {
            Fit::Same => Fit::Becomes(prefixed),
            fit => fit,
        }
    }

    fn list(&mut self, shape: &Shape, raw: &str) -> Fit {
        let Some(elements) = json::elements(raw) else {
            return Fit::Unfit;
        };
        let mut changed = false;
        let mut fitting = Vec::with_capacity(elements.len());
        for (at, raw) in elements.into_iter().enumerate() {
            match self.within(&at.to_string(), |fitter| fitter.fit(shape, raw)) {
                Fit::Same => fitting.push(raw.to_owned()),
                Fit::Becomes(raw) => {
                    changed = true;
                    fitting.push(raw);
                }
                Fit::Unfit => {
                    changed = true;
                    self.note(&at.to_string());
                }
            }
        }
        if changed {
            Fit::Becomes(json::array(fitting))
        } else {
            Fit::Same
        }
    }

    fn within<T>(&mut self, name: &str, work: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.path.len();
        if before > 0 {
            self.path.push('.');
        }
        self.path.push_str(name);
        let out = work(self);
        self.path.truncate(before);
        out
    }

    fn note(&mut self, name: &str) {
        let dot = if self.path.is_empty() { "" } else { "." };
        self.changed.push(format!("{}{dot}{name}", self.path));
    }
}

fn is_number(raw: &str) -> bool {
    raw.starts_with(|first: char| first == '-' || first.is_ascii_digit())
}

/// JSON knows no integers: `7.0` is one. What has a fraction loses it (a `created_at` of a finer clock).
fn integer(raw: &str) -> Fit {
    if !is_number(raw) {
        return Fit::Unfit;
    }
    let digits = raw.strip_prefix('-').unwrap_or(raw);
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Fit::Same;
    }
    match digits.split_once('.') {
        Some((_, rest)) if rest.bytes().all(|byte| byte == b'0') => Fit::Same,
        Some((whole, rest)) if rest.bytes().all(|byte| byte.is_ascii_digit()) => {
            let sign = if raw.starts_with('-') { "-" } else { "" };
            Fit::Becomes(format!("{sign}{whole}"))
        }
        _ => Fit::Unfit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INNER: &[Property] = &[
        Property {
            name: "n",
            shape: Shape::Integer,
            need: Need::Must,
        },
        Property {
            name: "w",
            shape: Shape::Word(&["a", "b"]),
            need: Need::Optional,
        },
    ];
    const VENDORS: &[Property] = &[Property {
        name: "status",
        shape: Shape::Text,
        need: Need::Status,
    }];
    const OUTER: &[Property] = &[
        Property {
            name: "list",
            shape: Shape::List(&Shape::OneOf(&[("x", INNER)], VENDORS)),
            need: Need::Default("[]"),
        },
        Property {
            name: "b",
            shape: Shape::OrNull(&Shape::Bool),
            need: Need::Default("null"),
        },
    ];

    fn fitted(raw: &str) -> (Fit, Vec<String>) {
        let mut fitter = Fitter::new("completed");
        let fit = fitter.fit(&Shape::Fields(OUTER), raw);
        (fit, fitter.changed)
    }

    #[test]
    fn what_fits_is_left_alone() {
        for raw in [
            r#"{"list":[],"b":null}"#,
            r#"{"list":[{"type":"x","n":7.0,"w":"a","more":{}}],"b":true}"#,
            r#"{"list":[{"type":"acme:y","status":"odd"}],"b":false,"c":0}"#,
        ] {
            assert_eq!(fitted(raw), (Fit::Same, Vec::new()), "{raw}");
        }
    }

    #[test]
    fn what_does_not_fit_changes_and_the_rest_stays() {
        for (raw, expected, changed) in [
            ("{}", r#"{"list":[],"b":null}"#, &["list", "b"][..]),
            (
                r#"{"list":[{"type":"x","w":1, "n":2}, {"type":"x"}],"b":null}"#,
                r#"{"list":[{"type":"x", "n":2}],"b":null}"#,
                &["list.0.w", "list.1"],
            ),
            (
                r#"{"list":[{"type":"z","k":1}],"b":null}"#,
                r#"{"list":[{"type":"openai:z","k":1,"status":"completed"}],"b":null}"#,
                &["list.0.type", "list.0.status"],
            ),
        ] {
            let (fit, names) = fitted(raw);
            assert_eq!(fit, Fit::Becomes(expected.to_owned()), "{raw}");
            assert_eq!(names, changed, "{raw}");
        }
        assert_eq!(fitted("7").0, Fit::Unfit);
    }

    #[test]
    fn integers_as_json_writes_them() {
        assert_eq!(integer("17"), Fit::Same);
        assert_eq!(integer("-17.0"), Fit::Same);
        assert_eq!(integer("17.52"), Fit::Becomes("17".to_owned()));
        assert_eq!(integer("\"17\""), Fit::Unfit);
        assert_eq!(integer("1e3"), Fit::Unfit);
    }

    #[test]
    fn a_vendors_name_has_a_slug() {
        assert!(has_prefix("acme:trace") && has_prefix("my-relay:a.b"));
        assert!(!has_prefix("acme") && !has_prefix(":trace") && !has_prefix("a b:c"));
    }
}
