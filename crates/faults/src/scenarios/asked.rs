//! Answers that look at what was asked, and some that do not: DEVIATIONS 4.6, 5.1, 6.7, 6.16, 9.9.

use std::time::Duration;

use serde_json::{Value, json};

use super::Turn;
use crate::ev;
use crate::obedient;
use crate::script::{Script, Step};
use crate::stream::Stream;

impl Turn {
    /// What the request asks for, all of it.
    fn obedient(&self) -> Stream {
        obedient::answer_saying(self.number, &self.body, &self.words)
    }
}

pub(super) fn endpoint(turn: &Turn) -> Script {
    Script::stream(&turn.obedient())
}

/// 9.9.
pub(super) fn tool_choice_ignored(turn: &Turn) -> Script {
    match obedient::forced(&turn.body) {
        Some(_) => Script::stream(&turn.plain_text()),
        None => endpoint(turn),
    }
}

/// 4.6.
pub(super) fn limit_completed(turn: &Turn) -> Script {
    match obedient::is_cut(&turn.body) {
        true => Script::stream(&obedient::cut_and_completed(turn.stream().prelude())),
        false => endpoint(turn),
    }
}

/// 6.7.
pub(super) fn sse_for_json(turn: &Turn) -> Script {
    turn.refusal.clone().unwrap_or_else(|| endpoint(turn))
}

/// 5.1.
pub(super) fn refused_in_stream(turn: &Turn) -> Script {
    if turn.refusal.is_some() {
        let failed = ev::failed("invalid_request", "The relay refuses on purpose.");
        return Script::stream(&turn.stream().prelude().push(failed));
    }
    match turn.body.get("stream") {
        Some(Value::Bool(false)) => turn.object(),
        _ => endpoint(turn),
    }
}

/// 7.2: a function that takes one text gets `echo hello` the first time, whatever it is called.
pub(super) fn functions_only(turn: &Turn) -> Script {
    let list = |name: &str| turn.body[name].as_array().cloned().unwrap_or_default();
    let tools = list("tools");
    if tools.iter().any(|tool| tool["type"] != "function") {
        let message = "Only type:\"function\" tools are supported";
        return Script::error(400, "invalid_request_error", None, message);
    }
    let answered = list("input")
        .iter()
        .any(|item| item["type"] == "function_call_output");
    let takes_text = |tool: &&Value| tool["parameters"]["required"] == json!(["input"]);
    match tools.iter().find(takes_text).filter(|_| !answered) {
        Some(tool) => {
            let name = tool["name"].as_str().unwrap_or_default();
            let whole = ["{\"", "input", "\":\"echo", " hello", "\\n\"}"];
            Script::stream(&turn.stream().prelude().call(name, whole).complete())
        }
        None => Script::stream(&turn.text()),
    }
}

/// 6.16: what a proxy makes of a stream that it collects first.
pub(super) fn buffered(turn: &Turn) -> Script {
    Script::sse()
        .step(Step::Delay(Duration::from_millis(1500)))
        .send(turn.obedient().to_bytes())
}
