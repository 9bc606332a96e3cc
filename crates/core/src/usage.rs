//! Token counts: whole, or made whole from the upstream's own numbers, or nothing (DEVIATIONS, group 10).
//!
//! Strict readers fail on half a usage, and throw the finished turn away with it: codex-rs wants integer input, output
//! and total tokens, and the inner count of a details object that is there. What is missing is never made up: counts
//! under their chat-completion names get their own; a total is the sum of its two parts, which is arithmetic; details
//! without their count are taken out; counts that cannot be made whole so are dropped.

use crate::json::{self, Edit, Object, edit};
use crate::violation::Profile;

/// A count, and what chat completions call it.
const COUNTS: [(&str, &str); 2] = [
    ("input_tokens", "prompt_tokens"),
    ("output_tokens", "completion_tokens"),
];
const TOTAL: &str = "total_tokens";

/// A details object, what chat completions call it, and the count that it cannot be without.
const DETAILS: [(&str, &str, &str); 2] = [
    (
        "input_tokens_details",
        "prompt_tokens_details",
        "cached_tokens",
    ),
    (
        "output_tokens_details",
        "completion_tokens_details",
        "reasoning_tokens",
    ),
];

/// Whether a usage may be without its details objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Details {
    /// They may be missing; one that is there is whole.
    Optional,
    /// Both are there: the public schema.
    Required,
}

impl Details {
    /// The public schema has no usage without them.
    pub(crate) fn under(profile: Profile) -> Self {
        if profile == Profile::OpenResponses {
            Self::Required
        } else {
            Self::Optional
        }
    }
}

/// What a usage is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Usage {
    /// Nothing is missing.
    Whole,
    /// Something was; this is the upstream's own numbers as the protocol writes them.
    Mended(String),
    /// It cannot be made whole without inventing.
    Lost,
}

/// Judges the raw value of `usage`.
pub(crate) fn judge(raw: &str, details: Details) -> Usage {
    if raw == "null" {
        return Usage::Whole;
    }
    let Some(usage) = Object::parse(raw) else {
        return Usage::Lost;
    };
    let mut edits = Vec::new();
    let mut sum = Some(0u64);
    for (name, chat) in COUNTS {
        let Some((count, from)) = [name, chat]
            .into_iter()
            .find_map(|from| Some((count(usage.get(from)?)?, from)))
        else {
            return Usage::Lost;
        };
        sum = sum.and_then(|sum| sum.checked_add(count));
        if from != name {
            edits.push(Edit::Remove(from.to_owned()));
        }
        if !usage.get(name).is_some_and(is_count) {
            edits.push(Edit::Set(name, count.to_string()));
        }
    }
    if !usage.get(TOTAL).is_some_and(is_count) {
        let Some(total) = usage.get(TOTAL).and_then(count).or(sum) else {
            return Usage::Lost;
        };
        edits.push(Edit::Set(TOTAL, total.to_string()));
    }
    for (name, chat, inner) in DETAILS {
        let whole = |raw: &&str| Object::parse(raw).is_some_and(|of| has_count(&of, inner));
        match usage.get(name) {
            Some(raw) if whole(&raw) => {}
            Some("null") | None if usage.get(chat).is_none() && details == Details::Optional => {}
            _ => match usage.get(chat).filter(whole) {
                Some(raw) => {
                    edits.push(Edit::Remove(chat.to_owned()));
                    edits.push(Edit::Set(name, raw.to_owned()));
                }
                None if details == Details::Required => return Usage::Lost,
                None => edits.extend([name, chat].map(|key| Edit::Remove(key.to_owned()))),
            },
        }
    }
    if edits.is_empty() {
        Usage::Whole
    } else {
        Usage::Mended(edit(raw, &edits))
    }
}

/// What a usage that is not whole lacks, for a message: the names of its own fields.
pub(crate) fn lacks(raw: &str, details: Details) -> Vec<String> {
    let usage = Object::parse(raw).unwrap_or_default();
    let counts = COUNTS.iter().map(|(name, _)| *name).chain([TOTAL]);
    let mut names: Vec<String> = counts
        .filter(|name| !usage.get(name).is_some_and(is_count))
        .map(str::to_owned)
        .collect();
    for (name, _, inner) in DETAILS {
        match usage.present(name) {
            Some(raw) if Object::parse(raw).is_some_and(|of| has_count(&of, inner)) => {}
            None if details == Details::Optional => {}
            _ => names.push(format!("{name}.{inner}")),
        }
    }
    names
}

