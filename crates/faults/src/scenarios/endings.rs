//! Streams that break off: EOF, cut, reset and silence, at each stage. DEVIATIONS 4.1, 6.3 to 6.5.

use std::time::Duration;

use bytes::Bytes;

use super::Turn;
use crate::script::{Script, Step};

/// How far the conforming text stream gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    BeforeHeaders,
    /// Created and in progress were sent.
    BeforeContent,
    /// Two deltas were sent.
    MidText,
    /// Two deltas and half of the third's frame were sent.
    MidFrame,
    /// Everything but the terminal was sent.
    AfterItemDone,
}

/// The body ends as HTTP wants it; the stream does not.
pub(super) fn eof(turn: &Turn, stage: Stage) -> Script {
    up_to(turn, stage, Step::End)
}

pub(super) fn reset(turn: &Turn, stage: Stage) -> Script {
    up_to(turn, stage, Step::Reset)
}

pub(super) fn stall(turn: &Turn, stage: Stage) -> Script {
    up_to(turn, stage, Step::HoldOpen)
}

/// `chunked-end-missing` within the text.
pub(super) fn cut_mid_text(turn: &Turn) -> Script {
    up_to(turn, Stage::MidText, Step::Cut)
}

/// `chunked-end-missing` where nothing is lost by it (4.10).
pub(super) fn cut_after_terminal(turn: &Turn) -> Script {
    Script::stream(&turn.text()).cut()
}

/// 6.4: alive, and going nowhere.
pub(super) fn comments_forever(turn: &Turn) -> Script {
    let bytes = Bytes::from_static(b": keep-alive\n\n");
    let every = Duration::from_secs(1);
    Script::stream(&turn.text().take(2)).step(Step::Repeat {
        bytes,
        every,
        times: None,
    })
}

fn up_to(turn: &Turn, stage: Stage, end: Step) -> Script {
    let script = match stage {
        Stage::BeforeHeaders => Script::raw(),
        Stage::BeforeContent => Script::stream(&turn.text().take(2)),
        Stage::MidText => Script::stream(&turn.half()),
        Stage::MidFrame => {
            let half = turn.half();
            let sent = half.frames().len();
            let next = turn
                .text()
                .frames()
                .into_iter()
                .nth(sent)
                .unwrap_or_default();
            Script::stream(&half).send(next.slice(..next.len() / 2))
        }
        Stage::AfterItemDone => Script::stream(&turn.text().before("response.completed")),
    };
    script.step(end)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use crate::scenario;

    #[test]
    fn each_stage_is_a_longer_beginning_of_the_conforming_stream() {
        let whole = scenario("text").unwrap().script(0).body();
        let stages = [
            "before-headers",
            "before-content",
            "mid-text",
            "mid-frame",
            "after-item-done",
        ];
        for end in ["eof", "reset", "stall"] {
            let mut before = None;
            for stage in stages {
                let body = scenario(&format!("{end}-{stage}"))
                    .unwrap()
                    .script(0)
                    .body();
                assert!(whole.starts_with(&body), "{end}-{stage}");
                assert!(
                    before.is_none_or(|before| before < body.len()),
                    "{end}-{stage}"
                );
                before = Some(body.len());
            }
        }
    }

    #[test]
    fn a_stage_within_a_frame_ends_without_a_blank_line() {
        let body = scenario("eof-mid-frame").unwrap().script(0).body();
        assert!(!body.ends_with(b"\n"));
    }
}
