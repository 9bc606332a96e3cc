//! What a person is told on standard error when the stream is over.

use std::io::Write;

use respair_core::{Ending, Reader, rules};

use crate::check::terminal::{ending, grouped};
use crate::report::Report;
use crate::term::{self, BOLD, DIM};

/// Tells it: nothing for a stream that conformed, unless `verbose`.
pub(super) fn tell(reader: &Reader, report: &Report, verbose: bool) {
    let how = match reader.ended() {
        Some(end) => ending(end),
        None => "not read to its end".to_owned(),
    };
    let mut err = term::stderr();
    // Nothing is left to do when standard error is gone.
    if !report.repairs.is_empty() {
        let _ = writeln!(err, "{BOLD}repaired to {}{BOLD:#}; {how}", report.profile);
        let width = report
            .repairs
            .iter()
            .map(|repair| repair.code.len())
            .max()
            .unwrap_or(0);
        for repair in &report.repairs {
            let times = format!("{} ×", grouped(repair.count));
            let (code, first) = (repair.code, repair.first_event);
            let _ = writeln!(
                err,
                "  {code:width$}  {times:>7}  {DIM}first at event {first}{DIM:#}"
            );
        }
    } else if verbose && report.conforming {
        let events = grouped(report.events_in);
        let _ = writeln!(
            err,
            "conforms to {}, passed as it came: {events} events; {how}",
            report.profile
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

/// Enough of a body to know it again.
fn excerpt(text: &str) -> String {
    crate::check::excerpt::cut(&term::one_line(text), 200)
}
