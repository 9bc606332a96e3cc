//! What was found and what was mended.

use std::collections::HashMap;

use crate::limits::LISTED_PER_CODE;
use crate::rules::Finding;
use crate::violation::{Code, Repair, Violation};

/// Where a frame begins and ends in the body.
pub(super) type Span = (u64, u64);

/// The findings of one stream. A code that comes again and again is listed a few times and then counted only.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    violations: Vec<Violation>,
    listed: HashMap<Code, usize>,
    repairs: Vec<Repair>,
}

impl Ledger {
    pub(super) fn violation(&self, finding: &Finding, position: u64, at: Span) -> Violation {
        Violation {
            code: finding.rule.code,
            severity: finding.severity,
            message: finding.message.clone(),
            event: position,
            byte_start: at.0,
            byte_end: at.1,
        }
    }

    pub(super) fn note(&mut self, finding: &Finding, position: u64, at: Span) {
        let known = self
            .violations
            .iter()
            .rev()
            .take_while(|violation| violation.event == position);
        if known
            .clone()
            .any(|violation| violation.code == finding.rule.code)
        {
            return;
        }
        self.push(self.violation(finding, position, at));
    }

    pub(super) fn push(&mut self, violation: Violation) {
        let listed = self.listed.entry(violation.code).or_default();
        *listed += 1;
        if *listed <= LISTED_PER_CODE {
            self.violations.push(violation);
        }
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
        self.listed.get(&code).map_or(0, |count| *count as u64)
    }

    pub(super) fn violations(&self) -> &[Violation] {
        &self.violations
    }

    pub(super) fn repairs(&self) -> &[Repair] {
        &self.repairs
    }
}
