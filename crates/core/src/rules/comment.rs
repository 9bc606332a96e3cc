//! Comments in a stream that sets `id:`.

use crate::event::Class;
use crate::sse::Frame;
use crate::violation::Code;

use super::{Grade, Rule, say};

/// A comment with its own blank line behind an `id:` field: openai-python takes it for an event without data.
pub(super) static COMMENT_AFTER_ID: Rule = Rule {
    code: Code("comment-after-id"),
    sdk: Grade::Violation,
    portable: Grade::Violation,
    open: Grade::Info,
    demands: "In a stream that sets `id:`, no comment stands alone between two blank lines.",
    mends: "The comment goes out as a line of the next event, without a blank line of its own.",
    advice: "Leave `id:` out: nobody resumes by it. Or write keep-alive comments without an empty line behind them.",
    evidence: "DEVIATIONS 6.11; openai/openai-python#2722, theopenco/llmgateway#2334",
    fixture: "comment-after-id",
    on: &[Class::Comment],
    inspect: |look| {
        let stands_alone = [&b"\n\n"[..], b"\r\r", b"\r\n\r\n"]
            .iter()
            .any(|end| look.event.frame().raw().ends_with(end));
        if look.model.id_line && stands_alone {
            say(
                "The comment's blank line stands for an event without data, since the stream has set `id:`",
            )
        } else {
            None
        }
    },
    mend: |mend| {
        let words = mend.event.frame().comment_text();
        if words.is_empty() || mend.model.terminal.is_some() {
            // Nothing follows that it could be a line of.
            return mend.drop_event();
        }
        mend.draft.frame = Some(Frame::comment_line(&words));
    },
};
