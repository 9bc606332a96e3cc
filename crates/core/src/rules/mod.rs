//! The rules: what a stream has to be, one file for each concern, one row in [`RULES`] for each code.
//!
//! A rule says by which events it is asked ([`Class`]), what each profile makes of it ([`Grade`]), how it sees that an
//! event breaks it (`inspect`, pure) and what the tolerant reading does about it (`mend`). The rules run in the order
//! of the table; only those that are listed for an event's class and graded in the profile are asked.

mod annotation;
mod arguments;
mod body;
mod call_id;
mod call_identity;
mod clients;
mod comment;
mod created;
mod cumulative;
mod delta;
mod done_missing;
mod done_text;
mod error;
mod framing;
mod item_fields;
mod item_id;
mod item_not_added;
mod json_text;
mod junk;
mod lifecycle;
mod measured;
mod naming;
mod output_index;
mod part;
mod plain;
mod prefilled;
mod response;
mod schema;
mod sequence;
mod terminal;
mod transport;
mod unknown;
mod usage;
mod vendor;

use std::borrow::Cow;
use std::sync::LazyLock;

use crate::event::Class;
use crate::mend::Mend;
use crate::model::Look;
use crate::violation::{Code, Profile, Severity};

/// What a profile makes of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Grade {
    /// Not judged.
    No,
    /// Said, and nothing else.
    Info,
    /// The stream does not conform.
    Violation,
}

