//! YAML text in, a tree that knows where each value stands out.
//!
//! The only file that sees `serde_saphyr`. Values are not typed here: a scalar keeps its spelling, so that a model called
//! `4.10` or a key of digits stays what was written, and the reader of each key says what it expected.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{DuplicateKeyPolicy, Location, NonFiniteFloatPolicy, Spanned};

use super::problem::{Place, Problem};

/// Nodes a configuration may have, aliases expanded. A whole Hermes configuration has some hundreds.
const MAX_NODES: usize = 20_000;
/// Nesting that a configuration may have; `extra_body` is the only deep place.
const MAX_DEPTH: usize = 48;
/// Events that aliases may replay: what stops a "billion laughs".
const MAX_REPLAYED: usize = 20_000;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) value: Value,
    /// 1-based line and column; `(0, 0)` when unknown.
    pub(super) at: (u64, u64),
    /// The line of its key, which a block does not begin on; 0 without a key.
    pub(super) key_line: u64,
}

/// A value as written.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Null,
    Bool(bool),
    /// An unquoted number, in its own spelling.
    Number(String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Node {
    /// The child under `key`, exactly as spelled.
    #[cfg(test)]
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|(k, _)| k == key).map(|(_, v)| v),
            _ => None,
        }
    }

    /// What this is, in words, without the value: it may be a secret.
    pub(super) fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a block of keys",
        }
    }

    /// As JSON, for values that are passed on as they are (`extra_body`).
    pub(super) fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(b) => (*b).into(),
            Value::Number(raw) => serde_json::from_str::<serde_json::Number>(raw)
                .map_or_else(|_| raw.clone().into(), Into::into),
            Value::Text(text) => text.clone().into(),
            Value::List(items) => items.iter().map(Node::to_json).collect(),
            Value::Map(entries) => entries
                .iter()
                .map(|(k, v)| (k.clone(), v.to_json()))
                .collect(),
        }
    }
}

/// Reads one document. `file` is only used to say where a problem is.
///
/// # Errors
/// A located [`Problem`] for text that is no YAML, has more than one document, repeats a key or passes a limit. It never
/// quotes the text: the line could hold a key.
pub(super) fn parse(file: &str, text: &str) -> Result<Option<Node>, Problem> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_nodes: MAX_NODES,
            max_depth: MAX_DEPTH,
            max_events: MAX_NODES * 3,
            max_documents: 64,
            max_total_scalar_bytes: super::file::MAX_BYTES,
            max_recorded_anchor_events: MAX_REPLAYED,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: MAX_REPLAYED,
        },
        duplicate_keys: DuplicateKeyPolicy::Error,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        strict_booleans: true,
        with_snippet: false,
    };
    match serde_saphyr::from_str_with_options::<Option<Spanned<Raw>>>(text, options) {
        Ok(root) => Ok(root.map(|root| node(root, 0, text))),
        Err(error) => Err(refused(file, text, &error)),
    }
}

fn refused(file: &str, text: &str, error: &serde_saphyr::Error) -> Problem {
    let at = error.location().map_or((0, 0), |l| (l.line(), l.column()));
    let place = Place {
        file: file.into(),
        line: at.0,
        column: at.1,
    };
    // The library's own rendering appends the location in several shapes; its first line without that is the message.
    let rendered = error.without_snippet().to_string();
    let message = rendered.lines().next().unwrap_or("not valid YAML");
    let message = message.split(" at line ").next().unwrap_or(message);
    let message = message
        .strip_prefix(&format!("error: line {} column {}: ", at.0, at.1))
        .unwrap_or(message);
    let mut problem = match error.without_snippet() {
        serde_saphyr::Error::MultipleDocuments { .. } => {
            Problem::new("has more than one YAML document")
        }
        serde_saphyr::Error::DuplicateMappingKey { key: Some(key), .. } => {
            Problem::new(format!("the key `{key}` stands twice"))
        }
        // A passed budget comes in several wrappings; all say so.
        _ if message.contains("budget breached")
            || message.contains("replay limit")
            || message.contains("nest") =>
        {
            Problem::new("too large for a configuration: its aliases or its nesting pass a limit")
        }
        _ => Problem::new(format!("not valid YAML: {message}")),
    };
    let line = usize::try_from(at.0).unwrap_or(0);
    let tabbed = |l: &str| {
        l.chars()
            .take_while(|c| c.is_whitespace())
            .any(|c| c == '\t')
    };
    if line > 0
        && text
            .lines()
            .skip(line.saturating_sub(2))
            .take(2)
            .any(tabbed)
    {
        problem = problem.help("YAML is indented with spaces; a tab is not allowed there");
    } else if message.contains("did not find expected") {
        problem = problem.help("is the line indented as those beside it?");
    }
    problem.at(place)
}

/// What the visitor sees, before the spellings of numbers are fetched from the text.
enum Raw {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
}

fn node(spanned: Spanned<Raw>, key_line: u64, text: &str) -> Node {
    let at = (spanned.referenced.line(), spanned.referenced.column());
    let value = match spanned.value {
        Raw::Null => Value::Null,
        Raw::Bool(b) => Value::Bool(b),
        Raw::Number(canonical) => {
            Value::Number(spelling(text, &spanned.defined).unwrap_or(canonical))
        }
        Raw::Text(t) => Value::Text(t),
        Raw::List(items) => {
            Value::List(items.into_iter().map(|item| node(item, 0, text)).collect())
        }
        Raw::Map(entries) => Value::Map(
            entries
                .into_iter()
                .map(|(key, value)| {
                    let line = key.referenced.line();
                    (key.value, node(value, line, text))
                })
                .collect(),
        ),
    };
    Node {
        value,
        at,
        key_line,
    }
}

