//! The decision of a turn: what happened, and what is done next. A pure function, so that it reads as the table that it
//! is (ARCHITECTURE.md, *Recovery*) and is tested as one.

use std::time::Duration;

use respair_core::RetryVerdict;

use super::{Fallback, Recovery, RecoveryMode};
use crate::ProviderKind;

/// The longest wait that an upstream may ask for. A longer one is told to the user instead (DEVIATIONS 5.5).
pub const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// What the configuration allows, reduced to what the decision needs.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// How the reading starts and what a violation leads to.
    pub mode: RecoveryMode,
    /// Strict requests after the first.
    pub strict_retries: u32,
    /// In hand, or one more request.
    pub fallback: Fallback,
    /// The budget.
    pub max_requests: u32,
    /// The longest wait that an upstream may ask for: [`LONGEST_WAIT`], or less.
    pub longest_wait: Duration,
}

impl Policy {
    /// The policy of an endpoint: for anything native the strict one, whatever `recovery` says.
    pub fn of(kind: ProviderKind, recovery: &Recovery) -> Self {
        let mode = match kind {
            ProviderKind::Native => RecoveryMode::Strict,
            ProviderKind::Custom => recovery.mode,
        };
        Self {
            mode,
            strict_retries: recovery.strict_retries,
            fallback: recovery.fallback,
            // A turn without a request is none.
            max_requests: recovery.max_requests.max(1),
            longest_wait: LONGEST_WAIT,
        }
    }
}

/// Where the turn stands.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    /// Requests made.
    pub requests: u32,
    /// Strict requests given up for a violated prelude.
    pub refused: u32,
    /// Retries made because of the transport.
    pub retries: u32,
    /// The strict reading of the stream in hand was taken over at its prelude: the fallback.
    pub fell_back: bool,
    /// Something reached the consumer: nothing may be asked again.
    pub delivered: bool,
}

/// What happened to the request in hand.
#[derive(Clone, Copy, Debug)]
pub enum Happened {
    /// The strict reading refused an event.
    Refused {
        /// It violates the order of the prelude.
        prelude: bool,
    },
    /// The body was over before content came: `empty_stream`.
    Empty,
    /// An error: no connection, an HTTP status, an error in the stream.
    Failed {
        /// Whether it allows another request at all.
        verdict: RetryVerdict,
        /// How long the upstream asks to wait.
        wait: Option<Duration>,
    },
}

/// What is done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Give the stream up and ask again at once, reading strictly.
    RetryStrict,
    /// Give the stream up, if there still is one, and ask again at once, reading tolerantly.
    FallBackRequest,
    /// A violated prelude: read the stream in hand tolerantly from here on.
    FallBackInHand,
    /// Another violation: the same, under its own name.
    TakeOver,
    /// Wait, then ask again, reading as before.
    Retry(Wait),
    /// What happened is the result.
    Stop(Stop),
}

/// How long a retry waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Our own pace, for the nth retry, counted from 0.
    Backoff(u32),
    /// As long as the upstream asks.
    Asked(Duration),
}

/// Why nothing more is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It is final by its nature.
    Final,
    /// Something was delivered already, and nothing is ever delivered twice.
    Delivered,
    /// The budget is spent.
    Budget,
    /// The upstream asks for a longer wait than [`Policy::longest_wait`].
    TooLong(Duration),
}

/// What to do about `happened`.
pub fn decide(policy: Policy, at: Progress, happened: Happened) -> Next {
    let budget = at.requests < policy.max_requests;
    match happened {
        Happened::Refused { .. } if policy.mode == RecoveryMode::Strict => Next::Stop(Stop::Final),
        // Content is out already: whatever the rule, asking again would deliver it twice.
        Happened::Refused { prelude: true } if !at.delivered => {
            if budget && at.refused < policy.strict_retries {
                Next::RetryStrict
            } else if budget && policy.fallback == Fallback::Request {
                Next::FallBackRequest
            } else {
                Next::FallBackInHand
            }
        }
        Happened::Refused { .. } => Next::TakeOver,
        _ if at.delivered => Next::Stop(Stop::Delivered),
        // The stream that the fallback kept in hand died on it: one tolerant request, without delay.
        Happened::Empty if at.fell_back && budget => Next::FallBackRequest,
        Happened::Empty => again(policy, at, RetryVerdict::Retry, None),
        Happened::Failed { verdict, wait } => again(policy, at, verdict, wait),
    }
}

