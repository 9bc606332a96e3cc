//! Events that are not in the protocol.

use crate::event::Class;
use crate::violation::Code;

use super::{Grade, Rule};

/// Readers ignore them, except openai-node, which throws on any.
pub(super) static UNKNOWN_EVENT: Rule = Rule {
    code: Code("unknown-event"),
    sdk: Grade::Info,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "Every event is one of the protocol's.",
    mends: "The event is dropped.",
    advice: "Send only events of the protocol. Keep the connection alive with a comment (`: keepalive`) instead of an event of your own.",
    evidence: "DEVIATIONS 3.10; openai/openai-node#1964 (\"Unhandled response stream event\"), openai/openai-java#767, openai-php/client#732",
    fixture: "unknown-event",
    on: &[Class::Unknown],
    inspect: |look| {
        Some(format!("`{}` is no event of the protocol", look.event.type_name()).into())
    },
    mend: |mend| mend.drop_event(),
};
