//! What a person is told on standard error when the stream is over.

use std::io::Write;

use respair_core::{Ending, ErrorSource, Reader, rules};

use crate::check::terminal::{ending, grouped};
use crate::report::{Repair, Report};
use crate::term::{self, BAD, BOLD, DIM};

/// Tells it: nothing for a stream that conformed, unless `verbose`.
pub(super) fn tell(reader: &Reader, report: &Report, verbose: bool) {
    let mut err = term::stderr();
    // Nothing is left to do when standard error is gone.
    if !report.repairs.is_empty() {
        let (what, is_bad) = headline(reader.ended(), report);
        let style = if is_bad { BAD } else { BOLD };
        let _ = writeln!(err, "{style}{what}{style:#}");
        list(&mut err, report);
    } else if verbose && report.conforming {
        let how = reader.ended().map(ending).unwrap_or_default();
        let events = grouped(report.events_in);
        let profile = report.profile;
        let _ = writeln!(
            err,
            "conforms to {profile}, passed as it came: {events} events; {how}"
        );
    }
    if let Some(Ending::NoStream(body)) = reader.ended() {
        term::notice(&format!("the body begins: {}", excerpt(&body.excerpt)));
    }
    for off in &report.without {
        let rule = rules().iter().find(|rule| rule.code.as_str() == *off);
        let demand = rule.map_or("", |rule| rule.demands);
        term::notice(&format!("not guaranteed, because `{off}` is off: {demand}"));
    }
}

/// What became of the stream in one line, and whether that is bad news of which the upstream did not say anything itself.
fn headline(end: Option<&Ending>, report: &Report) -> (String, bool) {
    let failed = "what is written ends in `response.failed`";
    match end {
        Some(Ending::Truncated { cause }) => (format!("cut short: {cause}; {failed}"), true),
        Some(Ending::Empty { cause }) => (format!("nothing came: {cause}; {failed}"), true),
        Some(Ending::NoStream(_)) => {
            let why = report.violations.first().map_or("", |found| &found.message);
            (format!("{why}; {failed}"), true)
        }
        Some(Ending::Failed(error)) if error.source == ErrorSource::Local => {
            let why = term::one_line(&error.message);
            (format!("cannot be repaired: {why}; {failed}"), true)
        }
        end => {
            let how = end.map(ending).unwrap_or_default();
            (format!("repaired to {}; {how}", report.profile), false)
        }
    }
}

/// Each code, how often, and where first.
fn list(err: &mut impl Write, report: &Report) {
    let width = |of: fn(&Repair) -> usize| report.repairs.iter().map(of).max().unwrap_or(0);
    let codes = width(|repair| repair.code.len());
    let counts = width(|repair| grouped(repair.count).len());
    for repair in &report.repairs {
        let (code, count) = (repair.code, grouped(repair.count));
        let first = repair.first_event;
        let _ = writeln!(
            err,
            "  {code:codes$}  {count:>counts$} ×  {DIM}first at event {first}{DIM:#}"
        );
    }
}

/// Enough of a body to know it again.
fn excerpt(text: &str) -> String {
    crate::check::excerpt::cut(&term::one_line(text), 200)
}