fn has_count(object: &Object<'_>, name: &str) -> bool {
    object.get(name).is_some_and(is_count)
}

fn is_count(raw: &str) -> bool {
    json::integer(raw.as_bytes()).is_some()
}

/// A count however it is written: `7`, `7.0` and `"7"` are one number.
fn count(raw: &str) -> Option<u64> {
    let bare = raw
        .strip_prefix('"')
        .and_then(|raw| raw.strip_suffix('"'))
        .unwrap_or(raw);
    let whole = bare
        .split_once('.')
        .filter(|(_, rest)| !rest.is_empty() && rest.bytes().all(|digit| digit == b'0'))
        .map_or(bare, |(whole, _)| whole);
    json::integer(whole.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mended(raw: &str) -> Usage {
        Usage::Mended(raw.to_owned())
    }

    #[test]
    fn what_is_whole_is_left_alone() {
        for raw in [
            "null",
            r#"{"input_tokens":1,"output_tokens":2,"total_tokens":3}"#,
            r#"{"input_tokens":1,"input_tokens_details":null,"output_tokens":2,"total_tokens":9}"#,
            r#"{"input_tokens":1,"input_tokens_details":{"cached_tokens":0,"x":1},"output_tokens":2,"total_tokens":3,"cost":0.1}"#,
            // Both namings, each whole: nothing has to be read from the older one.
            r#"{"input_tokens":1,"output_tokens":2,"total_tokens":3,"prompt_tokens":1,"completion_tokens":2}"#,
        ] {
            assert_eq!(judge(raw, Details::Optional), Usage::Whole, "{raw}");
        }
    }

    #[test]
    fn chat_names_get_their_own() {
        assert_eq!(
            judge(
                r#"{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9,"prompt_tokens_details":{"cached_tokens":3},"completion_tokens_details":{"reasoning_tokens":1}}"#,
                Details::Required
            ),
            mended(
                r#"{"total_tokens":9,"input_tokens":7,"output_tokens":2,"input_tokens_details":{"cached_tokens":3},"output_tokens_details":{"reasoning_tokens":1}}"#
            )
        );
    }

    #[test]
    fn a_total_is_a_sum_and_a_count_is_never_made_up() {
        let sum = r#"{"input_tokens":7,"output_tokens":2,"total_tokens":9}"#;
        assert_eq!(
            judge(r#"{"input_tokens":7,"output_tokens":2}"#, Details::Optional),
            mended(sum)
        );
        for raw in [
            "{}",
            "[]",
            "7",
            r#"{"input_tokens":7}"#,
            r#"{"output_tokens":2,"total_tokens":9}"#,
            r#"{"input_tokens":null,"output_tokens":2}"#,
            r#"{"input_tokens":-1,"output_tokens":2}"#,
        ] {
            assert_eq!(judge(raw, Details::Optional), Usage::Lost, "{raw}");
        }
    }

    #[test]
    fn the_same_number_in_another_spelling_is_a_number() {
        assert_eq!(
            judge(
                r#"{"input_tokens":"7","output_tokens":2.0,"total_tokens":9}"#,
                Details::Optional
            ),
            mended(r#"{"input_tokens":7,"output_tokens":2,"total_tokens":9}"#)
        );
        assert_eq!(count("7.5"), None);
        assert_eq!(count("7."), None);
    }

    #[test]
    fn details_without_their_count_are_taken_out() {
        for details in [
            "{}",
            r#"{"cached_tokens":null}"#,
            r#"{"text_tokens":4}"#,
            "0",
        ] {
            let raw = format!(
                r#"{{"input_tokens":7,"input_tokens_details":{details},"output_tokens":2,"total_tokens":9}}"#
            );
            let rest = r#"{"input_tokens":7,"output_tokens":2,"total_tokens":9}"#;
            assert_eq!(judge(&raw, Details::Optional), mended(rest), "{raw}");
            assert_eq!(judge(&raw, Details::Required), Usage::Lost, "{raw}");
            assert_eq!(
                lacks(&raw, Details::Optional),
                ["input_tokens_details.cached_tokens"]
            );
        }
    }
}
