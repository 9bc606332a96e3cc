//! The token counts of a response.

use crate::event::{Class, Field};
use crate::json::Object;
use crate::usage::{self, Details, Usage};
use crate::violation::Code;

use super::{Grade, Rule};

/// Half a usage: codex-rs fails the parse, throws the finished turn away and asks again.
pub(super) static USAGE_INCOMPLETE: Rule = Rule {
    code: Code("usage-incomplete"),
    sdk: Grade::No,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "`usage` is null, or has integer input, output and total tokens, and each details object its count.",
    mends: "Counts under chat names get their own, a missing total is the sum; details without their count are taken out; a usage that cannot be made whole so becomes null. No count is made up.",
    advice: "Send `usage` with integer `input_tokens`, `output_tokens` and `total_tokens`, and with `input_tokens_details.cached_tokens` and `output_tokens_details.reasoning_tokens`; send null where you do not count.",
    evidence: "DEVIATIONS 10.1, 10.2; router-for-me/CLIProxyAPI#4985, BigPizzaV3/CodexPlusPlus#1908",
    fixture: "usage-chat-names",
    on: &[Class::Prelude, Class::Terminal],
    inspect: |look| {
        let raw = look.nested.get("usage")?;
        let details = Details::under(look.profile);
        if usage::judge(raw, details) == Usage::Whole {
            return None;
        }
        let lacks = usage::lacks(raw, details).join("`, `");
        Some(format!("The response's usage lacks `{lacks}`").into())
    },
    mend: |mend| {
        let response = mend.draft.current(mend.event, Field::Response);
        let response = response.and_then(Object::parse).unwrap_or_default();
        let Some(raw) = response.get("usage") else {
            return;
        };
        let whole = match usage::judge(raw, Details::under(mend.profile)) {
            Usage::Whole => return,
            Usage::Mended(whole) => whole,
            Usage::Lost => "null".to_owned(),
        };
        mend.draft.set_nested("usage", whole);
    },
};
