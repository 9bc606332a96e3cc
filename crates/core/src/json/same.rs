//! Whether two JSON texts say the same value.

use super::{Object, elements, unescape};

/// Values nested deeper than this are not compared, and so not the same.
const DEPTH: usize = 128;

/// Digits that every reader of a number keeps: of numbers with more, only the same text is the same number.
const EXACT_DIGITS: usize = 15;

/// `true` when `one` and `other` are the same JSON value in other words: with other white space, other escapes, their
/// fields in another order, a number written another way. Where a key stands twice the last one counts.
pub(crate) fn same_value(one: &str, other: &str) -> bool {
    same(one.trim(), other.trim(), DEPTH)
}

fn same(one: &str, other: &str, depth: usize) -> bool {
    if depth == 0 {
        return false;
    }
    match (one.as_bytes().first(), other.as_bytes().first()) {
        (Some(b'{'), Some(b'{')) => same_objects(one, other, depth - 1),
        (Some(b'['), Some(b'[')) => {
            let (Some(one), Some(other)) = (elements(one), elements(other)) else {
                return false;
            };
            let mut pairs = one.iter().zip(&other);
            one.len() == other.len() && pairs.all(|(one, other)| same(one, other, depth - 1))
        }
        (Some(b'"'), Some(b'"')) => {
            one == other || matches!((unescape(one), unescape(other)), (Some(a), Some(b)) if a == b)
        }
        (Some(_), Some(_)) => one == other || same_number(one, other),
        _ => false,
    }
}

fn same_objects(one: &str, other: &str, depth: usize) -> bool {
    let (Some(one), Some(other)) = (Object::parse(one), Object::parse(other)) else {
        return false;
    };
    let (one, other) = (one.by_key(), other.by_key());
    one.len() == other.len()
        && one
            .iter()
            .zip(&other)
            .all(|((key, value), (other_key, other_value))| {
                key == other_key && same(value, other_value, depth)
            })
}

fn same_number(one: &str, other: &str) -> bool {
    let exact = |raw: &str| {
        let digits = raw.bytes().filter(u8::is_ascii_digit).count();
        let number = raw.parse::<f64>().ok()?;
        (digits <= EXACT_DIGITS && number.is_finite()).then_some(number)
    };
    match (exact(one), exact(other)) {
        (Some(one), Some(other)) => one == other,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_in_other_words() {
        for (one, other) in [
            ("{}", " { }\n"),
            (
                r#"{"a":1,"b":[true,null]}"#,
                r#"{ "b": [true, null], "a": 1 }"#,
            ),
            (r#"{"a":"\u00e4\/"}"#, r#"{"a":"ä/"}"#),
            (r#"{"a":1.0,"b":1e3,"c":-0}"#, r#"{"a":1,"b":1000,"c":0}"#),
            (r#"{"a":1,"a":2}"#, r#"{"a":2}"#),
            (
                r#"{"a":12345678901234567890123}"#,
                r#"{"a":12345678901234567890123}"#,
            ),
        ] {
            assert!(same_value(one, other), "{one} {other}");
            assert!(same_value(other, one), "{other} {one}");
        }
    }

    #[test]
    fn not_the_same() {
        for (one, other) in [
            ("", ""),
            ("{}", ""),
            ("{}", "[]"),
            ("{}", r#"{"a":1}"#),
            (r#"{"a":1}"#, r#"{"a":"1"}"#),
            (r#"{"a":1}"#, r#"{"b":1}"#),
            (r#"{"a":[1,2]}"#, r#"{"a":[2,1]}"#),
            (r#"{"a":[1]}"#, r#"{"a":[1,1]}"#),
            (r#"{"a":true}"#, r#"{"a":false}"#),
            (r#"{"a":null}"#, "{}"),
            (r#"{"a":"#, r#"{"a": "#),
            (
                r#"{"a":12345678901234567890123}"#,
                r#"{"a":12345678901234567890124}"#,
            ),
        ] {
            assert!(!same_value(one, other), "{one} {other}");
        }
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        assert!(!same_value(&deep, &deep));
    }
}
