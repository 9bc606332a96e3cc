//! `respair check --explain CODE`: the page of a rule.

use respair_core::{Code, Grade, Profile, rules};

use super::{breaks, terminal};
use crate::term::{BOLD, DIM, GOOD, WARN};

/// The page, for so many columns.
pub(super) fn page(code: Code, columns: usize) -> String {
    let Some(rule) = rules().iter().find(|rule| rule.code == code) else {
        return String::new();
    };
    let mut page = terminal::Page::new(columns);
    page.line(&format!("{BOLD}{code}{BOLD:#}"));
    page.prose("", DIM, rule.demands);
    page.line("");
    for profile in Profile::ALL {
        let grade = match rule.grade(*profile) {
            Grade::Violation => "violation",
            Grade::Info => "said, and no violation",
            _ => "not judged",
        };
        page.line(&format!("  {:14}  {grade}", profile.name()));
    }
    page.line("");
    if let Some(who) = breaks::sentence(code) {
        page.labelled("breaks", WARN, &who);
    }
    page.labelled("respair", GOOD, rule.mends);
    page.labelled("fix", GOOD, rule.advice);
    page.labelled("seen", DIM, rule.evidence);
    if !rule.fixture.is_empty() {
        page.labelled(
            "example",
            DIM,
            &format!("fixtures/rules/{}.sse", rule.fixture),
        );
    }
    page.out
}
