//! A change as a person looks at it.

use std::time::Duration;

use similar::TextDiff;

/// Bytes of a diff that are shown. A person reads the head of a longer one and asks for the file.
const LONGEST: usize = 64 << 10;
/// How long the search for the smallest diff may take; then a larger one will do.
const PATIENCE: Duration = Duration::from_millis(200);
/// Lines of both sides together for which a diff is looked for. Of more, what changed is shown as one piece.
const LINES: usize = 100_000;

/// The change in unified form; `None` when there is none. A file that is no text is only measured.
pub(super) fn unified(shown: &str, before: Option<&[u8]>, after: &[u8]) -> Option<String> {
    if before == Some(after) {
        return None;
    }
    let old = before.map_or(Ok(""), std::str::from_utf8);
    let (Ok(old), Ok(new)) = (old, std::str::from_utf8(after)) else {
        let was = before.map_or(0, <[u8]>::len);
        return Some(format!("binary: {was} bytes become {}\n", after.len()));
    };
    let from = match before {
        Some(_) => format!("a/{shown}"),
        None => "/dev/null".to_owned(),
    };
    let header = format!("--- {from}\n+++ b/{shown}\n");
    if count(old) + count(new) > LINES {
        return Some(bounded(header + &one_piece(old, new)));
    }
    let mut config = TextDiff::configure();
    config.timeout(PATIENCE);
    let diff = config.diff_lines(old, new);
    let mut unified = diff.unified_diff();
    let text = unified
        .context_radius(3)
        .header(&from, &format!("b/{shown}"))
        .to_string();
    Some(match text.is_empty() {
        // An empty file that comes into being has no lines to show.
        true => header,
        false => bounded(text),
    })
}

fn count(text: &str) -> usize {
    text.split_inclusive('\n').count()
}

/// What lies between the lines that both begin with and the lines that both end with: all of the old, then all of the new.
fn one_piece(old: &str, new: &str) -> String {
    let same = old.split_inclusive('\n').zip(new.split_inclusive('\n'));
    let head: usize = same.take_while(|(a, b)| a == b).map(|(a, _)| a.len()).sum();
    let first = count(&old[..head]) + 1;
    let (old, new) = (&old[head..], &new[head..]);
    let same = old
        .split_inclusive('\n')
        .rev()
        .zip(new.split_inclusive('\n').rev());
    let tail: usize = same.take_while(|(a, b)| a == b).map(|(a, _)| a.len()).sum();
    let (old, new) = (&old[..old.len() - tail], &new[..new.len() - tail]);
    let mut text = format!("@@ -{first},{} +{first},{} @@\n", count(old), count(new));
    for (sign, side) in [('-', old), ('+', new)] {
        for line in side.split_inclusive('\n') {
            // What is beyond the bound is only counted.
            text.push(sign);
            text.push_str(match text.len() > LONGEST {
                true => "\n",
                false => line,
            });
            if !text.ends_with('\n') {
                text.push_str("\n\\ No newline at end of file\n");
            }
        }
    }
    text
}

fn bounded(mut text: String) -> String {
    if text.len() <= LONGEST {
        return text;
    }
    let cut = text.floor_char_boundary(LONGEST);
    let cut = text[..cut].rfind('\n').map_or(cut, |at| at + 1);
    let left_out = text[cut..].lines().count();
    text.truncate(cut);
    text.push_str(&format!("… {left_out} more lines\n"));
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_shown_with_its_surroundings() {
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let after = before.replace("5\n", "five\n");
        let diff = unified("a.txt", Some(before.as_bytes()), after.as_bytes()).unwrap();
        assert_eq!(
            diff,
            "--- a/a.txt\n+++ b/a.txt\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n"
        );
    }

    #[test]
    fn ends_without_a_newline_and_other_line_ends_are_seen() {
        let diff = unified("a", Some(b"x\r\n"), b"x\n").unwrap();
        assert!(diff.contains("-x\r\n+x\n"), "{diff:?}");
        let diff = unified("a", Some(b"x\n"), b"x").unwrap();
        assert!(diff.contains("No newline at end of file"), "{diff:?}");
        assert_eq!(unified("a", Some(b"x"), b"x"), None);
        assert_eq!(unified("a", None, b"").unwrap(), "--- /dev/null\n+++ b/a\n");
    }

    #[test]
    fn what_changed_in_a_very_long_file_is_one_piece() {
        let before = "same\n".repeat(60_000);
        let after = format!("{}new\n{}last", &before[..10], &before[15..]);
        let diff = unified("a", Some(before.as_bytes()), after.as_bytes()).unwrap();
        assert!(
            diff.starts_with("--- a/a\n+++ b/a\n@@ -3,59998 +3,59999 @@\n-same\n"),
            "{}",
            &diff[..80]
        );
        assert!(diff.len() < LONGEST + 40);
        let left_out = diff.lines().last().unwrap();
        let shown = diff.lines().count() - 1;
        // Three lines of header, what goes and what comes.
        let more = 3 + 59_998 + 59_999 - shown;
        assert_eq!(left_out, format!("… {more} more lines"));
        let after = before.replacen("same\n", "new\n", 1);
        let diff = unified("a", Some(before.as_bytes()), after.as_bytes()).unwrap();
        assert_eq!(diff, "--- a/a\n+++ b/a\n@@ -1,1 +1,1 @@\n-same\n+new\n");
    }

    #[test]
    fn binary_and_long_ones_are_bounded() {
        assert_eq!(
            unified("a", Some(b"\xff"), b"abc").unwrap(),
            "binary: 1 bytes become 3\n"
        );
        let long = "a line of text\n".repeat(100_000);
        let diff = unified("a", None, long.as_bytes()).unwrap();
        assert!(diff.len() < LONGEST + 40);
        assert!(diff.ends_with(" more lines\n"));
    }
}