/// One thing that a stream has to be.
#[derive(Debug)]
#[non_exhaustive]
pub struct Rule {
    /// Its stable name.
    pub code: Code,
    /// What `openai-sdk` makes of it.
    pub sdk: Grade,
    /// What `portable` makes of it.
    pub portable: Grade,
    /// What `open-responses` makes of it.
    pub open: Grade,
    /// What has to hold, in one sentence.
    pub demands: &'static str,
    /// What the tolerant reading does.
    pub mends: &'static str,
    /// What the author of the relay should change.
    pub advice: &'static str,
    /// Where the deviation was seen: catalogue entries, clients, threads.
    pub evidence: &'static str,
    /// The fixture that shows it, `fixtures/rules/NAME.sse`; for what no stream shows, the test that does: `FILE::TEST`.
    pub fixture: &'static str,
    pub(crate) on: &'static [Class],
    pub(crate) inspect: fn(&Look<'_>) -> Said,
    pub(crate) mend: fn(&mut Mend<'_>),
}

/// What a rule says of an event: nothing, or one line.
pub(crate) type Said = Option<Cow<'static, str>>;

impl Rule {
    /// The test that shows it, where no stream can: its file in the repository, and its name.
    #[must_use]
    pub fn shown_by_test(&self) -> Option<(&'static str, &'static str)> {
        self.fixture.split_once("::")
    }

    /// Sequence numbers are given last, when everything else about an event is settled.
    pub(crate) fn is_about_numbers(&self) -> bool {
        matches!(self.code.0, "sequence-missing" | "sequence-not-increasing")
    }

    /// Switched off, the rule changes what is sent: an event's own, or one that the reader acts on itself.
    pub(crate) fn changes_what_is_sent(&self) -> bool {
        let by_reader = [
            &body::TERMINAL_MISSING,
            &body::ERROR_WITHOUT_FAILED,
            &body::EVENT_AFTER_TERMINAL,
            &body::JSON_INSTEAD_OF_SSE,
            &body::HTML_INSTEAD_OF_SSE,
            &body::NO_STREAM,
            &body::CHAT_COMPLETION_CHUNKS,
        ];
        !self.on.is_empty() || by_reader.iter().any(|rule| rule.code == self.code)
    }

    pub(crate) fn severity(&self, profile: Profile) -> Severity {
        match self.grade(profile) {
            Grade::Violation => Severity::Violation,
            Grade::No | Grade::Info => Severity::Info,
        }
    }

    /// What `profile` makes of it.
    #[must_use]
    pub fn grade(&self, profile: Profile) -> Grade {
        match profile {
            Profile::OpenAiSdk => self.sdk,
            Profile::Portable => self.portable,
            Profile::OpenResponses => self.open,
        }
    }
}

/// A rule that an event breaks.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// How much it matters under the profile in force.
    pub severity: Severity,
    /// What was found, in one line.
    pub message: Cow<'static, str>,
}

impl Finding {
    /// The stream does not conform, and the tolerant reading mends it.
    #[must_use]
    pub fn is_violation(&self) -> bool {
        self.severity == Severity::Violation
    }
}

/// Every rule, in the order in which they run.
static RULES: &[&Rule] = &[
    &framing::BOM,
    &framing::BARE_CR,
    &framing::CRLF,
    &framing::BLANK_LINE_MISSING,
    &framing::FINAL_BLANK_LINE_MISSING,
    &junk::INVALID_UTF8,
    &junk::DATA_EMPTY,
    &junk::DATA_NULL,
    &junk::DATA_NOT_OBJECT,
    &junk::DATA_NOT_JSON,
    &json_text::DUPLICATE_KEY,
    &json_text::LONE_SURROGATE,
    &junk::DATA_LINE_MISSING,
    &comment::COMMENT_AFTER_ID,
    &sequence::EVENT_REPEATED,
    &naming::TYPE_MISSING,
    &created::CREATED_MISSING,
    &created::CREATED_NOT_FIRST,
    &unknown::UNKNOWN_EVENT,
    &vendor::VENDOR_EVENT,
    &naming::EVENT_ALIAS,
    &lifecycle::LIFECYCLE_REPEATED,
    &terminal::TERMINAL_ALIAS,
    &response::OBJECT_MISSING,
    &response::ID_MISSING,
    &response::ID_CHANGED,
    &response::FIELDS_MISSING,
    &usage::USAGE_INCOMPLETE,
    &error::ERROR_SHAPE,
    &call_identity::CALL_IDENTITY_CHANGED,
    &delta::DELTA_NOT_STRING,
    &delta::DELTA_AFTER_DONE,
    &cumulative::CUMULATIVE_DELTAS,
    &call_id::DUPLICATE,
    &item_not_added::ITEM_NOT_ADDED,
    &call_id::AMBIGUOUS,
    &item_fields::ITEM_FIELDS_MISSING,
    &prefilled::PREFILLED_ADDED,
    &arguments::OBFUSCATED,
    &arguments::NOT_JSON,
    &item_id::DUPLICATE,
    &item_id::MISSING,
    &item_id::CHANGED,
    &output_index::MISSING,
    &output_index::DUPLICATE,
    &output_index::GAP,
    &output_index::CHANGED,
    &item_fields::PART_FIELDS_MISSING,
    &part::CONTENT_INDEX_MISSING,
    &part::PART_NOT_ADDED,
    &annotation::ANNOTATION_FIELDS_MISSING,
    &done_missing::TEXT,
    &done_missing::PART,
    &done_missing::ARGUMENTS,
    &done_text::DONE_TEXT_MISMATCH,
    &terminal::STATUS_MISMATCH,
    &terminal::ITEM_INCOMPLETE,
    &done_missing::ITEM,
    &terminal::OUTPUT_MISSING,
    &schema::SCHEMA_MISMATCH,
    &sequence::MISSING,
    &sequence::NOT_INCREASING,
    &naming::EVENT_NAME_MISMATCH,
    &body::OVERSIZED,
    &body::TERMINAL_MISSING,
    &body::ERROR_WITHOUT_FAILED,
    &body::EVENT_AFTER_TERMINAL,
    &body::DONE_SENTINEL_MISSING,
    &body::FIELD_DEFAULTED,
    &body::JSON_INSTEAD_OF_SSE,
    &body::HTML_INSTEAD_OF_SSE,
    &body::NO_STREAM,
    &body::CHAT_COMPLETION_CHUNKS,
    &transport::CONTENT_TYPE,
    &transport::CONTENT_ENCODING,
    &transport::SSE_INSTEAD_OF_JSON,
    &transport::RESPONSE_NOT_JSON,
    &transport::CHUNKED_END_MISSING,
    &transport::CONNECTION_RESET,
    &transport::HELD_OPEN,
    &transport::BUFFERED,
    &transport::NO_ANSWER,
    &transport::IN_BAND_ERROR,
    &transport::ERROR_BODY_UNREADABLE,
    &transport::EMPTY_ANSWER,
    &transport::TOOL_CHOICE_IGNORED,
    &transport::TRUNCATION_REPORTED_AS_COMPLETED,
];

pub(crate) use arguments::{OBFUSCATED, continue_arguments};
pub(crate) use body::{
    CHAT_COMPLETION_CHUNKS, DONE_SENTINEL_MISSING, ERROR_WITHOUT_FAILED, EVENT_AFTER_TERMINAL,
    FIELD_DEFAULTED, HTML_INSTEAD_OF_SSE, JSON_INSTEAD_OF_SSE, NO_STREAM, OVERSIZED,
    TERMINAL_MISSING,
};
pub use clients::{clients, grouped};
pub(crate) use framing::FINAL_BLANK_LINE_MISSING;
pub(crate) use item_id::CHANGED as ITEM_ID_CHANGED;
pub(crate) use item_not_added::hold;
pub(crate) use junk::{DATA_LINE_MISSING, DATA_NOT_JSON, bare_error};
pub use measured::{Measured, measurements};
pub(crate) use naming::EVENT_ALIAS;
pub(crate) use plain::{breakable_by_plain, inspect_plain, is_of_the_address};
pub(crate) use sequence::{EVENT_REPEATED, NOT_INCREASING as SEQUENCE_NOT_INCREASING};

/// Every code, in the order of the rules.
pub(crate) fn codes() -> impl Iterator<Item = Code> {
    RULES.iter().map(|rule| rule.code)
}

/// Every rule, in the order in which they run.
#[must_use]
pub fn rules() -> &'static [&'static Rule] {
    RULES
}

