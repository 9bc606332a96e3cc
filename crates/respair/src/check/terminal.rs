//! What was judged, for a person at a terminal.

use std::fmt::Write as _;

use anstyle::Style;
use respair_core::{Ending, Rule, Violation};

use super::breaks;
use super::excerpt::{Excerpt, cut, width, window};
use super::stream::{Group, Judged};
use crate::report::Report;
use crate::term::{self, BAD, BOLD, DIM, GOOD, WARN};

/// The columns of a line where nobody says how many there are.
const USUAL: usize = 80;
/// Fewer make no readable text.
const FEWEST: usize = 40;
/// Prose beyond this is hard to read.
const PROSE: usize = 100;
/// Events that are listed of the findings behind the first.
const LISTED: usize = 8;

/// What to do next.
const HINT: &str =
    "`respair repair` mends what can be mended; `respair check --explain CODE` tells of a rule.";

/// The columns to write for: `COLUMNS`, else the terminal's.
pub(crate) fn columns() -> usize {
    let set = std::env::var("COLUMNS")
        .ok()
        .and_then(|text| text.parse().ok());
    set.or_else(term::columns).unwrap_or(USUAL).max(FEWEST)
}

/// Everything about these bodies.
pub(crate) fn text(judged: &[Judged], columns: usize) -> String {
    let mut page = Page::new(columns);
    for one in judged {
        page.body(one);
    }
    let mendable = |one: &Judged| {
        let nothing = matches!(one.ending, Ending::NoStream(_) | Ending::Empty { .. });
        !one.report.conforming && !nothing
    };
    if judged.iter().any(mendable) {
        page.line("");
        page.prose("", DIM, HINT);
    }
    page.out
}

/// The verdicts alone.
pub(crate) fn verdicts(judged: &[Judged], columns: usize) -> String {
    let mut page = Page::new(columns);
    for one in judged {
        page.verdict(one);
    }
    page.out
}

/// Text of so many columns in the making.
pub(super) struct Page {
    pub(super) out: String,
    columns: usize,
}

impl Page {
    pub(super) fn new(columns: usize) -> Self {
        Self {
            out: String::new(),
            columns,
        }
    }

    fn body(&mut self, judged: &Judged) {
        if !self.out.is_empty() {
            self.line("");
        }
        for group in &judged.groups {
            self.group(group, &judged.name);
        }
        self.verdict(judged);
    }

