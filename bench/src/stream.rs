//! The stream that is served: one message, whose deltas say when they were written and which one they are.
//!
//! A delta's block has [`EVENT`] bytes, as the native service's do on average with everything they carry. The conforming stream
//! passes respair byte for byte. The deviant one is a llama-server's: nothing says `created`, and no event has a number or an
//! index, so that not one event can stay as it is.

use std::io::Write as _;

use serde_json::{Value, json};

/// Bytes of a delta's block, its blank line included.
pub(crate) const EVENT: usize = 373;

/// What stands before the time within a delta's text.
pub(crate) const MARK: &[u8] = b"\"delta\":\"@";

const RESPONSE: &str = "resp_bench0123456789abcdef0123456789abcdef0123456789abcd";
const ITEM: &str = "msg_bench0123456789abcdef0123456789abcdef0123456789abcde";

/// Writes the blocks of one stream.
pub(crate) struct Stream {
    deviant: bool,
    sequence: u64,
    text: String,
    /// Deltas so far.
    deltas: u64,
}

impl Stream {
    pub(crate) fn new(deviant: bool) -> Self {
        Self {
            deviant,
            sequence: 0,
            text: String::new(),
            deltas: 0,
        }
    }

    /// Everything before the first delta.
    pub(crate) fn beginning(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        let response = || json!({"response": response("in_progress", &json!([]), &Value::Null)});
        if !self.deviant {
            self.event(&mut out, "response.created", response());
        }
        self.event(&mut out, "response.in_progress", response());
        let item = item("in_progress", &json!([]));
        self.event(
            &mut out,
            "response.output_item.added",
            json!({"output_index": 0, "item": item}),
        );
        self.event(
            &mut out,
            "response.content_part.added",
            self.at(json!({"part": part("")})),
        );
        out
    }

    /// One delta, written now.
    pub(crate) fn delta(&mut self, out: &mut Vec<u8>, now: u64) {
        let begin = out.len();
        let text_at = self.text.len();
        let (place, index) = match self.deviant {
            true => (String::new(), ""),
            false => (
                format!("\"sequence_number\":{},", self.sequence),
                "\"output_index\":0,\"content_index\":0,",
            ),
        };
        // Fixed widths, so that a reader finds the parts without looking for them. Writing to memory does not fail.
        let _ = std::fmt::Write::write_fmt(
            &mut self.text,
            format_args!("@{now:019}#{:08} ", self.deltas),
        );
        let _ = write!(
            out,
            "event: response.output_text.delta\ndata: {{\"type\":\"response.output_text.delta\",{place}\"item_id\":\"{ITEM}\",{index}\
             \"delta\":\"{}\",\"logprobs\":[],\"obfuscation\":\"",
            &self.text[text_at..]
        );
        let filled = EVENT - b"\"}\n\n".len();
        out.resize(begin + filled.max(out.len() - begin), b'x');
        out.extend_from_slice(b"\"}\n\n");
        self.sequence += 1;
        self.deltas += 1;
    }

    /// Everything behind the last delta.
    pub(crate) fn ending(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        let text = std::mem::take(&mut self.text);
        let fields = self.at(json!({"text": text, "logprobs": []}));
        self.event(&mut out, "response.output_text.done", fields);
        let fields = self.at(json!({"part": part(&text)}));
        self.event(&mut out, "response.content_part.done", fields);
        let item = item("completed", &json!([part(&text)]));
        self.event(
            &mut out,
            "response.output_item.done",
            json!({"output_index": 0, "item": item}),
        );
        let usage = json!({
            "input_tokens": 1, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": self.deltas,
            "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": self.deltas + 1,
        });
        let response = response("completed", &json!([item]), &usage);
        self.event(
            &mut out,
            "response.completed",
            json!({"response": response}),
        );
        out
    }

    fn at(&self, mut fields: Value) -> Value {
        fields["item_id"] = ITEM.into();
        fields["output_index"] = 0.into();
        fields["content_index"] = 0.into();
        fields
    }

    fn event(&mut self, out: &mut Vec<u8>, kind: &str, mut fields: Value) {
        fields["type"] = kind.into();
        fields["sequence_number"] = self.sequence.into();
        if let (true, Some(object)) = (self.deviant, fields.as_object_mut()) {
            for name in ["sequence_number", "output_index", "content_index"] {
                object.remove(name);
            }
        }
        let _ = write!(out, "event: {kind}\ndata: {fields}\n\n");
        self.sequence += 1;
    }
}

fn part(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
}

fn item(status: &str, content: &Value) -> Value {
    json!({"id": ITEM, "type": "message", "status": status, "role": "assistant", "content": content})
}

fn response(status: &str, output: &Value, usage: &Value) -> Value {
    json!({
        "id": RESPONSE, "object": "response", "created_at": 1_790_000_000, "status": status, "model": "bench",
        "output": output, "usage": usage, "error": null, "incomplete_details": null, "instructions": null,
        "metadata": {}, "parallel_tool_calls": true, "temperature": 1.0, "tool_choice": "auto", "tools": [],
        "top_p": 1.0,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use bytes::Bytes;
    use respair_core::{Context, EndOfBody, Ending, Reader, ReaderOptions, Step};

    use super::*;

    /// Bytes in, bytes out, and how often something was mended.
    fn read(deviant: bool) -> (Vec<u8>, Vec<u8>, u64) {
        let mut stream = Stream::new(deviant);
        let mut wire = stream.beginning();
        for n in 0..50 {
            stream.delta(&mut wire, 1_000_000 * n);
        }
        wire.extend(stream.ending());
        let mut reader = Reader::new(ReaderOptions::tolerant(), Context::new(1_790_000_000, 7));
        reader.push(Bytes::from(wire.clone()));
        reader.finish(EndOfBody::Eof);
        let (mut out, mut ending) = (Vec::new(), None);
        while let Some(step) = reader.poll() {
            match step {
                Step::Event(event) => out.extend_from_slice(event.raw()),
                Step::Ended(how) => ending = Some(how),
                _ => {}
            }
        }
        assert!(
            matches!(ending, Some(Ending::Completed { .. })),
            "{ending:?}"
        );
        (
            wire,
            out,
            reader.repairs().iter().map(|repair| repair.count).sum(),
        )
    }

    #[test]
    fn the_conforming_stream_is_one() {
        let (wire, out, repairs) = read(false);
        assert_eq!(repairs, 0);
        assert_eq!(wire, out);
    }

    #[test]
    fn no_delta_of_the_deviant_stream_can_stay() {
        let (_, out, repairs) = read(true);
        assert!(repairs > 100, "{repairs}");
        let out = String::from_utf8(out).unwrap();
        assert!(out.starts_with("event: response.created\n"));
        assert_eq!(
            out.matches("\"sequence_number\":").count(),
            out.matches("event: ").count()
        );
    }

    #[test]
    fn deltas_have_their_size() {
        for deviant in [false, true] {
            let mut stream = Stream::new(deviant);
            let mut out = Vec::new();
            stream.delta(&mut out, 5);
            assert_eq!(out.len(), EVENT);
            assert_eq!(memchr::memmem::find_iter(&out, MARK).count(), 1);
        }
    }
}
