//! Events that are not in the protocol.

use crate::event::Class;
use crate::schema::has_prefix;
use crate::violation::Code;

use super::{Grade, Rule};

/// Readers ignore them, except openai-node, which throws on any.
pub(super) static UNKNOWN_EVENT: Rule = Rule {
    code: Code("unknown-event"),
    sdk: Grade::Info,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "Every event is one of the protocol's; Open Responses allows a vendor's under the vendor's prefix.",
    mends: "The event is dropped.",
    advice: "Send only events of the protocol. Keep the connection alive with a comment (`: keepalive`) instead of an event of your own.",
    evidence: "DEVIATIONS 3.10; openai/openai-node#1964 (\"Unhandled response stream event\"), openai/openai-java#767, openai-php/client#732",
    fixture: "unknown-event",
    on: &[Class::Unknown],
    inspect: |look| {
        if look.is_open() && has_prefix(&look.event.type_name()) {
            return None;
        }
        Some(format!("`{}` is no event of the protocol", look.event.type_name()).into())
    },
    mend: |mend| mend.drop_event(),
};
