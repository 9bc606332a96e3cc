//! The relays of a drawn conversation: what each response holds and how it ends, drawn as it is asked for.

use std::sync::{Arc, Mutex};

use respair_faults::ev::{self, Item};
use respair_faults::{Relay, Request, Script, Stream};
use serde_json::{Value, json};

use crate::support::*;

/// A request as it came.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) input: Vec<Value>,
    /// It asks for a summary.
    pub(super) summary: bool,
}

/// What both relays share: the dice, and what they were asked, in order.
pub(super) struct Plan {
    random: fastrand::Rng,
    pub(super) asked: Vec<Asked>,
    /// Nothing goes wrong any more.
    pub(super) calm: bool,
    /// The calls of the response all have one id.
    one_id: bool,
}

impl Plan {
    pub(super) fn new(seed: u64) -> Arc<Mutex<Self>> {
        Arc::new(Mutex::new(Self {
            random: fastrand::Rng::with_seed(seed),
            asked: Vec::new(),
            calm: false,
            one_id: false,
        }))
    }
}

pub(super) async fn plays(plan: &Arc<Mutex<Plan>>) -> Relay {
    let plan = Arc::clone(plan);
    relay(move |request: &Request| plan.lock().unwrap().answer(request)).await
}

impl Plan {
    fn answer(&mut self, request: &Request) -> Script {
        let input = input(request);
        let last = input.last().unwrap().to_string();
        let summary = last.contains("Summarise the conversation");
        let thinks = input.iter().any(|item| item["type"] == "reasoning");
        self.asked.push(Asked { input, summary });
        let n = self.asked.len() as u64;
        let script = match summary {
            true => self.sums_up(n),
            false => self.responds(n, thinks),
        };
        match self.random.u8(..4) {
            0 => script.in_chunks_of(self.random.usize(1..60)),
            _ => script,
        }
    }

    fn sums_up(&mut self, n: u64) -> Script {
        let text = format!("<{n} sum>");
        let begun = response(n).message([text.as_str()]);
        match self.random.u8(..10) {
            _ if self.calm => Script::stream(&begun.complete()),
            0 => Script::stream(&begun),
            1 => Script::stream(&call(begun, n, (0, 0), "weather").complete()),
            2 => refusal(429, "rate_limit_exceeded", "Slow down."),
            3 => refusal(400, "context_length_exceeded", "Too long."),
            _ => Script::stream(&begun.complete()),
        }
    }

    fn responds(&mut self, n: u64, thinks: bool) -> Script {
        match self.random.u8(..40) {
            _ if self.calm => {}
            0 => return refusal(503, "server_error", "Not now."),
            1 | 2 => return refusal(429, "rate_limit_exceeded", "Slow down."),
            3 | 4 => return refusal(400, "context_length_exceeded", "Too long."),
            5 | 6 if thinks => {
                let why = "The encrypted content could not be verified.";
                return refusal(400, "invalid_encrypted_content", why);
            }
            7 => return Script::sse(),
            8 => return refusal(401, "invalid_api_key", "Wrong key."),
            9 => {
                let error = json!({"message": "Slow down.", "code": "rate_limit_exceeded"});
                return Script::json(200, &json!({ "error": error }));
            }
            10 => return refusal(413, "too_large", "Request Entity Too Large"),
            _ => {}
        }
        let mut stream = response(n);
        self.one_id = self.random.u8(..6) == 0;
        for k in 0..self.random.u64(..5) {
            stream = self.piece(stream, n, k);
        }
        if self.calm {
            return Script::stream(&text(stream, n, 9, None).complete());
        }
        Script::stream(&match self.random.u8(..12) {
            0 => stream.push(ev::incomplete("max_output_tokens")),
            1 => half_a_call(stream).push(ev::incomplete("max_output_tokens")),
            2 => stream.push(ev::incomplete("content_filter")),
            3 => stream,
            4 => half(stream, n),
            5 => half_a_call(stream),
            6 => half(stream, n).push(ev::failed("server_error", "It broke.")),
            7 => stream.push(ev::error_flat("rate_limit_exceeded", "Slow.")),
            8 => stream.complete().drop_type("response.created"),
            _ => stream.complete(),
        })
    }

