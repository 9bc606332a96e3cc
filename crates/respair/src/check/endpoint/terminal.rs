//! The report for a person at a terminal: a table of the probes, each finding once, and the verdict.

use std::time::Duration;

use super::super::excerpt::{cut, width};
use super::super::terminal::{Page, verdict};
use super::listed;
use super::probed::{Checked, Found, Probed};
use crate::term::{self, BAD, BOLD, DIM, GOOD, WARN};

/// Columns of a probe's name.
const NAME: usize = 14;

/// What to do next.
const HINT: &str = "`respair check --explain CODE` tells of a rule.";

/// Everything about this endpoint; or the verdict alone. Nothing where nothing could be asked: what is wrong then is
/// said as an error.
pub(super) fn text(checked: &Checked, columns: usize, is_quiet: bool) -> String {
    let mut page = Page::new(columns);
    if checked.is_shut() {
        return page.out;
    }
    if is_quiet {
        summary(&mut page, checked);
        return page.out;
    }
    table(&mut page, checked, columns);
    page.line("");
    for found in checked.found() {
        finding(&mut page, &found);
    }
    summary(&mut page, checked);
    if !checked.found().is_empty() {
        page.line("");
        page.prose("", DIM, HINT);
    }
    page.out
}

fn table(page: &mut Page, checked: &Checked, columns: usize) {
    let verdicts: Vec<String> = checked.probed.iter().map(Probed::verdict).collect();
    let room = verdicts
        .iter()
        .map(|verdict| width(verdict))
        .max()
        .unwrap_or(0);
    page.line(&format!(
        "{DIM}{:NAME$}  HTTP  first byte   total  verdict{DIM:#}",
        "probe"
    ));
    for (probed, verdict) in checked.probed.iter().zip(&verdicts) {
        let style = match probed.conforming() {
            Some(false) => BAD,
            None => WARN,
            Some(true) if verdict == "ok" => GOOD,
            Some(true) => DIM,
        };
        let timing = &probed.answer.timing;
        let status = probed.answer.head.as_ref();
        let status = status.map_or("–".to_owned(), |head| head.status.to_string());
        let first = timing.first_byte.map_or("–".to_owned(), spell);
        let total = spell(timing.total);
        let before = format!(
            "{:NAME$}  {status:>4}  {first:>10}  {total:>6}  ",
            probed.probe()
        );
        let left = columns.saturating_sub(width(&before) + room + 2);
        let says = cut(&term::one_line(&probed.says), left);
        page.line(&format!(
            "{before}{style}{verdict:room$}{style:#}  {DIM}{says}{DIM:#}"
        ));
    }
}

fn finding(page: &mut Page, found: &Found<'_>) {
    page.heading(found.rule, found.is_violation, found.message);
    let (first, others) = found.probes.split_first().unwrap_or((&"", &[]));
    match found.group {
        Some(group) => {
            page.place(group, first);
            if !others.is_empty() {
                let lines = group.excerpt.iter().flat_map(|excerpt| &excerpt.lines);
                let last = lines.map(|line| line.number).max().unwrap_or(0);
                let gutter = last.to_string().len();
                let label = format!("{:gutter$} = ", "");
                page.prose(&label, DIM, &format!("also in {}", listed(others)));
            }
        }
        None => page.prose("--> ", DIM, &listed(&found.probes)),
    }
    page.consequences(found.rule);
}

fn summary(page: &mut Page, checked: &Checked) {
    let found = checked.found();
    let broken = found.iter().filter(|found| found.is_violation).count();
    let (style, says) = match checked.conforming() {
        Some(true) => (GOOD, verdict(0)),
        Some(false) => (BAD, verdict(broken)),
        None => (WARN, "not everything could be checked".to_owned()),
    };
    let model = match checked.model.as_str() {
        "" => String::new(),
        name => format!(", model {}", term::one_line(name)),
    };
    page.line(&format!("{BOLD}{}{model}{BOLD:#}", checked.endpoint));
    page.line(&format!(
        "  {:14}  {style}{says}{style:#}",
        checked.profile.name()
    ));
    let tally = checked.tally();
    let requests = checked.probed.len();
    page.prose("  requests        ", DIM, &format!("{requests}: {tally}"));
    if !checked.left_out.is_empty() {
        let names: Vec<&str> = checked.left_out.iter().map(|probe| probe.name()).collect();
        page.prose("  not asked       ", DIM, &listed(&names));
    }
}

/// A time in at most six columns.
pub(super) fn spell(time: Duration) -> String {
    match time.as_millis() {
        ms @ 0..1000 => format!("{ms} ms"),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}