fn again(policy: Policy, at: Progress, verdict: RetryVerdict, wait: Option<Duration>) -> Next {
    if verdict != RetryVerdict::Retry {
        return Next::Stop(Stop::Final);
    }
    match wait {
        Some(wait) if wait > policy.longest_wait => Next::Stop(Stop::TooLong(wait)),
        _ if at.requests >= policy.max_requests => Next::Stop(Stop::Budget),
        Some(wait) => Next::Retry(Wait::Asked(wait)),
        None => Next::Retry(Wait::Backoff(at.retries)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    const PRELUDE: Happened = Happened::Refused { prelude: true };
    const OTHER: Happened = Happened::Refused { prelude: false };
    const PASSING: Happened = Happened::Failed {
        verdict: RetryVerdict::Retry,
        wait: None,
    };
    const FINAL: Happened = Happened::Failed {
        verdict: RetryVerdict::Never,
        wait: None,
    };

    fn asked(seconds: u64) -> Happened {
        Happened::Failed {
            verdict: RetryVerdict::Retry,
            wait: Some(Duration::from_secs(seconds)),
        }
    }

    fn policy(change: impl FnOnce(&mut Recovery)) -> Policy {
        let mut recovery = Recovery::default();
        change(&mut recovery);
        Policy::of(ProviderKind::Custom, &recovery)
    }

    fn at(requests: u32, refused: u32) -> Progress {
        Progress {
            requests,
            refused,
            ..Progress::default()
        }
    }

    #[test]
    fn a_violation_on_a_custom_endpoint() {
        let seed = policy(|_| {});
        let request = policy(|r| r.fallback = Fallback::Request);
        let eager = policy(|r| r.strict_retries = 0);
        let patient = policy(|r| r.strict_retries = 2);
        let poor = policy(|r| r.max_requests = 1);
        let inline = policy(|r| r.mode = RecoveryMode::Inline);
        let strict = policy(|r| r.mode = RecoveryMode::Strict);
        let delivered = Progress {
            delivered: true,
            ..at(1, 0)
        };
        for (name, policy, at, happened, expected) in [
            ("the first time", seed, at(1, 0), PRELUDE, Next::RetryStrict),
            (
                "the second time",
                seed,
                at(2, 1),
                PRELUDE,
                Next::FallBackInHand,
            ),
            (
                "the second time, asking",
                request,
                at(2, 1),
                PRELUDE,
                Next::FallBackRequest,
            ),
            (
                "no strict retry",
                eager,
                at(1, 0),
                PRELUDE,
                Next::FallBackInHand,
            ),
            (
                "two strict retries",
                patient,
                at(2, 1),
                PRELUDE,
                Next::RetryStrict,
            ),
            (
                "budget of one",
                poor,
                at(1, 0),
                PRELUDE,
                Next::FallBackInHand,
            ),
            (
                "budget spent, asking",
                request,
                at(4, 1),
                PRELUDE,
                Next::FallBackInHand,
            ),
            ("another rule", seed, at(1, 0), OTHER, Next::TakeOver),
            ("another rule, later", seed, at(2, 1), OTHER, Next::TakeOver),
            (
                "another rule, asking",
                request,
                at(1, 0),
                OTHER,
                Next::TakeOver,
            ),
            ("after content", seed, delivered, OTHER, Next::TakeOver),
            (
                "a prelude after content",
                seed,
                delivered,
                PRELUDE,
                Next::TakeOver,
            ),
            ("inline", inline, at(1, 0), OTHER, Next::TakeOver),
            ("strict", strict, at(1, 0), PRELUDE, Next::Stop(Stop::Final)),
            (
                "strict, another rule",
                strict,
                at(1, 0),
                OTHER,
                Next::Stop(Stop::Final),
            ),
        ] {
            assert_eq!(decide(policy, at, happened), expected, "{name}");
        }
    }

    #[test]
    fn native_is_strict_whatever_is_configured() {
        for mode in [RecoveryMode::RetryThenFallback, RecoveryMode::Inline] {
            let recovery = Recovery {
                mode,
                ..Recovery::default()
            };
            let native = Policy::of(ProviderKind::Native, &recovery);
            assert_eq!(decide(native, at(1, 0), PRELUDE), Next::Stop(Stop::Final));
            assert_eq!(decide(native, at(1, 0), OTHER), Next::Stop(Stop::Final));
            assert_eq!(
                decide(native, at(1, 0), PASSING),
                Next::Retry(Wait::Backoff(0))
            );
        }
    }

    #[test]
    fn transport() {
        let seed = policy(|_| {});
        let delivered = Progress {
            delivered: true,
            ..at(1, 0)
        };
        let fell_back = Progress {
            fell_back: true,
            ..at(2, 1)
        };
        let spent = Progress {
            fell_back: true,
            ..at(4, 1)
        };
        let third = Progress {
            retries: 2,
            ..at(3, 0)
        };
        let two_minutes = Duration::from_secs(120);
        for (name, at, happened, expected) in [
            (
                "a passing error",
                at(1, 0),
                PASSING,
                Next::Retry(Wait::Backoff(0)),
            ),
            ("the third", third, PASSING, Next::Retry(Wait::Backoff(2))),
            ("the fourth", at(4, 0), PASSING, Next::Stop(Stop::Budget)),
            ("a final error", at(1, 0), FINAL, Next::Stop(Stop::Final)),
            (
                "an error after content",
                delivered,
                PASSING,
                Next::Stop(Stop::Delivered),
            ),
            (
                "a wait",
                at(1, 0),
                asked(120),
                Next::Retry(Wait::Asked(two_minutes)),
            ),
            (
                "too long a wait",
                at(1, 0),
                asked(121),
                Next::Stop(Stop::TooLong(two_minutes + Duration::from_secs(1))),
            ),
            (
                "nothing came",
                at(1, 0),
                Happened::Empty,
                Next::Retry(Wait::Backoff(0)),
            ),
            (
                "nothing came, four times",
                at(4, 0),
                Happened::Empty,
                Next::Stop(Stop::Budget),
            ),
            (
                "the stream in hand died",
                fell_back,
                Happened::Empty,
                Next::FallBackRequest,
            ),
            (
                "it died, no budget",
                spent,
                Happened::Empty,
                Next::Stop(Stop::Budget),
            ),
        ] {
            assert_eq!(decide(seed, at, happened), expected, "{name}");
        }
    }

    #[test]
    fn a_budget_of_nothing_is_one_request() {
        assert_eq!(policy(|r| r.max_requests = 0).max_requests, 1);
    }
}
