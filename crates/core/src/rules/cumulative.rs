//! Deltas that repeat the whole text so far: never guessed, only taken as such where the user says so.

use crate::event::{Class, Field};
use crate::json::quote;
use crate::mend::Mend;
use crate::model::Look;
use crate::violation::Code;

use super::{Grade, Rule, say};

/// A delta that begins with everything that was delivered before it, where `compat.cumulative_deltas` is on.
pub(super) static CUMULATIVE_DELTAS: Rule = Rule {
    code: Code("cumulative-deltas"),
    sdk: Grade::Violation,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "A delta holds what is new, not the whole text so far. Judged only under `compat.cumulative_deltas`; else it is named at done.",
    mends: "What was delivered is taken off the delta; one that brings nothing new is dropped.",
    advice: "Send in each delta only what was generated since the last one.",
    evidence: "DEVIATIONS 3.13; Nomadcxx/opencode-cursor#41",
    fixture: "cumulative-deltas",
    on: &[Class::TextDelta, Class::CallDelta],
    inspect: |look| {
        if !look.model.cumulative {
            return None;
        }
        let delivered = delivered(look)?;
        let delta = look.event.text(Field::Delta)?;
        if delivered.is_empty() || !delta.starts_with(delivered) {
            return None;
        }
        say("The delta repeats the text so far")
    },
    mend,
};

fn delivered<'a>(look: &Look<'a>) -> Option<&'a str> {
    let slot = look.slot()?;
    match look.class {
        Class::CallDelta => Some(&slot.payload),
        _ => Some(&slot.parts(look.text_kind()?)[look.part?].text),
    }
}

fn mend(mend: &mut Mend<'_>) {
    let Some(at) = mend.slot else { return };
    let slot = mend.slot_ref(at);
    let delivered = match (mend.kind.class(), mend.part) {
        (Class::CallDelta, _) => Some(slot.payload.as_str()),
        (_, Some(part)) => mend
            .text_kind()
            .and_then(|kind| slot.parts(kind).get(part))
            .map(|part| part.text.as_str()),
        _ => None,
    };
    let delta = mend.event.text(Field::Delta).unwrap_or_default();
    match delivered.and_then(|delivered| delta.strip_prefix(delivered)) {
        Some("") => mend.drop_event(),
        Some(rest) => mend.draft.set("delta", quote(rest)),
        None => {}
    }
}

/// How many deltas are looked for, and in a text of how many bytes: the search is quadratic, and it is for a message only.
const DELTAS: usize = 1024;
const LONGEST: usize = 8 << 10;

/// Whether `delivered` is what deltas make that each repeat the text so far, `whole` being the last of them.
pub(super) fn looks_cumulative(delivered: &str, whole: &str) -> bool {
    if whole.len() > LONGEST {
        return false;
    }
    let Some(mut before) = delivered.strip_suffix(whole) else {
        return false;
    };
    let (mut longest, mut deltas) = (whole, 0);
    while !before.is_empty() && !longest.is_empty() && deltas < DELTAS {
        let cuts = longest
            .char_indices()
            .map(|(at, _)| at)
            .filter(|at| *at > 0);
        let previous = cuts
            .rev()
            .map(|at| &longest[..at])
            .find(|text| before.ends_with(text));
        let Some(previous) = previous else {
            return false;
        };
        before = &before[..before.len() - previous.len()];
        longest = previous;
        deltas += 1;
    }
    before.is_empty() && deltas > 0
}

#[cfg(test)]
mod tests {
    use super::looks_cumulative;

    #[test]
    fn cumulative_deltas_are_told_from_their_sum() {
        for (deltas, whole, expected) in [
            (&["H", "He", "Hello"][..], "Hello", true),
            (&["Grüße", "Grüße an"], "Grüße an", true),
            (&["Hello"], "Hello", false),
            (&["Hello", " you"], "Hello you", false),
            (&["Hello", " you"], " you", false),
            (&["He", "llo"], "other", false),
            (&["Hello"], "", false),
        ] {
            assert_eq!(
                looks_cumulative(&deltas.concat(), whole),
                expected,
                "{deltas:?}"
            );
        }
    }
}
