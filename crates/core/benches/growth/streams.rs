//! The streams that are measured, made piece by piece.

/// What a stream is made of.
#[derive(Clone, Copy)]
pub(crate) enum Shape {
    /// One message, one delta after the other.
    OneText,
    /// A message of sixteen deltas after another.
    ManyItems,
    /// Sixteen calls at once, whose arguments come in turn.
    ParallelCalls,
    /// One message whose deltas have neither number nor index (llama-server): each of them is mended.
    Mended,
    /// One message whose deltas have another item id each (GitHub Copilot): each of them is mended.
    RotatingIds,
}

const CALLS: usize = 16;
/// Events of an item with sixteen deltas, its lifecycle included.
const ITEM: usize = 20;
const PADDING: &str = "8RkwUpyXdVw2Lz5Tn0fQJ6aMbHs3gYcKiEeDtOxWqZvrPlNj7uGmBSh9IoCF41A8RkwUpyXdVw2Lz5Tn0fQJ6aMbHs3gYcKiEeDtOxWqZ";

impl Shape {
    pub(crate) const ALL: &[Self] = &[
        Self::OneText,
        Self::ManyItems,
        Self::ParallelCalls,
        Self::Mended,
        Self::RotatingIds,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OneText => "one text, conforming",
            Self::ManyItems => "an item every 20 events, conforming",
            Self::ParallelCalls => "16 parallel calls, conforming",
            Self::Mended => "no numbers, no indices: mended",
            Self::RotatingIds => "another id each time: mended",
        }
    }

    /// The whole stream up to its terminal event, in pieces of about `size` bytes.
    pub(crate) fn pieces(self, events: usize, size: usize) -> impl Iterator<Item = Vec<u8>> {
        let mut at = 0;
        std::iter::from_fn(move || {
            let mut piece = Vec::with_capacity(size + 1024);
            while piece.len() < size && at < events {
                piece.extend_from_slice(self.event(at).as_bytes());
                at += 1;
            }
            (!piece.is_empty()).then_some(piece)
        })
    }

    /// The event at this place.
    pub(crate) fn event(self, at: usize) -> String {
        const HEAD: &str = r#""response":{"id":"resp_68af402e44f0819c9b2d6a2ac5c9a4b7","object":"response","created_at":1756315694,"status":"in_progress","error":null,"incomplete_details":null,"instructions":null,"max_output_tokens":null,"model":"gpt-5","output":[],"parallel_tool_calls":true,"temperature":1.0,"tool_choice":"auto","tools":[],"top_p":1.0,"usage":null,"metadata":{}}"#;
        if at < 2 {
            let kind = ["response.created", "response.in_progress"][at];
            return event(kind, Some(at), HEAD);
        }
        match self {
            Self::ManyItems => item_event(at, (at - 2) / ITEM, (at - 2) % ITEM),
            Self::ParallelCalls => call_event(at, at - 2),
            _ if at < 4 => item_event(at, 0, at - 2),
            Self::OneText => delta(Some(at), Some(0), &id(0)),
            Self::Mended => delta(None, None, &id(0)),
            Self::RotatingIds => delta(Some(at), Some(0), &id(at)),
        }
    }
}

fn id(number: usize) -> String {
    format!("msg_68af4030592c81938ec0a5fbab4a3e9f05438e46b{number:07}")
}

fn event(kind: &str, number: Option<usize>, fields: &str) -> String {
    let number = number.map_or(String::new(), |number| {
        format!("\"sequence_number\":{number},")
    });
    format!("event: {kind}\ndata: {{\"type\":\"{kind}\",{number}{fields}}}\n\n")
}

fn delta(number: Option<usize>, index: Option<usize>, id: &str) -> String {
    let indices = index.map_or(String::new(), |index| {
        format!("\"output_index\":{index},\"content_index\":0,")
    });
    let fields = format!(
        "\"item_id\":\"{id}\",{indices}\"delta\":\" word\",\"logprobs\":[],\"obfuscation\":\"{PADDING}\""
    );
    event("response.output_text.delta", number, &fields)
}

/// One of the twenty events of an item.
fn item_event(at: usize, item: usize, step: usize) -> String {
    let id = id(item);
    let text = " word".repeat(ITEM - 5);
    let place = format!("\"item_id\":\"{id}\",\"output_index\":{item},\"content_index\":0");
    let part = |text: &str| {
        format!(
            "{{\"type\":\"output_text\",\"annotations\":[],\"logprobs\":[],\"text\":\"{text}\"}}"
        )
    };
    let whole = |status: &str, content: &str| {
        format!(
            "\"output_index\":{item},\"item\":{{\"id\":\"{id}\",\"type\":\"message\",\"status\":\"{status}\",\"content\":[{content}],\"role\":\"assistant\"}}"
        )
    };
    let (kind, fields) = match step {
        0 => ("response.output_item.added", whole("in_progress", "")),
        1 => (
            "response.content_part.added",
            format!("{place},\"part\":{}", part("")),
        ),
        17 => (
            "response.output_text.done",
            format!("{place},\"text\":\"{text}\",\"logprobs\":[]"),
        ),
        18 => (
            "response.content_part.done",
            format!("{place},\"part\":{}", part(&text)),
        ),
        19 => (
            "response.output_item.done",
            whole("completed", &part(&text)),
        ),
        _ => return delta(Some(at), Some(item), &id),
    };
    event(kind, Some(at), &fields)
}

/// Sixteen calls are added, then each gets a piece of its arguments in turn.
fn call_event(at: usize, step: usize) -> String {
    let call = step % CALLS;
    let id = format!("fc_68af4030592c81938ec0a5fbab4a3e9f05438e46b{call:07}");
    if step < CALLS {
        let item = format!(
            "\"output_index\":{call},\"item\":{{\"id\":\"{id}\",\"type\":\"function_call\",\"status\":\"in_progress\",\"arguments\":\"\",\"call_id\":\"call_{call}\",\"name\":\"write\"}}"
        );
        return event("response.output_item.added", Some(at), &item);
    }
    let piece = if step < 2 * CALLS {
        "{\\\"text\\\":\\\""
    } else {
        " word"
    };
    let fields = format!(
        "\"item_id\":\"{id}\",\"output_index\":{call},\"delta\":\"{piece}\",\"obfuscation\":\"{PADDING}\""
    );
    event("response.function_call_arguments.delta", Some(at), &fields)
}
