//! A stream as a list of events that can be damaged, and written.

use serde_json::Value;

/// What stands in the `event:` lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Names {
    /// Each event's type.
    Type,
    /// The same for all.
    Given(&'static str),
    /// There are none.
    Absent,
    /// Each event's type, which stands nowhere else.
    Only,
}

/// One block of a body.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// An event.
    Event {
        /// What its `event:` line says, where that is not what all say.
        name: Option<String>,
        /// Its data.
        data: Value,
        /// More members of the data as raw JSON, each with its comma in front: what a [`Value`] cannot hold.
        more: Vec<u8>,
    },
    /// Bytes as they are.
    Raw(Vec<u8>),
}

impl Piece {
    pub(crate) fn event(data: Value) -> Self {
        Self::Event {
            name: None,
            data,
            more: Vec::new(),
        }
    }

    pub(crate) fn raw(text: &str) -> Self {
        Self::Raw(text.as_bytes().to_vec())
    }

    /// The event's data.
    #[must_use]
    pub fn data(&self) -> Option<&Value> {
        match self {
            Self::Event { data, .. } => Some(data),
            Self::Raw(_) => None,
        }
    }

    pub(crate) fn data_mut(&mut self) -> Option<&mut Value> {
        match self {
            Self::Event { data, .. } => Some(data),
            Self::Raw(_) => None,
        }
    }

    /// The event's type.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.data()
            .and_then(|data| data["type"].as_str())
            .unwrap_or_default()
    }
}

/// How the whole body is framed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Framing {
    pub(crate) bom: bool,
    pub(crate) line_end: &'static str,
    pub(crate) names: Names,
    /// A blank line follows each block.
    pub(crate) blank_lines: bool,
    /// A blank line follows the last block.
    pub(crate) last_blank_line: bool,
    /// The data is broken into this many `data:` lines, at its commas.
    pub(crate) data_lines: usize,
    /// A space follows each colon.
    pub(crate) space: bool,
    /// So many bytes are cut off the end.
    pub(crate) cut: usize,
}

/// A stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Wire {
    /// Its blocks, in order.
    pub pieces: Vec<Piece>,
    pub(crate) framing: Framing,
}

impl Wire {
    pub(crate) fn new(pieces: Vec<Piece>) -> Self {
        let framing = Framing {
            bom: false,
            line_end: "\n",
            names: Names::Type,
            blank_lines: true,
            last_blank_line: true,
            data_lines: 1,
            space: true,
            cut: 0,
        };
        Self { pieces, framing }
    }

