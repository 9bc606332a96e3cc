//! Why a text was not found exactly once, in words that lead to the next try.

use std::time::{Duration, Instant};

use similar::TextDiff;

/// Places that are named.
const NAMED: usize = 4;
/// How long something near is looked for, each way; the file may be large.
const PATIENCE: Duration = Duration::from_millis(100);
/// Lines that are compared between two looks at the clock.
const BLOCK: usize = 1_024;
/// Of a line, what is compared and quoted, in bytes.
const LINE: usize = 160;
/// From here on two lines resemble each other.
const ALIKE: f32 = 0.6;

/// It is there several times: where.
pub(super) fn several(shown: &str, text: &str, old: &str) -> String {
    let found = text.matches(old).count();
    let first = text.match_indices(old).take(NAMED);
    let named = first.map(|(at, _)| line_of(text, at).to_string());
    let named = named.collect::<Vec<_>>().join(", ");
    let more = if found > NAMED { ", …" } else { "" };
    format!(
        "`old` is in {shown} {found} times (lines {named}{more}); give more of its surroundings, or `all`"
    )
}

/// It is not there: what comes near.
pub(super) fn misses(shown: &str, text: &str, old: &str) -> String {
    let mut said = format!("`old` is not in {shown}");
    let spaced = with_other_space(text, old);
    if !spaced.is_empty() {
        let lines = spaced.iter().map(usize::to_string).collect::<Vec<_>>();
        said.push_str(&format!(
            ", but a text that differs only in white space begins at line {}",
            lines.join(", ")
        ));
        if let Some(line) = spaced.first().and_then(|at| text.lines().nth(at - 1)) {
            said.push_str(&format!(": {:?}", short(line)));
        }
    } else if let Some((at, line)) = alike(text, old) {
        said.push_str(&format!("; the nearest is line {at}: {:?}", short(line)));
    }
    said
}

/// Lines, from 1, at which `old` begins when white space at both ends of its lines is left out.
fn with_other_space(text: &str, old: &str) -> Vec<usize> {
    let wanted: Vec<&str> = old.trim().lines().map(str::trim).collect();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    if wanted.is_empty() {
        return Vec::new();
    }
    let begun = Instant::now();
    // A window that is nearly it costs as much as one that is: many such lines are not compared to the end.
    let same = |window: &[&str]| {
        let mut blocks = window.chunks(BLOCK).zip(wanted.chunks(BLOCK));
        blocks.all(|(theirs, ours)| theirs == ours && begun.elapsed() < PATIENCE)
    };
    let begins = lines.windows(wanted.len()).enumerate();
    begins
        .take_while(|(at, _)| at % BLOCK != 0 || begun.elapsed() < PATIENCE)
        .filter(|(_, window)| same(window))
        .map(|(at, _)| at + 1)
        .take(NAMED)
        .collect()
}

/// The line that resembles the first one of `old` most.
fn alike<'a>(text: &'a str, old: &str) -> Option<(usize, &'a str)> {
    let wanted = old.lines().map(str::trim).find(|line| !line.is_empty())?;
    let wanted = short(wanted);
    let mut best: Option<(f32, usize, &str)> = None;
    let begun = Instant::now();
    for (at, line) in text.lines().enumerate() {
        if begun.elapsed() > PATIENCE {
            break;
        }
        let candidate = short(line.trim());
        // Of very different lengths they cannot be alike, and the comparison is not cheap.
        if candidate.len() > 2 * wanted.len() + 8 || wanted.len() > 2 * candidate.len() + 8 {
            continue;
        }
        let ratio = TextDiff::from_chars(wanted, candidate).ratio();
        if ratio >= ALIKE && best.is_none_or(|(other, ..)| ratio > other) {
            best = Some((ratio, at + 1, line));
        }
    }
    best.map(|(_, at, line)| (at, line))
}

fn short(line: &str) -> &str {
    &line[..line.floor_char_boundary(LINE)]
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    const TEXT: &str = "fn main() {\n    let x = 1;\n    let y = 2;\n}\n";

    #[test]
    fn several_places_are_named() {
        let said = several("a.rs", TEXT, "let");
        assert!(said.contains("2 times (lines 2, 3)"), "{said}");
        let said = several("a.rs", &"x\n".repeat(9), "x");
        assert!(said.contains("9 times (lines 1, 2, 3, 4, …)"), "{said}");
    }

    #[test]
    fn other_white_space_is_seen() {
        let said = misses("a.rs", TEXT, "let x = 1;\n\tlet y = 2;\n");
        assert!(
            said.contains("differs only in white space begins at line 2: \"    let x = 1;\""),
            "{said}"
        );
    }

    #[test]
    fn the_nearest_line_is_quoted() {
        let said = misses("a.rs", TEXT, "let y = 3;");
        assert!(said.contains("nearest is line 3"), "{said}");
        assert_eq!(misses("a.rs", TEXT, "%%%%%%%%%%"), "`old` is not in a.rs");
        assert_eq!(misses("a.rs", "", "x"), "`old` is not in a.rs");
    }

    #[test]
    fn a_hostile_file_takes_no_time() {
        let long = format!("{}\n", "ab".repeat(5_000)).repeat(1_000);
        misses("a", &long, &"ba".repeat(10_000));
    }
}
