//! JSON that strict parsers refuse although others read it.

use crate::json::{Edit, has_lone_surrogate};
use crate::violation::Code;

use super::{Grade, OBJECTS, Rule, say};

/// A key that stands twice. Python and JavaScript take the last one; serde refuses the event.
pub(super) static DUPLICATE_KEY: Rule = Rule {
    code: Code("duplicate-key"),
    sdk: Grade::Info,
    portable: Grade::Violation,
    open: Grade::Info,
    demands: "No key stands twice in an object.",
    mends: "The last of them stays.",
    advice: "Where a field is added to JSON that came from elsewhere, replace the one that is there.",
    evidence: "PROTOCOL.md, framing; a derived serde struct fails on it",
    fixture: "duplicate-key",
    on: OBJECTS,
    inspect: |look| {
        if look.event.has_duplicates() || look.nested.has_duplicates() {
            say("A key stands twice")
        } else {
            None
        }
    },
    mend: |mend| {
        mend.draft.edit(Edit::Deduplicate);
        mend.draft.edit_nested([Edit::Deduplicate]);
    },
};

/// Half of a surrogate pair: legal JSON text, and no Unicode.
pub(super) static LONE_SURROGATE: Rule = Rule {
    code: Code("lone-surrogate"),
    sdk: Grade::Info,
    portable: Grade::Violation,
    open: Grade::Info,
    demands: "Escaped surrogates come in pairs.",
    mends: "The half becomes U+FFFD.",
    advice: "Cut text into deltas between characters, not between UTF-16 units.",
    evidence: "PROTOCOL.md, framing; DEVIATIONS 6.6",
    fixture: "lone-surrogate",
    on: OBJECTS,
    inspect: |look| {
        if has_lone_surrogate(look.event.frame().data()) {
            say("A string holds half of a surrogate pair")
        } else {
            None
        }
    },
    mend: |mend| mend.draft.surrogates = true,
};
