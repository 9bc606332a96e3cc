//! The common case of reading an object as spans, without a general parser: keys without escapes, values that are
//! strings, integers, `true`, `false`, `null` or empty. Anything else makes it give up, and [`scan`](super::scan)
//! decides; so the two never disagree about what is JSON.

/// Calls `each` with the key and the span of the raw value of every field of the object `text`. `None` when the text is
/// not as simple as this, whatever was reported before.
pub(crate) fn scan_simple(text: &[u8], mut each: impl FnMut(&[u8], usize, usize)) -> Option<()> {
    // A control character is no JSON within a string, and seldom seen between tokens: checked for all at once.
    if text.iter().fold(u8::MAX, |least, byte| least.min(*byte)) < 0x20 {
        return None;
    }
    let mut at = skip(text, 0);
    if text.get(at) != Some(&b'{') {
        return None;
    }
    at = skip(text, at + 1);
    if text.get(at) == Some(&b'}') {
        return ends(text, at + 1);
    }
    loop {
        let key_end = string(text, at)?;
        let key = &text[at + 1..key_end - 1];
        if key.contains(&b'\\') {
            return None;
        }
        at = skip(text, key_end);
        if text.get(at) != Some(&b':') {
            return None;
        }
        at = skip(text, at + 1);
        let end = value(text, at)?;
        each(key, at, end);
        at = skip(text, end);
        match text.get(at)? {
            b',' => at = skip(text, at + 1),
            b'}' => return ends(text, at + 1),
            _ => return None,
        }
    }
}

fn skip(text: &[u8], mut at: usize) -> usize {
    while matches!(text.get(at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
        at += 1;
    }
    at
}

fn ends(text: &[u8], at: usize) -> Option<()> {
    (skip(text, at) == text.len()).then_some(())
}

/// The end of the string that begins at `at`.
fn string(text: &[u8], at: usize) -> Option<usize> {
    if text.get(at) != Some(&b'"') {
        return None;
    }
    let mut from = at + 1;
    loop {
        let found = from + plain_length(&text[from..]);
        if *text.get(found)? == b'"' {
            return Some(found + 1);
        }
        match text.get(found + 1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => from = found + 2,
            b'u' if text
                .get(found + 2..found + 6)?
                .iter()
                .all(u8::is_ascii_hexdigit) =>
            {
                from = found + 6
            }
            _ => return None,
        }
    }
}

/// How many bytes of `text` come before the first quote or backslash. Eight at a time: strings are
/// short here, and a vectorised search costs more to begin than to finish.
fn plain_length(text: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = ONES << 7;
    let zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    let mut at = 0;
    while let Some(eight) = text
        .get(at..at + 8)
        .and_then(|eight| <[u8; 8]>::try_from(eight).ok())
    {
        let word = u64::from_le_bytes(eight);
        let stop = zero(word ^ (ONES * 0x22)) | zero(word ^ (ONES * 0x5c));
        if stop != 0 {
            // A borrow can only mark bytes behind the first one that is really meant.
            return at + (stop.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    let rest = &text[at..];
    at + rest
        .iter()
        .position(|byte| matches!(byte, b'"' | b'\\'))
        .unwrap_or(rest.len())
}

fn value(text: &[u8], at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    match rest.first()? {
        b'"' => string(text, at),
        b'0' => number_end(rest, 1).map(|length| at + length),
        b'1'..=b'9' => {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            number_end(rest, digits).map(|length| at + length)
        }
        b't' if rest.starts_with(b"true") => Some(at + 4),
        b'f' if rest.starts_with(b"false") => Some(at + 5),
        b'n' if rest.starts_with(b"null") => Some(at + 4),
        b'[' if rest.starts_with(b"[]") => Some(at + 2),
        b'{' if rest.starts_with(b"{}") => Some(at + 2),
        _ => None,
    }
}

/// An integer of that many digits, and no more than an integer.
fn number_end(rest: &[u8], digits: usize) -> Option<usize> {
    let plain = !matches!(rest.get(digits), Some(b'.' | b'e' | b'E' | b'0'..=b'9'));
    plain.then_some(digits)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn simple(text: &str) -> Option<Vec<(String, String)>> {
        let mut fields = Vec::new();
        scan_simple(text.as_bytes(), |key, start, end| {
            fields.push((
                String::from_utf8(key.to_vec()).unwrap(),
                text[start..end].to_owned(),
            ));
        })?;
        Some(fields)
    }

    fn general(text: &str) -> Option<Vec<(String, String)>> {
        let mut fields = Vec::new();
        super::super::scan(text, |key, value| {
            fields.push((key.into_owned(), value.to_owned()))
        })
        .ok()?;
        Some(fields)
    }

    #[test]
    fn it_reads_what_deltas_are_made_of() {
        let text = r#"{"type":"response.output_text.delta", "n" : 12,"a":[],"d":"x\u00e4\n\"","t":true,"z":null,"o":{}}"#;
        assert_eq!(simple(text).unwrap(), general(text).unwrap());
        assert_eq!(simple("{}").unwrap(), []);
    }

    proptest! {
        /// What it accepts, the general scanner reads the same way.
        #[test]
        fn it_agrees_with_the_general_scanner(text in soup()) {
            if let Some(fields) = simple(&text) {
                prop_assert_eq!(Some(fields), general(&text), "{}", text);
            }
        }
    }

    fn soup() -> impl Strategy<Value = String> {
        let token = prop::sample::select(vec![
            "{",
            "}",
            "[]",
            "{}",
            ",",
            ":",
            "\"a\"",
            "\"b\\n\"",
            "\"\\u00e4\"",
            "\"\\x\"",
            "\"\t\"",
            "12",
            "0",
            "01",
            "-1",
            "1.5",
            "1e3",
            "true",
            "nul",
            "null",
            " ",
            "\n",
            "\"",
            "\\",
            "ä",
        ]);
        let field =
            (token.clone(), token.clone()).prop_map(|(key, value)| format!("{key}:{value}"));
        let object = proptest::collection::vec(field, 0..4)
            .prop_map(|fields| format!("{{{}}}", fields.join(",")));
        prop_oneof![
            proptest::collection::vec(token, 0..12).prop_map(|tokens| tokens.concat()),
            object
        ]
    }
}
