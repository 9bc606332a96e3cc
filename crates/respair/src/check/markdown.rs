//! What was judged, as something to paste into a relay's issue tracker.

use super::breaks;
use super::excerpt::{Excerpt, window};
use super::stream::{Group, Judged};
use super::terminal::{counts, ending, event, more, verdict};
use crate::term;

/// Columns of an excerpt: issue trackers scroll what is wider.
const COLUMNS: usize = 96;

/// Everything about these bodies.
pub(crate) fn text(judged: &[Judged]) -> String {
    judged.iter().map(body).collect::<Vec<_>>().join("\n")
}

fn body(judged: &Judged) -> String {
    let report = &judged.report;
    // The folder is nobody else's business.
    let name = judged.name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name = code_span(name);
    let mut out = match report.conforming {
        true => format!("## {name} conforms to the Responses API's event stream\n\n"),
        false => format!("## {name} does not conform to the Responses API's event stream\n\n"),
    };
    out.push_str("| profile | verdict |\n|---|---|\n");
    out.push_str(&format!(
        "| **{}** | **{}** |\n",
        report.profile,
        verdict(judged.broken())
    ));
    for other in &judged.others {
        out.push_str(&format!(
            "| {} | {} |\n",
            other.profile,
            verdict(other.broken)
        ));
    }
    out.push_str(&format!(
        "\nThe stream: {}; {}.\n",
        plain(&ending(&judged.ending)),
        counts(report)
    ));
    for group in &judged.groups {
        out.push('\n');
        out.push_str(&finding(group));
    }
    out.push_str(concat!(
        "\n<sub>Judged by respair ",
        env!("CARGO_PKG_VERSION"),
        ", `respair check --format markdown`.</sub>\n"
    ));
    out
}

pub(super) fn finding(group: &Group) -> String {
    let rule = group.rule;
    let word = if group.is_violation() { "" } else { " (info)" };
    let first = &group.first;
    let more = more(group).map_or(String::new(), |more| format!(", {more}"));
    let mut out = format!("### `{}`{word}\n\n{}\n\n", rule.code, plain(&first.message));
    let mut place = event(first, group.excerpt.as_ref()) + &more;
    place[..1].make_ascii_uppercase();
    out.push_str(&format!("{place}:\n\n"));
    if let Some(excerpt) = &group.excerpt {
        out.push_str(&fenced(excerpt));
    }
    out.push_str(&format!("- **Demanded:** {}\n", rule.demands));
    if let Some(who) = breaks::sentence(rule.code) {
        out.push_str(&format!("- **Breaks:** {who}.\n"));
    }
    out.push_str(&format!("- **Suggested change:** {}\n", rule.advice));
    out
}

fn fenced(excerpt: &Excerpt) -> String {
    let mut lines = Vec::new();
    for (at, line) in excerpt.lines.iter().enumerate() {
        let mark = excerpt.mark.as_ref().filter(|(marked, _)| *marked == at);
        let (text, range) = window(
            &line.text,
            mark.map_or(&(0..0), |(_, range)| range),
            COLUMNS,
        );
        lines.push(text);
        if mark.is_some() {
            lines.push(format!(
                "{}{}",
                " ".repeat(range.start),
                "^".repeat(range.len())
            ));
        }
    }
    // A fence is longer than any run of backticks within it.
    let ticks = lines
        .iter()
        .map(|line| longest_run(line))
        .max()
        .unwrap_or(0);
    let fence = "`".repeat(ticks.max(2) + 1);
    format!("{fence}text\n{}\n{fence}\n\n", lines.join("\n"))
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// Text of ours with names in backticks, which Markdown takes as they are. What else it would take for markup is escaped.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_code = false;
    for c in term::one_line(text).chars() {
        in_code ^= c == '`';
        if !in_code
            && matches!(
                c,
                '<' | '>' | '*' | '_' | '[' | ']' | '|' | '#' | '\\' | '&'
            )
        {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

pub(super) fn code_span(text: &str) -> String {
    let fence = "`".repeat(longest_run(text) + 1);
    let blank = if text.starts_with('`') || text.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{fence}{blank}{text}{blank}{fence}")
}
