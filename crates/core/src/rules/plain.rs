//! The rules that a plain delta ([`Model::plain`](crate::model::Model::plain)) cannot break, and what is asked of one.

use std::sync::LazyLock;

use crate::event::Class;
use crate::model::Look;
use crate::violation::{Code, Profile};

use super::{
    FRAMING, Finding, Grade, RULES, Rule, arguments, ask, call_id, call_identity, created,
    cumulative, delta, error, framing, item_fields, item_id, item_not_added, json_text, junk,
    naming, output_index, part, prefilled, sequence,
};

/// What [`Model::plain`](crate::model::Model::plain) asks is enough for these. A rule that is not listed is asked of every
/// delta; a new one is listed when the fast look asks what it needs.
static MET: &[&Rule] = &[
    &junk::INVALID_UTF8,
    &json_text::DUPLICATE_KEY,
    &json_text::LONE_SURROGATE,
    &naming::TYPE_MISSING,
    &naming::EVENT_ALIAS,
    &naming::EVENT_NAME_MISMATCH,
    &created::CREATED_MISSING,
    &error::ERROR_SHAPE,
    &call_identity::CALL_IDENTITY_CHANGED,
    &cumulative::CUMULATIVE_DELTAS,
    &delta::DELTA_NOT_STRING,
    &delta::DELTA_AFTER_DONE,
    &prefilled::PREFILLED_ADDED,
    &item_not_added::ITEM_NOT_ADDED,
    &call_id::AMBIGUOUS,
    &item_fields::ITEM_FIELDS_MISSING,
    &arguments::OBFUSCATED,
    &item_id::MISSING,
    &item_id::CHANGED,
    &output_index::MISSING,
    &output_index::CHANGED,
    &part::CONTENT_INDEX_MISSING,
    &part::PART_NOT_ADDED,
    &sequence::EVENT_REPEATED,
    &sequence::MISSING,
    &sequence::NOT_INCREASING,
];

/// What these set in a delta depends on how it names its item, its part and itself, and not on its text: so it is the
/// same for the next delta that does so in the same way.
static OF_THE_ADDRESS: &[&Rule] = &[
    &framing::CRLF,
    &framing::BARE_CR,
    &framing::BLANK_LINE_MISSING,
    &naming::EVENT_ALIAS,
    &naming::EVENT_NAME_MISMATCH,
    &item_id::MISSING,
    &item_id::CHANGED,
    &output_index::MISSING,
    &output_index::CHANGED,
    &part::CONTENT_INDEX_MISSING,
    &sequence::MISSING,
    &sequence::NOT_INCREASING,
];

/// The rule is one of those.
pub(crate) fn is_of_the_address(rule: &'static Rule) -> bool {
    OF_THE_ADDRESS
        .iter()
        .any(|known| std::ptr::eq(*known, rule))
}

/// For each profile, what is asked of a plain delta of text and of a plain delta of a call.
static ASKED: LazyLock<[[Vec<&'static Rule>; 2]; Profile::ALL.len()]> = LazyLock::new(|| {
    let of = |profile: Profile, class: Class| -> Vec<&'static Rule> {
        let asked = |rule: &&&'static Rule| {
            let met = MET.iter().any(|met| std::ptr::eq(*met, **rule));
            !met && rule.on.contains(&class) && rule.grade(profile) != Grade::No
        };
        RULES[FRAMING..].iter().filter(asked).copied().collect()
    };
    let both = |profile| [Class::TextDelta, Class::CallDelta].map(|class| of(profile, class));
    std::array::from_fn(|at| both(Profile::ALL[at]))
});

fn asked(profile: Profile, class: Class) -> &'static [&'static Rule] {
    &ASKED[profile as usize][usize::from(class == Class::CallDelta)]
}

/// A rule is to be asked of plain deltas of this class.
pub(crate) fn breakable_by_plain(profile: Profile, class: Class) -> bool {
    !asked(profile, class).is_empty()
}

/// Asks the rules that a plain delta can break.
pub(crate) fn inspect_plain(look: &Look<'_>, without: &[Code], findings: &mut Vec<Finding>) {
    for rule in asked(look.profile, look.class) {
        ask(rule, look, without, findings);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_to_ask() {
        // Under `open-responses` no delta is plain: each is asked about its schema.
        for profile in [Profile::OpenAiSdk, Profile::Portable] {
            for class in [Class::TextDelta, Class::CallDelta] {
                let asked: Vec<Code> = asked(profile, class).iter().map(|rule| rule.code).collect();
                assert_eq!(
                    asked,
                    [],
                    "every delta is slow: let `Model::plain` ask what they need"
                );
            }
        }
    }
}
