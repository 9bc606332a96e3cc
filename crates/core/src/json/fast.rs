//! The common case of reading an object as spans, without a general parser: keys without escapes. Anything odd makes it
//! give up, and [`scan`](super::scan) decides; so the two never disagree about what is JSON.

/// Values nested deeper than this are left to the general parser.
const DEEPEST: usize = 32;

/// Calls `each` with the key and the span of the raw value of every field of the object `text`. `None` when the text is
/// not as simple as this, whatever was reported before.
pub(crate) fn scan_simple<'a>(
    text: &'a [u8],
    mut each: impl FnMut(&'a [u8], usize, usize),
) -> Option<()> {
    let mut at = skip(text, 0);
    if text.get(at) != Some(&b'{') {
        return None;
    }
    at = skip(text, at + 1);
    if text.get(at) == Some(&b'}') {
        return ends(text, at + 1);
    }
    loop {
        let key_end = string_end(text, at)?;
        let key = &text[at + 1..key_end - 1];
        if key.contains(&b'\\') {
            return None;
        }
        at = value_start(text, key_end)?;
        let end = value_end(text, at, DEEPEST)?;
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

/// Where the value begins whose key ends at `at`.
fn value_start(text: &[u8], at: usize) -> Option<usize> {
    let at = skip(text, at);
    (text.get(at) == Some(&b':')).then(|| skip(text, at + 1))
}

/// The end of the string that begins at `at`.
fn string_end(text: &[u8], at: usize) -> Option<usize> {
    string(text, at).map(|(end, _)| end)
}

/// The end of the string that begins at `at`, and whether anything in it is escaped.
pub(crate) fn string(text: &[u8], at: usize) -> Option<(usize, bool)> {
    if text.get(at) != Some(&b'"') {
        return None;
    }
    let mut from = at + 1;
    loop {
        let found = from + plain_length(text.get(from..)?);
        match *text.get(found)? {
            b'"' => return Some((found + 1, from > at + 1)),
            b'\\' => {}
            // A control character is no JSON within a string.
            _ => return None,
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

/// How many bytes of `text` come before the first quote, backslash or control character. Eight at a time: strings are
/// short here, and a vectorised search costs more to begin than to finish.
pub(super) fn plain_length(text: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = ONES << 7;
    let below = |word: u64, least: u64| word.wrapping_sub(ONES * least) & !word & HIGHS;
    let mut at = long_plain_length(text);
    while let Some(eight) = text[at..].first_chunk() {
        let word = u64::from_le_bytes(*eight);
        let stop =
            below(word ^ (ONES * 0x22), 1) | below(word ^ (ONES * 0x5c), 1) | below(word, 0x20);
        if stop != 0 {
            // A borrow can only mark bytes behind the first one that is really meant.
            return at + (stop.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    let rest = &text[at..];
    at + rest
        .iter()
        .position(|byte| matches!(byte, b'"' | b'\\' | ..0x20))
        .unwrap_or(rest.len())
}

/// How many blocks of `text` hold neither a quote nor a backslash nor a control character, in bytes.
fn long_plain_length(text: &[u8]) -> usize {
    const BLOCK: usize = 32;
    // Zero for each of them.
    let stop = |byte: u8| {
        (byte ^ b'"')
            .min(byte ^ b'\\')
            .min(byte.saturating_sub(0x1f))
    };
    let mut at = 0;
    // Without a way out within a block, which is what lets a compiler take its bytes together.
    while let Some(block) = text[at..].first_chunk::<BLOCK>() {
        if block
            .iter()
            .fold(u8::MAX, |least, byte| least.min(stop(*byte)))
            == 0
        {
            break;
        }
        at += BLOCK;
    }
    at
}

/// The end of the value that begins at `at`.
fn value_end(text: &[u8], at: usize, depth: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    match rest.first()? {
        b'"' => string_end(text, at),
        b'-' | b'0'..=b'9' => Some(at + number_length(rest)?),
        b't' if rest.starts_with(b"true") => Some(at + 4),
        b'f' if rest.starts_with(b"false") => Some(at + 5),
        b'n' if rest.starts_with(b"null") => Some(at + 4),
        open @ (b'[' | b'{') => within(text, at + 1, *open == b'{', depth.checked_sub(1)?),
        _ => None,
    }
}

/// The end of the array or object whose bracket stands before `at`.
fn within(text: &[u8], at: usize, keyed: bool, depth: usize) -> Option<usize> {
    let close = if keyed { b'}' } else { b']' };
    let mut at = skip(text, at);
    if text.get(at) == Some(&close) {
        return Some(at + 1);
    }
    loop {
        if keyed {
            at = value_start(text, string_end(text, at)?)?;
        }
        at = skip(text, value_end(text, at, depth)?);
        match *text.get(at)? {
            b',' => at = skip(text, at + 1),
            byte if byte == close => return Some(at + 1),
            _ => return None,
        }
    }
}

/// How many digits `text` begins with.
pub(crate) fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// How long the number is that `text` begins with.
fn number_length(text: &[u8]) -> Option<usize> {
    let mut at = usize::from(text.first() == Some(&b'-'));
    match digits(&text[at..]) {
        0 => return None,
        1 => at += 1,
        _ if text[at] == b'0' => return None,
        count => at += count,
    }
    if text.get(at) == Some(&b'.') {
        at += 1 + some(digits(&text[at + 1..]))?;
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        at += 1 + usize::from(matches!(text.get(at + 1), Some(b'+' | b'-')));
        at += some(digits(&text[at..]))?;
    }
    Some(at)
}

fn some(count: usize) -> Option<usize> {
    (count > 0).then_some(count)
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
            "[1,{\"a\":[ true ]}]",
            "{\"k\\n\":\"\\ud83d\", \"k\":[]}",
            "[1,]",
            "[",
            "]",
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
            "-",
            "1.5",
            "1.",
            "-0.0e+1",
            "1e3",
            "1e",
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