/// For each profile and class, the rules to ask.
struct Table([[Vec<&'static Rule>; Class::COUNT]; Profile::ALL.len()]);

/// So many rules at the head of [`RULES`] are about framing: they are asked only of a frame that is odd.
const FRAMING: usize = 6;

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let of = |profile: Profile| {
        std::array::from_fn(|class| {
            let asked = |rule: &&&'static Rule| {
                let last = rule.code == schema::SCHEMA_MISMATCH.code;
                !last
                    && rule.on.iter().any(|on| *on as usize == class)
                    && rule.grade(profile) != Grade::No
            };
            RULES[FRAMING..].iter().filter(asked).copied().collect()
        })
    };
    Table(std::array::from_fn(|at| of(Profile::ALL[at])))
});

/// Asks every rule that concerns the event.
pub(crate) fn inspect(look: &Look<'_>, without: &[Code], findings: &mut Vec<Finding>) {
    let odd = !look.event.frame().oddities().is_empty();
    let framing = RULES[..FRAMING].iter().filter(|rule| {
        odd && rule.on.contains(&look.class) && rule.grade(look.profile) != Grade::No
    });
    let asked = &TABLE.0[look.profile as usize][look.class as usize];
    for rule in framing.chain(asked) {
        ask(rule, look, without, findings);
    }
    // The schema is asked only about what no other rule has named.
    let named = |finding: &Finding| finding.is_violation() && !finding.rule.is_about_numbers();
    let rule = &schema::SCHEMA_MISMATCH;
    if look.is_open() && rule.on.contains(&look.class) && !findings.iter().any(named) {
        ask(rule, look, without, findings);
    }
}

fn ask(rule: &'static Rule, look: &Look<'_>, without: &[Code], findings: &mut Vec<Finding>) {
    let Some(message) = (rule.inspect)(look) else {
        return;
    };
    if without.contains(&rule.code) {
        return;
    }
    findings.push(Finding {
        rule,
        severity: rule.severity(look.profile),
        message,
    });
}

/// Every class that belongs to one item.
const OF_ITEM: &[Class] = &[
    Class::ItemAdded,
    Class::PartAdded,
    Class::TextDelta,
    Class::TextDone,
    Class::PartDone,
    Class::CallDelta,
    Class::CallDone,
    Class::ItemStatus,
    Class::ItemDone,
];

/// Every class that is an event with an object.
const OBJECTS: &[Class] = &join::<13>(
    OF_ITEM,
    &[Class::Prelude, Class::Terminal, Class::Error, Class::Other],
);

/// Every class that is an event with an object, vendors' own too.
const NAMED: &[Class] = &join::<14>(OBJECTS, &[Class::Unknown]);

/// Every class, comments too.
const ALL: &[Class] = &join::<{ Class::COUNT }>(
    OBJECTS,
    &[Class::Unknown, Class::Sentinel, Class::Comment, Class::Junk],
);

/// Two lists of classes as one; `N` is how many there are together.
const fn join<const N: usize>(one: &[Class], other: &[Class]) -> [Class; N] {
    assert!(one.len() + other.len() == N);
    let mut all = [Class::Junk; N];
    let mut at = 0;
    while at < N {
        all[at] = if at < one.len() {
            one[at]
        } else {
            other[at - one.len()]
        };
        at += 1;
    }
    all
}

/// A sentence without parts that have to be filled in.
const fn say(text: &'static str) -> Said {
    Some(Cow::Borrowed(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_told_apart_and_kebab_case() {
        let all: Vec<&str> = codes().map(Code::as_str).collect();
        for (at, code) in all.iter().enumerate() {
            assert!(!all[..at].contains(code), "{code} stands twice");
            assert!(
                code.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'-' || byte.is_ascii_digit())
            );
            assert_eq!(Code::parse(code).map(Code::as_str), Some(*code));
        }
        assert_eq!(
            Code::parse("created_missing").map(Code::as_str),
            Some("created-missing")
        );
        assert_eq!(Code::parse("nothing"), None);
    }

    #[test]
    fn every_rule_says_all_that_its_page_needs() {
        for rule in RULES {
            for sentence in [rule.demands, rule.mends, rule.advice] {
                let whole = sentence.ends_with(['.', '`']) && sentence.len() > 12;
                assert!(whole, "{}: {sentence}", rule.code);
            }
            assert!(!rule.evidence.is_empty(), "{} cites nothing", rule.code);
        }
    }

    #[test]
    fn every_rule_matters_to_a_profile() {
        for rule in RULES {
            assert!(
                Profile::ALL
                    .iter()
                    .any(|profile| rule.grade(*profile) != Grade::No),
                "{}",
                rule.code
            );
        }
    }
}