    /// The body.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let framing = &self.framing;
        let mut body = Vec::new();
        if framing.bom {
            body.extend_from_slice("\u{feff}".as_bytes());
        }
        let last = self.pieces.len().saturating_sub(1);
        for (at, piece) in self.pieces.iter().enumerate() {
            let block = match piece {
                Piece::Raw(bytes) => {
                    body.extend_from_slice(bytes);
                    continue;
                }
                Piece::Event { name, data, more } => self.block(name.as_deref(), data, more),
            };
            for line in block {
                body.extend_from_slice(&line);
                body.extend_from_slice(framing.line_end.as_bytes());
            }
            if framing.blank_lines && (at < last || framing.last_blank_line) {
                body.extend_from_slice(framing.line_end.as_bytes());
            }
        }
        body.truncate(body.len().saturating_sub(framing.cut));
        body
    }

    fn block(&self, name: Option<&str>, data: &Value, more: &[u8]) -> Vec<Vec<u8>> {
        let space = if self.framing.space { " " } else { "" };
        let kind = data["type"].as_str();
        let name = name.or(match self.framing.names {
            Names::Type | Names::Only => kind,
            Names::Given(name) => Some(name),
            Names::Absent => None,
        });
        let mut untyped = data.clone();
        let data = match (self.framing.names, untyped.as_object_mut()) {
            (Names::Only, Some(fields)) => {
                fields.remove("type");
                &untyped
            }
            _ => data,
        };
        let mut lines: Vec<Vec<u8>> = name
            .map(|name| format!("event:{space}{name}").into_bytes())
            .into_iter()
            .collect();
        let mut json = type_first(data).into_bytes();
        if !more.is_empty() && json.ends_with(b"}") {
            json.pop();
            json.extend_from_slice(more);
            json.push(b'}');
        }
        for part in broken(&json, self.framing.data_lines) {
            lines.push([b"data:", space.as_bytes(), part].concat());
        }
        lines
    }

    /// Where the events of this type are.
    #[must_use]
    pub fn places(&self, kind: &str) -> Vec<usize> {
        self.places_that(|piece| piece.kind() == kind)
    }

    /// Where the pieces are that the test says yes to.
    pub(crate) fn places_that(&self, test: impl Fn(&Piece) -> bool) -> Vec<usize> {
        let found = self
            .pieces
            .iter()
            .enumerate()
            .filter(|(_, piece)| test(piece));
        found.map(|(at, _)| at).collect()
    }

    pub(crate) fn data(&mut self, at: usize) -> &mut Value {
        let data = self.pieces[at].data_mut();
        data.expect("operators ask only for the data of events")
    }

    /// Takes out every event of this type.
    pub(crate) fn without(&mut self, kind: &str) {
        self.pieces.retain(|piece| piece.kind() != kind);
    }

    /// Changes the data of every event.
    pub(crate) fn each(&mut self, mut change: impl FnMut(&mut Value)) {
        self.pieces
            .iter_mut()
            .filter_map(Piece::data_mut)
            .filter(|data| data.is_object())
            .for_each(&mut change);
    }

    /// Changes the data of every event of these types.
    pub(crate) fn each_of(&mut self, kinds: &[&str], mut change: impl FnMut(&mut Value)) {
        self.each(|data| {
            if data["type"]
                .as_str()
                .is_some_and(|kind| kinds.contains(&kind))
            {
                change(data);
            }
        });
    }

    /// Numbers the events from 0.
    pub(crate) fn number(&mut self) {
        let mut next = 0;
        self.each(|data| {
            data["sequence_number"] = Value::from(next);
            next += 1;
        });
    }
}

/// `type` and `sequence_number` first, as the native service writes them.
fn type_first(data: &Value) -> String {
    let Some(fields) = data.as_object() else {
        return data.to_string();
    };
    let first = ["type", "sequence_number"];
    let head = first.iter().filter_map(|key| fields.get_key_value(*key));
    let tail = fields
        .iter()
        .filter(|(key, _)| !first.contains(&key.as_str()));
    let members: Vec<String> = head
        .chain(tail)
        .map(|(key, value)| format!("{}:{value}", Value::from(key.as_str())))
        .collect();
    format!("{{{}}}", members.join(","))
}

/// The text in at most so many parts, broken before `,"`, which no JSON string holds unescaped.
fn broken(json: &[u8], parts: usize) -> Vec<&[u8]> {
    let mut out = Vec::new();
    let mut rest = json;
    while out.len() + 1 < parts {
        let Some(at) = rest.windows(2).skip(1).position(|two| two == b",\"") else {
            break;
        };
        let (part, after) = rest.split_at(at + 1);
        out.push(part);
        rest = after;
    }
    out.push(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn it_is_written_as_asked() {
        let mut wire = Wire::new(vec![
            Piece::event(json!({"b": 1, "type": "x", "sequence_number": 0})),
            Piece::raw(": hello\n\n"),
        ]);
        assert_eq!(
            wire.write(),
            b"event: x\ndata: {\"type\":\"x\",\"sequence_number\":0,\"b\":1}\n\n: hello\n\n"
        );
        wire.framing.data_lines = 2;
        wire.framing.space = false;
        wire.framing.cut = 9;
        assert_eq!(
            wire.write(),
            b"event:x\ndata:{\"type\":\"x\"\ndata:,\"sequence_number\":0,\"b\":1}\n\n"
        );
    }
}
