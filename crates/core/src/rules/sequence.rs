//! Sequence numbers.

use crate::event::{Class, Field};
use crate::mend::Mend;
use crate::violation::Code;

use super::{Grade, NAMED, Rule, say};

fn renumber(mend: &mut Mend<'_>) {
    mend.model.renumber = true;
}

/// No `sequence_number`.
pub(super) static MISSING: Rule = Rule {
    code: Code("sequence-missing"),
    sdk: Grade::No,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "Every event has an integer `sequence_number`.",
    mends: "The events are numbered from 0, or from the last number that was sent.",
    advice: "Number all events of a stream 0, 1, 2, …, your own included. Mind serialisers that leave out a 0.",
    evidence: "DEVIATIONS 2.2; Effect-TS/effect#8037, Wei-Shaw/sub2api#7129 (Grok CLI: \"missing field `sequence_number`\")",
    fixture: "sequence-missing",
    on: NAMED,
    inspect: |look| {
        // Under `portable` an unknown event is dropped; a vendor's has a number like every other.
        let dropped = look.class == Class::Unknown && !look.is_open();
        let missing = !dropped && look.event.integer(Field::SequenceNumber).is_none();
        if missing {
            say("The event has no integer `sequence_number`")
        } else {
            None
        }
    },
    mend: renumber,
};

/// A frame that comes twice.
pub(crate) static EVENT_REPEATED: Rule = Rule {
    code: Code("event-repeated"),
    sdk: Grade::Info,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "No event is sent twice, number and all.",
    mends: "The second one is dropped. Only an event that is byte for byte the one before it is taken for one, and only where the numbers rose until then: a relay that does not count means what it says.",
    advice: "Look for what retries a write that went through, between your upstream and your client: the same frame under the same `sequence_number` is text that is shown twice.",
    evidence: "DEVIATIONS 1.7 (a gateway that forwarded again what it had peeked at); tenet 2",
    fixture: "event-repeated",
    on: NAMED,
    inspect: |look| {
        let before = look.model.upstream_sequence;
        if look.model.numbers.repeats(look.event, before) {
            say("The event is the one before it once more, its number included")
        } else {
            None
        }
    },
    mend: |mend| mend.drop_event(),
};

/// A `sequence_number` that does not grow.
pub(crate) static NOT_INCREASING: Rule = Rule {
    code: Code("sequence-not-increasing"),
    sdk: Grade::No,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "`sequence_number` increases from event to event.",
    mends: "The events are numbered from the last number that was sent.",
    advice: "Number events last, where they are written out, behind everything that inserts, drops or moves some.",
    evidence: "DEVIATIONS 2.10; BerriAI/litellm#28899, ENTERPILOT/GoModel#953",
    fixture: "sequence-not-increasing",
    on: NAMED,
    inspect: |look| {
        if look.class == Class::Unknown && !look.is_open() {
            return None;
        }
        let number = look.event.integer(Field::SequenceNumber)?;
        let last = look.model.upstream_sequence?;
        (number <= last).then(|| format!("`sequence_number` {number} follows {last}").into())
    },
    mend: renumber,
};
