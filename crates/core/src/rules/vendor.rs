//! Events that a vendor defines.

use crate::event::Class;
use crate::schema::has_prefix;
use crate::violation::Code;

use super::{Grade, Rule};

/// An event of a vendor's own, as Open Responses allows it: `acme:trace_event`.
pub(super) static VENDOR_EVENT: Rule = Rule {
    code: Code("vendor-event"),
    sdk: Grade::No,
    portable: Grade::No,
    open: Grade::Info,
    demands: "Clients ignore the events of vendors that they do not know.",
    mends: "The event passes under `open-responses`.",
    advice: "Leave it out for clients of OpenAI's own API: openai-node throws on every event that it does not know.",
    evidence: "The specification, extending streaming events; openai/openai-node#1964",
    fixture: "vendor-event",
    on: &[Class::Unknown],
    inspect: |look| {
        let name = look.event.type_name();
        has_prefix(&name).then(|| format!("`{name}` is an event of a vendor's own").into())
    },
    mend: |_| {},
};
