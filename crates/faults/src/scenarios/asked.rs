//! Answers that look at what was asked, and some that do not: DEVIATIONS 4.6, 5.1, 6.7, 6.16, 9.9.

use std::time::Duration;

use serde_json::Value;

use super::Turn;
use crate::ev;
use crate::obedient;
use crate::script::{Script, Step};
use crate::stream::Stream;

impl Turn {
    /// What the request asks for, all of it.
    fn obedient(&self) -> Stream {
        obedient::answer_to(self.number, &self.body)
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

/// 6.16: what a proxy makes of a stream that it collects first.
pub(super) fn buffered(turn: &Turn) -> Script {
    Script::sse()
        .step(Step::Delay(Duration::from_millis(1500)))
        .send(turn.obedient().to_bytes())
}
