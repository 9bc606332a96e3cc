//! JSON strings: decoding that never fails on lone surrogates, and encoding.

use std::borrow::Cow;
use std::fmt::Write as _;

use memchr::memchr;

use super::fast::plain_length;

/// Decodes a raw JSON string (with its quotes). Borrows when nothing is escaped. A lone surrogate becomes U+FFFD.
/// `None` when `raw` is not a string.
pub(crate) fn unescape(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    let Some(first) = memchr(b'\\', inner.as_bytes()) else {
        return Some(Cow::Borrowed(inner));
    };
    let mut out = String::with_capacity(inner.len());
    out.push_str(&inner[..first]);
    let mut rest = &inner[first..];
    while let Some(at) = memchr(b'\\', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        let escape = rest.as_bytes().get(at + 1)?;
        let mut used = 2;
        match escape {
            b'"' => out.push('"'),
            b'\\' => out.push('\\'),
            b'/' => out.push('/'),
            b'b' => out.push('\u{8}'),
            b'f' => out.push('\u{c}'),
            b'n' => out.push('\n'),
            b'r' => out.push('\r'),
            b't' => out.push('\t'),
            b'u' => {
                let (decoded, length) = code_point(&rest[at..])?;
                out.push(decoded.unwrap_or('\u{fffd}'));
                used = length;
            }
            _ => return None,
        }
        rest = rest.get(at + used..)?;
    }
    out.push_str(rest);
    Some(Cow::Owned(out))
}

/// Reads `\uXXXX` or a surrogate pair at the start of `text`: the character (`None` for a lone surrogate) and how
/// many bytes were read.
pub(super) fn code_point(text: &str) -> Option<(Option<char>, usize)> {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
        digits
            .bytes()
            .all(|digit| digit.is_ascii_hexdigit())
            .then(|| u32::from_str_radix(digits, 16).ok())?
    };
    let high = unit(0)?;
    if !(0xd800..0xe000).contains(&high) {
        return Some((char::from_u32(high), 6));
    }
    match unit(6) {
        Some(low) if high < 0xdc00 && (0xdc00..0xe000).contains(&low) => Some((
            char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00)),
            12,
        )),
        _ => Some((None, 6)),
    }
}

/// The positions of the lone surrogate escapes in raw JSON text.
fn lone_surrogates(raw: &str) -> Vec<usize> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(step) = memchr(b'\\', &raw.as_bytes()[at..]) {
        at += step;
        match code_point(&raw[at..]) {
            Some((None, length)) => {
                found.push(at);
                at += length;
            }
            Some((Some(_), length)) => at += length,
            None => at += 2,
        }
        if at >= raw.len() {
            break;
        }
    }
    found
}

/// `true` when raw JSON text holds an escaped surrogate without its partner. Text without an escape costs one search.
pub(crate) fn has_lone_surrogate(raw: &[u8]) -> bool {
    let mut at = 0;
    while let Some(step) = memchr(b'\\', &raw[at..]) {
        at += step;
        if matches!(raw.get(at + 1..at + 3), Some(b"ud" | b"uD")) {
            return std::str::from_utf8(raw).is_ok_and(|text| !lone_surrogates(text).is_empty());
        }
        at = (at + 2).min(raw.len());
    }
    false
}

/// Raw JSON text with every lone surrogate escape replaced by `\ufffd`.
pub(crate) fn mend_surrogates(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut from = 0;
    for at in lone_surrogates(raw) {
        out.push_str(&raw[from..at]);
        out.push_str("\\ufffd");
        from = at + 6;
    }
    out.push_str(&raw[from..]);
    out
}

/// JSON that every reader takes: escapes of lone surrogates (rule `lone-surrogate`), which UTF-8 has no place for and
/// `serde_json` refuses in a string, become U+FFFD. Everything else stays as it is.
///
/// ```
/// assert_eq!(respair_core::well_formed(r#"{"text":"a\ud83d"}"#), r#"{"text":"a\ufffd"}"#);
/// ```
pub fn well_formed(json: &str) -> Cow<'_, str> {
    match has_lone_surrogate(json.as_bytes()) {
        true => Cow::Owned(mend_surrogates(json)),
        false => Cow::Borrowed(json),
    }
}

/// A string as raw JSON, with its quotes.
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    let mut rest = text;
    loop {
        // What is escaped is one byte long.
        let (plain, behind) = rest.split_at(plain_length(rest.as_bytes()));
        out.push_str(plain);
        let Some(&escaped) = behind.as_bytes().first() else {
            break;
        };
        match escaped {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            control => {
                let _ = write!(out, "\\u{control:04x}");
            }
        }
        rest = &behind[1..];
    }
    out.push('"');
    out
}

/// `true` when `text` is one whole JSON object: what a finished call's arguments have to be.
pub(crate) fn is_whole_object(text: &str) -> bool {
    text.trim_start().starts_with('{') && super::object::is_value(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn unescape_agrees_with_serde_json() {
        for text in [
            "",
            "plain",
            "ä\u{1f600}",
            "\"\\\u{8}\u{c}\n\r\t/",
            "\u{1}\u{7f}",
        ] {
            let raw = serde_json::to_string(text).unwrap();
            assert_eq!(unescape(&raw).unwrap(), text);
            assert_eq!(unescape(&quote(text)).unwrap(), text);
            assert_eq!(serde_json::from_str::<String>(&quote(text)).unwrap(), text);
        }
        assert_eq!(unescape(r#""\ud83d\ude00""#).unwrap(), "\u{1f600}");
    }

    #[test]
    fn lone_surrogates_are_found_and_mended() {
        for (raw, mended) in [
            (r#""\ud83d""#, r#""\ufffd""#),
            (r#""\ude00\ud83d""#, r#""\ufffd\ufffd""#),
            (r#""\ud83dx\uDE00""#, r#""\ufffdx\ufffd""#),
        ] {
            assert!(has_lone_surrogate(raw.as_bytes()), "{raw}");
            assert_eq!(mend_surrogates(raw), mended);
        }
        for raw in [r#""\ud83d\ude00""#, r#""\\ud83d""#, r#""\u00d8""#] {
            assert!(!has_lone_surrogate(raw.as_bytes()), "{raw}");
        }
    }

    #[test]
    fn no_string_is_no_text() {
        for raw in ["1", "null", "\"", "\"\\u12\"", "\"\\x\""] {
            assert!(unescape(raw).is_none(), "{raw}");
        }
    }
}
