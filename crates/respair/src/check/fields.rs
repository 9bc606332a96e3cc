//! The fields of a JSON text as ranges of its bytes, also where the text is broken: for showing, not for reading.

use std::ops::Range;

/// Fields further inside are not what a finding is about.
pub(super) const DEEPEST: usize = 8;
/// Fields that are looked at.
const MOST: usize = 10_000;

/// A field of an object, as ranges of the text.
pub(super) struct Found {
    /// How many objects and lists it is in; 1 in the outermost object.
    pub(super) depth: usize,
    pub(super) key: Range<usize>,
    /// The value, where it is no object or list, or an empty one.
    pub(super) value: Option<Range<usize>>,
}

impl Found {
    /// Key and value; the key alone where the value goes on.
    pub(super) fn span(&self) -> Range<usize> {
        self.key.start..self.value.as_ref().map_or(self.key.end, |value| value.end)
    }
}

/// Every field of every object, as far as the text is JSON. Keys and values that are written with escapes are not
/// known again, and that costs no more than a mark.
pub(super) fn fields(text: &[u8]) -> Vec<Found> {
    let mut found = Vec::new();
    let mut depth = 0usize;
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                let key = at..string_end(text, at);
                at = key.end;
                let colon = blanks_end(text, at);
                if text.get(colon) == Some(&b':') {
                    let start = blanks_end(text, colon + 1);
                    let value = value_end(text, start).map(|end| start..end);
                    // The events of a stream have few fields; only a terminal one may hold many.
                    if depth <= DEEPEST && found.len() < MOST {
                        found.push(Found {
                            depth,
                            key,
                            value: value.clone(),
                        });
                    }
                    at = value.map_or(start, |value| value.end);
                }
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// An escaped half of a surrogate pair.
pub(super) fn lone_surrogate(text: &[u8]) -> Option<Range<usize>> {
    let half = |at: usize| {
        let escape = text.get(at..at + 6)?;
        let digits = std::str::from_utf8(escape.strip_prefix(b"\\u")?).ok()?;
        let unit = u16::from_str_radix(digits, 16).ok()?;
        (0xd800..=0xdfff).contains(&unit).then_some(unit)
    };
    let mut at = 0;
    while at < text.len() {
        match (text[at], half(at)) {
            (_, Some(0xd800..=0xdbff)) if half(at + 6).is_some_and(|unit| unit >= 0xdc00) => {
                at += 12
            }
            (_, Some(_)) => return Some(at..at + 6),
            (b'\\', None) => at += 2,
            _ => at += 1,
        }
    }
    None
}

/// A string without its quotes; anything else as it is.
pub(super) fn inner(text: &[u8]) -> &[u8] {
    match text {
        [b'"', inner @ .., b'"'] => inner,
        other => other,
    }
}

/// Where the string that begins at `at` ends.
fn string_end(text: &[u8], at: usize) -> usize {
    let mut end = at + 1;
    while end < text.len() {
        match text[end] {
            b'"' => return end + 1,
            b'\\' => end += 2,
            _ => end += 1,
        }
    }
    text.len()
}

fn blanks_end(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest
        .iter()
        .take_while(|byte| byte.is_ascii_whitespace())
        .count()
}

/// Where the value that begins at `at` ends; `None` for an object or list that holds something.
fn value_end(text: &[u8], at: usize) -> Option<usize> {
    match text.get(at)? {
        b'"' => Some(string_end(text, at)),
        open @ (b'{' | b'[') => {
            let close = blanks_end(text, at + 1);
            (text.get(close) == Some(&(open + 2))).then_some(close + 1)
        }
        _ => {
            let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']') || byte.is_ascii_whitespace();
            Some(
                text[at..]
                    .iter()
                    .position(ends)
                    .map_or(text.len(), |length| at + length),
            )
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_at_their_depth_and_in_broken_text_too() {
        let text = br#"{"a" : "x\"y", "b": {"c":[ {"d":1}], "e":[]}, "f": tru"#;
        let all: Vec<(usize, &str)> = fields(text)
            .into_iter()
            .map(|field| {
                (
                    field.depth,
                    std::str::from_utf8(&text[field.span()]).unwrap(),
                )
            })
            .collect();
        let expected = [
            (1, r#""a" : "x\"y""#),
            (1, r#""b""#),
            (2, r#""c""#),
            (4, r#""d":1"#),
            (2, r#""e":[]"#),
            (1, r#""f": tru"#),
        ];
        assert_eq!(all, expected);
        for end in 0..text.len() {
            fields(&text[..end]);
        }
    }

    #[test]
    fn halves_of_surrogate_pairs_are_found() {
        let found = |text: &str| lone_surrogate(text.as_bytes()).map(|at| text[at].to_owned());
        assert_eq!(found(r#"{"a":"\ud83d\ude00 \\ud83d"}"#), None);
        assert_eq!(found(r#"{"a":"\ud83d\ude00\uDE00"}"#).unwrap(), r"\uDE00");
        assert_eq!(found(r#"{"a":"\ud83d"}"#).unwrap(), r"\ud83d");
    }
}