/// The characters of a scalar as they stand in the text.
fn spelling(text: &str, at: &Location) -> Option<String> {
    let span = at.span();
    let start = usize::try_from(span.byte_offset()?).ok()?;
    let end = start.checked_add(usize::try_from(span.byte_len()?).ok()?)?;
    let raw = text.get(start..end)?.trim();
    raw.bytes()
        .all(|b| b.is_ascii_graphic())
        .then(|| raw.to_owned())
        .filter(|raw| !raw.is_empty())
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }
    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }
    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
    fn visit_bool<E>(self, v: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(v))
    }
    fn visit_i64<E>(self, v: i64) -> Result<Raw, E> {
        Ok(Raw::Number(v.to_string()))
    }
    fn visit_u64<E>(self, v: u64) -> Result<Raw, E> {
        Ok(Raw::Number(v.to_string()))
    }
    fn visit_i128<E>(self, v: i128) -> Result<Raw, E> {
        Ok(Raw::Number(v.to_string()))
    }
    fn visit_u128<E>(self, v: u128) -> Result<Raw, E> {
        Ok(Raw::Number(v.to_string()))
    }
    fn visit_f64<E>(self, v: f64) -> Result<Raw, E> {
        Ok(Raw::Number(v.to_string()))
    }
    fn visit_str<E>(self, v: &str) -> Result<Raw, E> {
        Ok(Raw::Text(v.to_owned()))
    }
    fn visit_string<E>(self, v: String) -> Result<Raw, E> {
        Ok(Raw::Text(v))
    }
    fn visit_bytes<E>(self, v: &[u8]) -> Result<Raw, E> {
        Ok(Raw::Text(String::from_utf8_lossy(v).into_owned()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            entries.push((key, map.next_value()?));
        }
        Ok(Raw::Map(entries))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn root(text: &str) -> Node {
        parse("c.yaml", text).unwrap().unwrap()
    }

    fn text(node: &Node) -> &str {
        match &node.value {
            Value::Text(t) | Value::Number(t) => t,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn numbers_keep_their_spelling() {
        let root = root(
            "a: 4.10\nb: 007\nc: 1_000\nd: 1e5\ne: 0x1F\nf: \"12\"\ng: *x\n"
                .replace("g: *x\n", "")
                .as_str(),
        );
        for (key, want) in [
            ("a", "4.10"),
            ("b", "007"),
            ("c", "1_000"),
            ("d", "1e5"),
            ("e", "0x1F"),
            ("f", "12"),
        ] {
            assert_eq!(text(root.get(key).unwrap()), want);
        }
    }

    #[test]
    fn places_are_where_the_value_is() {
        let root = root("model:\n  default: x\n");
        assert_eq!(
            root.get("model").unwrap().get("default").unwrap().at,
            (2, 12)
        );
    }

    #[test]
    fn anchors_and_merges_work() {
        let root = root("a: &a\n  n: 1.50\nb:\n  <<: *a\n  m: 2\nc: *a\n");
        assert_eq!(text(root.get("b").unwrap().get("n").unwrap()), "1.50");
        assert_eq!(text(root.get("c").unwrap().get("n").unwrap()), "1.50");
    }

    #[test]
    fn nothing_is_not_an_error() {
        for text in ["", "\n", "# only a comment\n", "---\n", "null\n"] {
            let parsed = parse("c.yaml", text).unwrap();
            assert!(
                parsed.is_none_or(|n| matches!(n.value, Value::Null)),
                "{text:?}"
            );
        }
    }

    #[test]
    fn what_is_no_yaml_is_located_and_not_quoted() {
        for text in [
            "model:\n\tapi_key: sk-secret\n",
            "model: {api_key: sk-secret\n",
            "model: [sk-secret\nx: y",
            "a: 'sk-secret\n",
        ] {
            let problem = parse("c.yaml", text).unwrap_err().to_string();
            assert!(problem.starts_with("c.yaml:"), "{problem}");
            assert!(!problem.contains("sk-secret"), "{problem}");
        }
        let problem = parse("c.yaml", "model:\n\tdefault: x\n").unwrap_err();
        assert!(problem.to_string().contains("spaces"), "{problem}");
    }

    #[test]
    fn a_bomb_is_refused_quickly() {
        let mut text = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
        for n in 1..12 {
            let list = vec![format!("*a{}", n - 1); 9].join(",");
            text.push_str(&format!("a{n}: &a{n} [{list}]\n"));
        }
        let problem = parse("c.yaml", &text).unwrap_err().to_string();
        assert!(problem.contains("too large"), "{problem}");
        let deep = format!("a: {}{}", "[".repeat(5000), "]".repeat(5000));
        assert!(parse("c.yaml", &deep).is_err());
        let deep: String = (0..2000)
            .map(|n| format!("{}a:\n", " ".repeat(n)))
            .collect();
        assert!(parse("c.yaml", &deep).is_err());
    }

    #[test]
    fn twice_the_same_key_is_named() {
        let problem = parse("c.yaml", "model:\n  default: a\n  default: b\n")
            .unwrap_err()
            .to_string();
        assert!(
            problem.contains("`default` stands twice") && problem.starts_with("c.yaml:3:"),
            "{problem}"
        );
    }
}