    fn piece(&mut self, stream: Stream, n: u64, k: u64) -> Stream {
        let id = if self.one_id { 0 } else { k };
        match self.random.u8(..20) {
            0..4 => text(stream, n, k, None),
            4 => text(stream, n, k, Some("commentary")),
            5 => text(stream, n, k, Some("final_answer")),
            6 | 7 => {
                let item = Item::reasoning("").with("encrypted_content", format!("<{n}.{k} enc>"));
                stream.push(ev::reasoning_added()).push(ev::item_done(item))
            }
            8 => stream.message([" \n"]),
            9 => call(stream, n, (k, id), "nothing"),
            10 => hosted(stream, n, k),
            11 => custom_call(stream, n, (k, id)),
            12 => refuses(stream, n, k),
            13 | 14 => call(stream, n, (k, id), "asks"),
            15 => call(stream, n, (k, id), "takes_long"),
            _ => call(stream, n, (k, id), "weather"),
        }
    }
}

fn refusal(status: u16, code: &str, message: &str) -> Script {
    Script::error(status, "error", Some(code), message)
}

fn text(stream: Stream, n: u64, k: u64, phase: Option<&str>) -> Stream {
    let text = format!("<{n}.{k} said>");
    let item = |item: Item| match phase {
        Some(phase) => item.with("phase", phase),
        None => item,
    };
    let (one, two) = text.split_at(3);
    stream
        .push(ev::item_added(item(Item::open_message())))
        .push(ev::part_added())
        .push(ev::text_delta(one))
        .push(ev::text_delta(two))
        .push(ev::text_done(&text))
        .push(ev::part_done(&text))
        .push(ev::item_done(item(Item::message(&text))))
}

/// Relays count their calls from 0 in every response.
fn call(stream: Stream, n: u64, (k, id): (u64, u64), name: &str) -> Stream {
    let item = Item::raw(json!({
        "type": "function_call",
        "id": format!("fc_{n}_{k}"),
        "call_id": format!("call_{id}"),
        "name": name,
        "arguments": json!({ "city": format!("<{n}.{k} city>") }).to_string(),
        "status": "completed",
    }));
    let open = item
        .clone()
        .with("arguments", "")
        .with("status", "in_progress");
    stream.push(ev::item_added(open)).push(ev::item_done(item))
}

fn custom_call(stream: Stream, n: u64, (k, id): (u64, u64)) -> Stream {
    let item = Item::raw(json!({
        "type": "custom_tool_call",
        "id": format!("ctc_{n}_{k}"),
        "call_id": format!("call_{id}"),
        "name": "weather",
        "input": format!("<{n}.{k} city>"),
        "status": "completed",
    }));
    let open = item.clone().with("input", "").with("status", "in_progress");
    stream.push(ev::item_added(open)).push(ev::item_done(item))
}

fn refuses(stream: Stream, n: u64, k: u64) -> Stream {
    let refusal = format!("<{n}.{k} refused>");
    let content = json!([{"type": "refusal", "refusal": refusal}]);
    stream
        .push(ev::message_added())
        .push(ev::refusal_delta(&refusal))
        .push(ev::refusal_done(&refusal))
        .push(ev::item_done(Item::message("").with("content", content)))
}

fn hosted(stream: Stream, n: u64, k: u64) -> Stream {
    let item =
        json!({"type": "web_search_call", "id": format!("ws_{n}_{k}"), "status": "completed"});
    let item = Item::raw(item);
    let open = item.clone().with("status", "in_progress");
    stream.push(ev::item_added(open)).push(ev::item_done(item))
}

fn half(stream: Stream, n: u64) -> Stream {
    stream
        .push(ev::message_added())
        .push(ev::part_added())
        .push(ev::text_delta(&format!("<{n} lost>")))
}

fn half_a_call(stream: Stream) -> Stream {
    stream
        .push(ev::call_added("weather"))
        .push(ev::arguments_delta("{\"city\":\"lo"))
}
