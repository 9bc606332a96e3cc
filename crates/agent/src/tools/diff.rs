//! A change as a person looks at it.

use std::time::Duration;

use similar::TextDiff;

/// Bytes of a diff that are shown. A person reads the head of a longer one and asks for the file.
const LONGEST: usize = 64 << 10;
/// How long the search for the smallest diff may take; then a larger one will do.
const PATIENCE: Duration = Duration::from_millis(200);

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
        true => format!("--- {from}\n+++ b/{shown}\n"),
        false => bounded(text),
    })
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
