//! What was found and what was mended.

use crate::limits::LISTED_PER_CODE;
use crate::rules::Finding;
use crate::violation::{Code, Repair, Severity, Violation};

/// Where a frame begins and ends in the body.
pub(super) type Span = (u64, u64);

/// The findings of one stream. A code that comes again and again is listed a few times and then counted only.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    violations: Vec<Violation>,
    tallies: Vec<Tally>,
    repairs: Vec<Repair>,
}

/// How often one code was found.
#[derive(Debug)]
struct Tally {
    code: Code,
    count: u64,
    /// The event that it was found in last.
    last: u64,
}

impl Ledger {
    pub(super) fn violation(&self, finding: &Finding, position: u64, at: Span) -> Violation {
        Violation {
            code: finding.rule.code,
            severity: finding.severity,
            message: finding.message.clone().into_owned(),
            event: position,
            byte_start: at.0,
            byte_end: at.1,
        }
    }

    /// Takes in a finding, once for each event.
    pub(super) fn note(&mut self, finding: &Finding, position: u64, at: Span) {
        let code = finding.rule.code;
        let known = self.tallies.iter().find(|tally| tally.code == code);
        if known.is_none_or(|tally| tally.last != position) && self.count(code, position) {
            self.violations.push(self.violation(finding, position, at));
        }
    }

    pub(super) fn push(&mut self, violation: Violation) {
        if self.count(violation.code, violation.event) {
            self.violations.push(violation);
        }
    }

    /// No more of this code are listed.
    pub(super) fn is_full(&self, code: Code) -> bool {
        self.found(code) >= LISTED_PER_CODE
    }

    /// Counts a code that is not listed any more.
    pub(super) fn again(&mut self, code: Code, severity: Severity, position: u64) {
        self.count(code, position);
        if severity == Severity::Violation {
            self.repaired(code, position);
        }
    }

    /// Counts a code, and says whether this one is to be listed.
    fn count(&mut self, code: Code, position: u64) -> bool {
        let count = match self.tallies.iter_mut().find(|tally| tally.code == code) {
            Some(tally) => {
                tally.count += 1;
                tally.last = position;
                tally.count
            }
            None => {
                let (count, last) = (1, position);
                self.tallies.push(Tally { code, count, last });
                count
            }
        };
        count <= LISTED_PER_CODE
    }

    pub(super) fn repaired(&mut self, code: Code, position: u64) {
        match self.repairs.iter_mut().find(|repair| repair.code == code) {
            Some(repair) => repair.count += 1,
            None => self.repairs.push(Repair {
                code,
                count: 1,
                first_event: position,
            }),
        }
    }

    pub(super) fn found(&self, code: Code) -> u64 {
        let tally = self.tallies.iter().find(|tally| tally.code == code);
        tally.map_or(0, |tally| tally.count)
    }

    pub(super) fn violations(&self) -> &[Violation] {
        &self.violations
    }

    pub(super) fn repairs(&self) -> &[Repair] {
        &self.repairs
    }
}
