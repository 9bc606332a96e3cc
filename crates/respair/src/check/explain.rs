//! `respair check --explain CODE`: the page of a rule. It is the section of docs/VIOLATIONS.md, set for a terminal.

use respair_core::Code;

use super::terminal::Page;
use crate::args::Format;
use crate::term::{BOLD, DIM};

/// The page, for so many columns; as it is for Markdown.
pub(super) fn page(code: Code, format: Format, columns: usize) -> String {
    let text = respair_core::page(code);
    if format == Format::Markdown {
        return text;
    }
    let mut page = Page::new(columns);
    for line in text.lines() {
        let line = without_addresses(line);
        if let Some(title) = line.strip_prefix("## ") {
            page.line(&format!("{BOLD}{title}{BOLD:#}"));
        } else if let Some((title, rest)) = titled(&line) {
            page.line(&format!("{BOLD}{title}{BOLD:#}"));
            page.prose("  ", DIM, rest);
        } else if let Some(item) = line.strip_prefix("- ") {
            page.prose("  - ", DIM, item);
        } else {
            page.prose("", DIM, &line);
        }
    }
    page.out
}

/// `**Title.** text` as both.
fn titled(line: &str) -> Option<(&str, &str)> {
    let (title, rest) = line.strip_prefix("**")?.split_once("** ")?;
    Some((title.trim_end_matches('.'), rest))
}

/// `[text](address)` as the text: it names the thread or the file.
fn without_addresses(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, (text, after))) = next_link(rest) {
        out.push_str(before);
        out.push_str(text);
        rest = after;
    }
    out + rest
}

/// What stands before the next link, its text, and what stands behind it.
fn next_link(line: &str) -> Option<(&str, (&str, &str))> {
    let middle = line.find("](")?;
    let open = line[..middle].rfind('[')?;
    let close = middle + line[middle..].find(')')?;
    Some((&line[..open], (&line[open + 1..middle], &line[close + 1..])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_fits_and_holds_no_markup() {
        for code in Code::all() {
            let text = page(code, Format::Terminal, 60);
            let text = anstream::adapter::strip_str(&text).to_string();
            assert!(text.starts_with(&format!("{code}\n\n")), "{text}");
            assert!(!text.contains("**") && !text.contains("]("), "{text}");
            let longest = text.lines().filter(|line| line.trim().contains(' '));
            for line in longest {
                assert!(line.chars().count() <= 60, "{line}");
            }
        }
    }
}
