//! What is said of a stream: codes, severities, violations, repairs.

use std::fmt;

/// The stable name of a finding: it names the violation, its documentation, the fixture and the metric label.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(pub(crate) &'static str);

impl Code {
    /// The code as it is written: kebab-case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.0
    }

    /// The code of that name, if a rule has it. Underscores are accepted.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let name = name.replace('_', "-");
        crate::rules::codes().find(|code| code.0 == name)
    }

    /// Every code that a rule can report, in the order of the rules.
    pub fn all() -> impl Iterator<Item = Self> {
        crate::rules::codes()
    }
}

impl fmt::Display for Code {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0)
    }
}

/// What a profile makes of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// The stream does not conform: the strict reading stops here, the tolerant one mends.
    Violation,
    /// Said, and nothing else.
    Info,
}

/// A set of demands that a stream is judged by. They are three judgements, not a ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Profile {
    /// What openai-python's `responses.stream()` enforces, endings aside.
    OpenAiSdk,
    /// What all strict readers need at once.
    Portable,
    /// The public specification: its schema and its MUSTs.
    OpenResponses,
}

impl Profile {
    /// Every profile.
    pub const ALL: &'static [Profile] = &[
        Profile::OpenAiSdk,
        Profile::Portable,
        Profile::OpenResponses,
    ];

    /// The profile's name: `openai-sdk`, `portable`, `open-responses`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenAiSdk => "openai-sdk",
            Self::Portable => "portable",
            Self::OpenResponses => "open-responses",
        }
    }

    /// The profile of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|profile| profile.name() == name.replace('_', "-"))
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

/// Something that the stream did and the profile does not allow, or wants to be said.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// Its name.
    pub code: Code,
    /// How much it matters under the profile in force.
    pub severity: Severity,
    /// One line for a person. For the prelude it is openai-python's own sentence, so that a search finds it.
    pub message: String,
    /// Which event, counted from 0 over the frames that carry data.
    pub event: u64,
    /// Where the event's frame begins in the body.
    pub byte_start: u64,
    /// Where it ends.
    pub byte_end: u64,
}

impl Violation {
    /// `true` for an ordering violation of the prelude: the first event is not `response.created`.
    #[must_use]
    pub fn is_prelude_order(&self) -> bool {
        matches!(self.code.0, "created-missing" | "created-not-first")
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

/// How often one kind of repair was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Repair {
    /// The finding that was mended.
    pub code: Code,
    /// How often.
    pub count: u64,
    /// At which event first, counted from 0 over the frames that carry data.
    pub first_event: u64,
}