    pub(super) fn line(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn group(&mut self, group: &Group, name: &str) {
        self.heading(group.rule, group.is_violation(), &group.first.message);
        self.place(group, name);
        self.consequences(group.rule);
    }

    /// What was found, in one piece, so that it can be searched for.
    pub(super) fn heading(&mut self, rule: &Rule, is_violation: bool, message: &str) {
        let (style, word) = match is_violation {
            true => (BAD, "violation"),
            false => (WARN, "info"),
        };
        let code = rule.code;
        self.line(&format!("{style}{word}{style:#}: {BOLD}{code}{BOLD:#}"));
        self.line(&term::one_line(message));
    }

    /// Who breaks on it, what respair does, and what is to be changed.
    pub(super) fn consequences(&mut self, rule: &Rule) {
        self.line("");
        if let Some(who) = breaks::sentence(rule.code) {
            self.labelled("breaks", WARN, &who);
        }
        self.labelled("respair", GOOD, rule.mends);
        self.labelled("fix", GOOD, rule.advice);
        self.line("");
    }

    pub(super) fn place(&mut self, group: &Group, name: &str) {
        let first = &group.first;
        let Some(excerpt) = &group.excerpt else {
            return self.arrow(0, name, &event(first, None));
        };
        let gutter = excerpt
            .lines
            .iter()
            .map(|line| line.number)
            .max()
            .unwrap_or(0);
        let gutter = gutter.to_string().len();
        let line = excerpt
            .mark
            .as_ref()
            .and_then(|(at, _)| excerpt.lines.get(*at));
        let line = line.or(excerpt.lines.first()).map_or(1, |line| line.number);
        let event = event(first, Some(excerpt));
        self.arrow(gutter, &format!("{name}:{line}"), &event);
        self.excerpt(excerpt, gutter);
        if let Some(more) = more(group) {
            self.prose(&format!("{:gutter$} = ", ""), DIM, &more);
        }
    }

    fn arrow(&mut self, gutter: usize, file: &str, event: &str) {
        let arrow = format!("{:gutter$}-->", "");
        let whole = format!("{file}, {event}");
        let indent = width(&arrow) + 1;
        match indent + width(&whole) <= self.columns {
            true => self.line(&format!("{DIM}{arrow}{DIM:#} {whole}")),
            false => {
                self.line(&format!("{DIM}{arrow}{DIM:#} {file}"));
                self.prose(&" ".repeat(indent), DIM, event);
            }
        }
    }

    fn excerpt(&mut self, excerpt: &Excerpt, gutter: usize) {
        let room = self.columns.saturating_sub(gutter + 3);
        self.line(&format!("{DIM}{:gutter$} |{DIM:#}", ""));
        for (at, line) in excerpt.lines.iter().enumerate() {
            let mark = excerpt.mark.as_ref().filter(|(line, _)| *line == at);
            let number = line.number;
            let (text, under) = match mark {
                Some((_, range)) => {
                    let (text, range) = window(&line.text, range, room);
                    (text, Some(range))
                }
                None => (cut(&line.text, room), None),
            };
            self.line(&format!("{DIM}{number:>gutter$} |{DIM:#} {text}"));
            if let Some(range) = under {
                let (before, carets) = (" ".repeat(range.start), "^".repeat(range.len()));
                self.line(&format!(
                    "{DIM}{:gutter$} |{DIM:#} {before}{BAD}{carets}{BAD:#}",
                    ""
                ));
            }
        }
    }

    /// Prose behind a label, its further lines below its first word.
    pub(super) fn labelled(&mut self, label: &str, style: Style, text: &str) {
        self.prose(&format!("{label:>9}: "), style, text);
    }

    pub(super) fn prose(&mut self, label: &str, style: Style, text: &str) {
        let indent = width(label);
        let room = self.columns.min(PROSE).saturating_sub(indent);
        for (at, line) in wrapped(text, room).iter().enumerate() {
            match at {
                0 => self.line(&format!("{style}{label}{style:#}{line}")),
                _ => self.line(&format!("{:indent$}{line}", "")),
            }
        }
    }

    fn verdict(&mut self, judged: &Judged) {
        let report = &judged.report;
        let style = if report.conforming { GOOD } else { BAD };
        let says = verdict(judged.broken());
        self.line(&format!("{BOLD}{}{BOLD:#}", judged.name));
        self.line(&format!("  {:14}  {style}{says}{style:#}", report.profile));
        for other in &judged.others {
            let says = verdict(other.broken);
            self.line(&format!(
                "  {:14}  {DIM}{says}{DIM:#}",
                other.profile.name()
            ));
        }
        let ending = ending(&judged.ending);
        self.prose("  ending          ", DIM, &ending);
        self.prose("  read            ", DIM, &counts(report));
    }
}

/// The verdict on a stream that breaks so many rules.
pub(super) fn verdict(broken: usize) -> String {
    match broken {
        0 => "conforms".to_owned(),
        1 => "does not conform: 1 rule is broken".to_owned(),
        n => format!("does not conform: {n} rules are broken"),
    }
}

/// How much was read.
pub(super) fn counts(report: &Report) -> String {
    format!("{} in {}", events(report.events_in), size(report.bytes_in))
}

/// Which events the findings behind the first are at.
pub(super) fn more(group: &Group) -> Option<String> {
    let more = group.count.saturating_sub(1);
    if more == 0 {
        return None;
    }
    let listed: Vec<String> = group.more.iter().take(LISTED).map(u64::to_string).collect();
    let dots = if listed.len() as u64 == more {
        ""
    } else {
        ", …"
    };
    let (times, word) = match more {
        1 => ("once more".to_owned(), "event"),
        n => (format!("{} more", grouped(n)), "events"),
    };
    Some(format!(
        "and {times}, at {word} {}{dots}",
        listed.join(", ")
    ))
}

fn events(events: u64) -> String {
    match events {
        1 => "1 event".to_owned(),
        n => format!("{} events", grouped(n)),
    }
}

/// Where a finding is: the event, its type, its bytes.
pub(super) fn event(violation: &Violation, excerpt: Option<&Excerpt>) -> String {
    let kind = match excerpt.map_or("", |excerpt| &excerpt.kind) {
        "" => String::new(),
        kind => format!(" `{kind}`"),
    };
    let which = match excerpt {
        Some(excerpt) if excerpt.is_behind => {
            format!("behind event {}", violation.event.saturating_sub(1))
        }
        _ => format!("event {}", violation.event),
    };
    format!("{which}{kind}, {}", bytes(violation))
}

fn bytes(violation: &Violation) -> String {
    match (violation.byte_start, violation.byte_end) {
        (start, end) if start == end => format!("at byte {start}"),
        (start, end) => format!("bytes {start}..{end}"),
    }
}

fn size(bytes: u64) -> String {
    format!("{} bytes", grouped(bytes))
}

/// 1234567 as `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The ending in a few words.
pub(crate) fn ending(ending: &Ending) -> String {
    match ending {
        Ending::Completed { empty: true } => "completed, without any output".to_owned(),
        Ending::Completed { .. } => "completed".to_owned(),
        Ending::Incomplete {
            reason: Some(reason),
        } => format!("incomplete: {}", term::one_line(reason)),
        Ending::Incomplete { .. } => "incomplete".to_owned(),
        Ending::Failed(error) => format!("failed: {}", term::one_line(&error.to_string())),
        Ending::Truncated { cause } => format!("truncated: {cause}"),
        Ending::Empty { cause } => format!("empty: {cause}"),
        Ending::NoStream(_) => "the body is no event stream".to_owned(),
        _ => "unknown".to_owned(),
    }
}

/// A text in lines of at most `columns`; a longer word stands alone.
fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && width(&line) + 1 + width(word) > columns {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        // Writing to a string does not fail.
        let _ = line.write_str(word);
    }
    lines.push(line);
    lines
}
