//! The token counts of a response.

use crate::event::{Class, Event, Field};
use crate::json::{Object, is_object};
use crate::usage::{self, Details, Usage};
use crate::violation::Code;

use super::{Grade, Rule};

/// Half a usage: codex-rs fails the parse, throws the finished turn away and asks again.
pub(super) static USAGE_INCOMPLETE: Rule = Rule {
    code: Code("usage-incomplete"),
    sdk: Grade::No,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "`usage` stands in the `response`, and is null, or has integer input, output and total tokens, and each details object its count.",
    mends: "A usage beside the response is taken in. Counts under chat names get their own, a missing total is the sum; details without their count are taken out; a usage that cannot be made whole so becomes null. No count is made up.",
    advice: "Send `usage` with integer `input_tokens`, `output_tokens` and `total_tokens`, and with `input_tokens_details.cached_tokens` and `output_tokens_details.reasoning_tokens`; send null where you do not count.",
    evidence: "DEVIATIONS 10.1, 10.2; router-for-me/CLIProxyAPI#4985, BigPizzaV3/CodexPlusPlus#1908",
    fixture: "usage-chat-names",
    on: &[Class::Prelude, Class::Terminal],
    inspect: |look| {
        if beside(look.event, &look.nested).is_some() {
            return Some("The usage stands beside the response, and not in it".into());
        }
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
        let beside = beside(mend.event, &response);
        let Some(raw) = beside.or_else(|| response.get("usage")) else {
            return;
        };
        let whole = match usage::judge(raw, Details::under(mend.profile)) {
            Usage::Whole if beside.is_none() => return,
            Usage::Whole => raw.to_owned(),
            Usage::Mended(whole) => whole,
            Usage::Lost => "null".to_owned(),
        };
        mend.draft.set_nested("usage", whole);
    },
};

/// The usage of a response that has none in it, at the top level of its event.
fn beside<'e>(event: &'e Event, response: &Object<'_>) -> Option<&'e str> {
    let usage = event.present(Field::Usage).filter(|raw| is_object(raw));
    usage.filter(|_| response.present("usage").is_none())
}
