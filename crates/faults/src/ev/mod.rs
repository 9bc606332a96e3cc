//! Event builders, so that a test reads as the stream that it sends.
//!
//! Each function gives an [`Ev`]: one event, conforming and complete by default. Setters then break
//! it: `ev::text_delta("Hi").without("item_id").index(3)`.
//!
//! An event alone has plausible defaults. Put into a [`Stream`](crate::Stream), it takes from there
//! what must agree across events: response id and model, output index, item and call ids, and its
//! sequence number. What a setter touched stays as it was set (it is *pinned*).

mod content;
mod framing;
mod item;
mod lifecycle;
mod response;

pub use content::*;
pub use framing::{BlockEnd, Framing, LineEnd};
pub use item::Item;
pub(crate) use item::{Family, call_id};
pub use lifecycle::*;
pub use response::{CREATED_AT, MODEL, response_object};

use bytes::Bytes;
use serde_json::Value;

/// One event of a stream, or something else that goes between events (a comment, raw bytes).
#[derive(Clone, Debug, PartialEq)]
pub struct Ev {
    body: Body,
    name: Name,
    framing: Framing,
    id: Option<String>,
    /// Which kind of item the event belongs to, for the stream to find its index and id.
    pub(crate) family: Option<Family>,
    /// The response's `output` is to be filled with the items that were done.
    pub(crate) output_from_stream: bool,
    /// Paths that were set or removed by hand; a stream leaves them alone.
    pinned: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
enum Body {
    /// The fields in wire order: `type` first, as the native service writes them.
    Fields(Vec<(String, Value)>),
    /// Data that is not (or need not be) JSON.
    Data(String),
    /// A comment.
    Comment(String),
    /// Bytes that are no block at all.
    Bytes(Bytes),
}

/// The `event:` line.
#[derive(Clone, Debug, PartialEq)]
enum Name {
    /// The `type` of the data.
    Type,
    Given(String),
    Absent,
}

impl Ev {
    /// An event with these fields, in this order; `type` and `sequence_number` come first.
    pub(crate) fn of<'a>(kind: &str, fields: impl IntoIterator<Item = (&'a str, Value)>) -> Self {
        let mut all = vec![
            ("type".to_owned(), Value::from(kind)),
            ("sequence_number".to_owned(), Value::from(0)),
        ];
        all.extend(
            fields
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value)),
        );
        Self::from_body(Body::Fields(all))
    }

    pub(crate) fn of_data(data: String) -> Self {
        Self {
            name: Name::Absent,
            ..Self::from_body(Body::Data(data))
        }
    }

    pub(crate) fn of_comment(text: String) -> Self {
        Self::from_body(Body::Comment(text))
    }

    pub(crate) fn of_bytes(bytes: Bytes) -> Self {
        Self::from_body(Body::Bytes(bytes))
    }

    fn from_body(body: Body) -> Self {
        Self {
            body,
            name: Name::Type,
            framing: Framing::LF,
            id: None,
            family: None,
            output_from_stream: false,
            pinned: Vec::new(),
        }
    }

    pub(crate) fn family(mut self, family: Family) -> Self {
        self.family = Some(family);
        self
    }

    /// Sets the value at a dotted path (`"response.output.0.id"`), making objects on the way.
    /// A stream will not change it afterwards. On data that is no JSON object: no effect.
    #[must_use]
    pub fn with(mut self, path: &str, value: impl Into<Value>) -> Self {
        self.pin(path);
        self.set(path, value.into());
        self
    }

    /// Removes what is at a dotted path; a stream will not put it back.
    #[must_use]
    pub fn without(mut self, path: &str) -> Self {
        self.pin(path);
        if let Body::Fields(fields) = &mut self.body {
            match path.split_once('.') {
                None => fields.retain(|(name, _)| name != path),
                Some((head, rest)) => {
                    if let Some((_, value)) = fields.iter_mut().find(|(name, _)| name == head) {
                        remove(value, rest);
                    }
                }
            }
        }
        self
    }

    /// Sets `output_index`.
    #[must_use]
    pub fn index(self, output_index: u64) -> Self {
        self.with("output_index", output_index)
    }

    /// Sets `item_id`, or `item.id` where the event carries the item itself.
    #[must_use]
    pub fn item_id(self, id: &str) -> Self {
        let path = if self.get("item").is_some() {
            "item.id"
        } else {
            "item_id"
        };
        self.with(path, id)
    }

    /// Sets `sequence_number`.
    #[must_use]
    pub fn sequence(self, number: u64) -> Self {
        self.with("sequence_number", number)
    }

    /// Sets what the `event:` line says, whatever the `type` is; `None` leaves the line out.
    #[must_use]
    pub fn event_name(mut self, name: Option<&str>) -> Self {
        self.name = name.map_or(Name::Absent, |name| Name::Given(name.to_owned()));
        self
    }

    /// Leaves the `event:` line out.
    #[must_use]
    pub fn no_event_line(self) -> Self {
        self.event_name(None)
    }

    /// Adds an `id:` line.
    #[must_use]
    pub fn id_line(mut self, id: &str) -> Self {
        self.id = Some(id.to_owned());
        self
    }

    /// Sets line endings, the space after the colon, and what follows the block.
    #[must_use]
    pub fn framing(mut self, framing: Framing) -> Self {
        self.framing = framing;
        self
    }

    /// The event's `type`, or `""` for what is no JSON event.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.get("type").and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether the event's type ends in `.delta`: what a reader shows live.
    #[must_use]
    pub fn is_delta(&self) -> bool {
        self.kind().ends_with(".delta")
    }

    /// The value at a dotted path.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Value> {
        let Body::Fields(fields) = &self.body else {
            return None;
        };
        let (head, rest) = match path.split_once('.') {
            Some((head, rest)) => (head, Some(rest)),
            None => (path, None),
        };
        let mut value = &fields.iter().find(|(name, _)| name == head)?.1;
        for key in rest.into_iter().flat_map(|rest| rest.split('.')) {
            value = match value {
                Value::Array(items) => items.get(key.parse::<usize>().ok()?)?,
                other => other.get(key)?,
            };
        }
        Some(value)
    }

    /// The JSON (or other) text of the `data:` lines.
    #[must_use]
    pub fn data(&self) -> String {
        match &self.body {
            Body::Fields(fields) => {
                let fields: Vec<_> = fields
                    .iter()
                    .map(|(name, value)| format!("{}:{value}", Value::from(name.as_str())))
                    .collect();
                format!("{{{}}}", fields.join(","))
            }
            Body::Data(data) => data.clone(),
            Body::Comment(_) | Body::Bytes(_) => String::new(),
        }
    }

    /// The event as it goes on the wire, blank line included.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let name = match &self.name {
            Name::Type => Some(self.kind()).filter(|kind| !kind.is_empty()),
            Name::Given(name) => Some(name.as_str()),
            Name::Absent => None,
        };
        match &self.body {
            Body::Bytes(bytes) => bytes.clone(),
            Body::Comment(text) => self.framing.comment(text),
            Body::Fields(_) | Body::Data(_) => {
                self.framing.block(name, self.id.as_deref(), &self.data())
            }
        }
    }

    pub(crate) fn pin(&mut self, path: &str) {
        self.pinned.push(path.to_owned());
    }

    /// Whether the path, or an object around it, was set or removed by hand.
    pub(crate) fn is_pinned(&self, path: &str) -> bool {
        self.pinned.iter().any(|pinned| {
            path.strip_prefix(pinned.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }

    /// Sets what the event already carries, unless it was pinned: how a stream makes events agree.
    pub(crate) fn settle(&mut self, path: &str, value: impl Into<Value>) {
        if self.get(path).is_some() && !self.is_pinned(path) {
            self.set(path, value.into());
        }
    }

    fn set(&mut self, path: &str, value: Value) {
        let Body::Fields(fields) = &mut self.body else {
            return;
        };
        let (head, rest) = path
            .split_once('.')
            .map_or((path, None), |(head, rest)| (head, Some(rest)));
        let position = fields
            .iter()
            .position(|(name, _)| name == head)
            .unwrap_or_else(|| {
                fields.push((head.to_owned(), Value::Null));
                fields.len() - 1
            });
        match rest {
            None => fields[position].1 = value,
            Some(rest) => *entry(&mut fields[position].1, rest) = value,
        }
    }
}

/// The place at a dotted path below `value`, made where it is missing.
fn entry<'a>(value: &'a mut Value, path: &str) -> &'a mut Value {
    path.split('.').fold(value, |value, key| {
        if let Value::Array(items) = value {
            let index = key.parse().unwrap_or(items.len());
            while items.len() <= index {
                items.push(Value::Null);
            }
            return &mut items[index];
        }
        if !value.is_object() {
            *value = Value::Object(serde_json::Map::new());
        }
        &mut value[key]
    })
}

