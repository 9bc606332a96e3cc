//! What is done about a stream that breaks the protocol: the settings here, the decision in [`decide()`].

mod decide;

use std::fmt;
use std::str::FromStr;

use respair_core::Code;

pub use decide::{Happened, LONGEST_WAIT, Next, Policy, Progress, Stop, Wait, decide};

/// The recovery settings of a custom endpoint.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Recovery {
    /// How the reading starts and what a violation leads to.
    pub mode: RecoveryMode,
    /// How many further strict requests a violated prelude gets before the tolerant reading takes over.
    pub strict_retries: u32,
    /// Whether the fallback reads the stream in hand or asks again.
    pub fallback: Fallback,
    /// The budget of upstream requests of one turn, whatever the cause.
    pub max_requests: u32,
    /// Repairs that are switched off.
    pub without: Vec<Code>,
}

impl Default for Recovery {
    fn default() -> Self {
        Self {
            mode: RecoveryMode::RetryThenFallback,
            strict_retries: 1,
            fallback: Fallback::InHand,
            max_requests: 4,
            without: Vec::new(),
        }
    }
}

/// `recovery.mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecoveryMode {
    /// Strict first; a violated prelude is retried strictly, then the tolerant reading takes over. Any other violation
    /// is taken over in place.
    RetryThenFallback,
    /// Tolerant from the first byte: always one request.
    Inline,
    /// Strict, and a violation is the error.
    Strict,
}

/// `recovery.fallback`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fallback {
    /// The tolerant reading goes on where the strict one stopped.
    InHand,
    /// One more request is made and read tolerantly from its first byte.
    Request,
}

/// A word that is no setting; says which ones are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{got}` is none of {expected}")]
pub struct UnknownSetting {
    got: String,
    expected: &'static str,
}

impl FromStr for RecoveryMode {
    type Err = UnknownSetting;

    fn from_str(word: &str) -> Result<Self, UnknownSetting> {
        match word.replace('-', "_").as_str() {
            "retry_then_fallback" => Ok(Self::RetryThenFallback),
            "inline" => Ok(Self::Inline),
            "strict" => Ok(Self::Strict),
            _ => Err(UnknownSetting {
                got: word.to_owned(),
                expected: "retry_then_fallback, inline, strict",
            }),
        }
    }
}

impl fmt::Display for RecoveryMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RetryThenFallback => "retry_then_fallback",
            Self::Inline => "inline",
            Self::Strict => "strict",
        })
    }
}

impl FromStr for Fallback {
    type Err = UnknownSetting;

    fn from_str(word: &str) -> Result<Self, UnknownSetting> {
        match word.replace('-', "_").as_str() {
            "in_hand" => Ok(Self::InHand),
            "request" => Ok(Self::Request),
            _ => Err(UnknownSetting {
                got: word.to_owned(),
                expected: "in_hand, request",
            }),
        }
    }
}

impl fmt::Display for Fallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InHand => "in_hand",
            Self::Request => "request",
        })
    }
}