fn remove(value: &mut Value, path: &str) {
    let (parent, key) = match path.rsplit_once('.') {
        Some((parent, key)) => (entry(value, parent), key),
        None => (value, path),
    };
    match parent {
        Value::Object(fields) => {
            fields.remove(key);
        }
        Value::Array(items) => {
            if let Some(index) = key
                .parse::<usize>()
                .ok()
                .filter(|index| *index < items.len())
            {
                items.remove(index);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_keep_their_order_and_type_comes_first() {
        assert_eq!(
            text_delta("Hi").data(),
            r#"{"type":"response.output_text.delta","sequence_number":0,"item_id":"msg_relay1_0","output_index":0,"content_index":0,"delta":"Hi","logprobs":[]}"#
        );
    }

    #[test]
    fn setters_reach_into_objects_and_arrays() {
        let ev = completed([Item::message("Hi")])
            .with("response.output.0.id", "msg_x")
            .with("response.extra.deep", 1)
            .without("response.output.0.content.0")
            .without("response.usage");
        assert_eq!(ev.get("response.output.0.id"), Some(&json!("msg_x")));
        assert_eq!(ev.get("response.extra.deep"), Some(&json!(1)));
        assert_eq!(ev.get("response.output.0.content"), Some(&json!([])));
        assert_eq!(ev.get("response.usage"), None);
    }

    #[test]
    fn the_event_line_can_lie_or_be_absent() {
        let named = created().event_name(Some("response.done"));
        assert!(
            named
                .to_bytes()
                .starts_with(b"event: response.done\ndata: {\"type\":\"response.created\"")
        );
        assert!(created().no_event_line().to_bytes().starts_with(b"data: {"));
    }

    #[test]
    fn pinning_covers_what_lies_below() {
        let ev = created().with("response.error", json!({"code": "x"}));
        assert!(ev.is_pinned("response.error.code"));
        assert!(!ev.is_pinned("response.errors"));
        assert!(!ev.is_pinned("response"));
    }
}
