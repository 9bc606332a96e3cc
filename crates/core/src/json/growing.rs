//! Text that comes in pieces: can what has come so far still become one JSON object?
//!
//! A call's arguments stream as pieces of a JSON object, and some relays send ciphertext in their place and the plain text
//! only in the done event (DEVIATIONS 9.8). The two are told apart here, byte by byte, in constant memory: one bit for each
//! open array or object. What is nested deeper than the bits reach is no longer followed, and taken as good.

use memchr::{memchr, memchr2};

use super::text::code_point;

/// So many open arrays and objects are told apart.
const DEPTH: u32 = u128::BITS;

/// The beginning of a JSON object, as far as it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GrowingObject {
    state: State,
    /// How many objects and arrays are open.
    depth: u32,
    /// For each of them, the innermost at the lowest bit: it is an array.
    arrays: u128,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing but white space yet.
    Start,
    /// Behind `{`: a key or `}`.
    KeyOrEnd,
    /// Behind a comma in an object: a key.
    Key,
    /// Behind a key.
    Colon,
    /// A value; where an array was just opened, or its end.
    Value {
        or_end: bool,
    },
    /// Behind a value.
    Next,
    /// Within a string.
    String {
        key: bool,
    },
    /// Behind a backslash.
    Escape {
        key: bool,
    },
    /// Within `\uXXXX`, so many digits before its end.
    Hex {
        key: bool,
        left: u8,
    },
    /// Within `true`, `false` or `null`: what is still to come.
    Literal(&'static [u8]),
    Number(Digits),
    /// The object is closed.
    Whole,
    /// Nested too deep to be followed.
    Deep,
    /// This is no JSON object, whatever comes.
    Broken,
}

/// Where in a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Digits {
    Minus,
    Zero,
    Whole,
    Point,
    Fraction,
    E,
    Sign,
    Exponent,
}

impl Default for GrowingObject {
    fn default() -> Self {
        Self {
            state: State::Start,
            depth: 0,
            arrays: 0,
        }
    }
}

impl GrowingObject {
    /// Takes in the next piece; `false` when the text can no longer become a JSON object. Control characters within
    /// strings are let through: they are no JSON either, but nothing that a reader could not see in time.
    pub(crate) fn push(&mut self, text: &str) -> bool {
        let mut rest = text.as_bytes();
        while let Some((&byte, after)) = rest.split_first() {
            if let State::String { .. } = self.state {
                let Some(at) = memchr2(b'"', b'\\', rest) else {
                    return true;
                };
                self.byte(rest[at]);
                rest = &rest[at + 1..];
                continue;
            }
            self.byte(byte);
            if matches!(self.state, State::Broken | State::Deep) {
                break;
            }
            rest = after;
        }
        self.state != State::Broken
    }

    /// [`push`](Self::push) of a piece as it stands on the wire, a raw JSON string with its quotes: nothing is
    /// allocated to decode it.
    pub(crate) fn push_quoted(&mut self, raw: &str) -> bool {
        let mut rest = raw
            .strip_prefix('"')
            .and_then(|raw| raw.strip_suffix('"'))
            .unwrap_or_default();
        while let Some(at) = memchr(b'\\', rest.as_bytes()) {
            self.push(&rest[..at]);
            let (decoded, length) = match rest.as_bytes().get(at + 1) {
                Some(b'u') => match code_point(&rest[at..]) {
                    Some((decoded, length)) => (decoded.unwrap_or('\u{fffd}'), length),
                    None => ('\u{fffd}', rest.len() - at),
                },
                Some(b'b') => ('\u{8}', 2),
                Some(b'f') => ('\u{c}', 2),
                Some(b'n') => ('\n', 2),
                Some(b'r') => ('\r', 2),
                Some(b't') => ('\t', 2),
                Some(plain) => (char::from(*plain), 2),
                None => return self.state != State::Broken,
            };
            self.push(decoded.encode_utf8(&mut [0; 4]));
            rest = rest.get(at + length..).unwrap_or_default();
        }
        self.push(rest)
    }

    /// What has come can no longer become a JSON object.
    pub(crate) fn is_broken(&self) -> bool {
        self.state == State::Broken
    }

    /// Nothing but white space has come.
    #[cfg(test)]
    fn is_blank(&self) -> bool {
        self.state == State::Start
    }

    /// The text is one whole JSON object, or too deep to tell.
    #[cfg(test)]
    fn is_whole(&self) -> bool {
        matches!(self.state, State::Whole | State::Deep)
    }

    fn byte(&mut self, byte: u8) {
        let blank = matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
        self.state = match (self.state, byte) {
            (
                State::Start
                | State::KeyOrEnd
                | State::Key
                | State::Colon
                | State::Value { .. }
                | State::Next
                | State::Whole,
                _,
            ) if blank => return,
            (State::Start, b'{') => self.open(false),
            (State::KeyOrEnd | State::Key, b'"') => State::String { key: true },
            (State::KeyOrEnd, b'}') => self.close(false),
            (State::Colon, b':') => State::Value { or_end: false },
            (State::Value { or_end: true }, b']') => self.close(true),
            (State::Value { .. }, _) => self.value(byte),
            (State::Next, b',') if self.in_array() => State::Value { or_end: false },
            (State::Next, b',') => State::Key,
            (State::Next, b']' | b'}') => self.close(byte == b']'),
            (State::String { key }, b'"') => Self::after_string(key),
            (State::String { key }, b'\\') => State::Escape { key },
            (State::String { .. }, _) => return,
            (State::Escape { key }, b'u') => State::Hex { key, left: 4 },
            (State::Escape { key }, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                State::String { key }
            }
            (State::Hex { key, left: 1 }, _) if byte.is_ascii_hexdigit() => State::String { key },
            (State::Hex { key, left }, _) if byte.is_ascii_hexdigit() => State::Hex {
                key,
                left: left - 1,
            },
            (State::Literal([next, rest @ ..]), _) if *next == byte => match rest {
                [] => State::Next,
                rest => State::Literal(rest),
            },
            (State::Number(digits), _) => match digits.next(byte) {
                Some(digits) => State::Number(digits),
                None if digits.may_end() => {
                    self.state = State::Next;
                    return self.byte(byte);
                }
                None => State::Broken,
            },
            (State::Deep, _) => State::Deep,
            _ => State::Broken,
        };
    }

    fn value(&mut self, byte: u8) -> State {
        match byte {
            b'{' => self.open(false),
            b'[' => self.open(true),
            b'"' => State::String { key: false },
            b't' => State::Literal(b"rue"),
            b'f' => State::Literal(b"alse"),
            b'n' => State::Literal(b"ull"),
            b'-' => State::Number(Digits::Minus),
            b'0' => State::Number(Digits::Zero),
            b'1'..=b'9' => State::Number(Digits::Whole),
            _ => State::Broken,
        }
    }

    fn open(&mut self, array: bool) -> State {
        if self.depth == DEPTH {
            return State::Deep;
        }
        self.depth += 1;
        self.arrays = self.arrays << 1 | u128::from(array);
        if array {
            State::Value { or_end: true }
        } else {
            State::KeyOrEnd
        }
    }

    fn close(&mut self, array: bool) -> State {
        if self.in_array() != array {
            return State::Broken;
        }
        self.depth -= 1;
        self.arrays >>= 1;
        if self.depth == 0 {
            State::Whole
        } else {
            State::Next
        }
    }

    fn in_array(&self) -> bool {
        self.arrays & 1 == 1
    }

    fn after_string(key: bool) -> State {
        if key { State::Colon } else { State::Next }
    }
}

impl Digits {
    fn next(self, byte: u8) -> Option<Self> {
        Some(match (self, byte) {
            (Self::Minus, b'0') => Self::Zero,
            (Self::Minus, b'1'..=b'9') | (Self::Whole, b'0'..=b'9') => Self::Whole,
            (Self::Zero | Self::Whole, b'.') => Self::Point,
            (Self::Point | Self::Fraction, b'0'..=b'9') => Self::Fraction,
            (Self::Zero | Self::Whole | Self::Fraction, b'e' | b'E') => Self::E,
            (Self::E, b'+' | b'-') => Self::Sign,
            (Self::E | Self::Sign | Self::Exponent, b'0'..=b'9') => Self::Exponent,
            _ => return None,
        })
    }

    fn may_end(self) -> bool {
        matches!(
            self,
            Self::Zero | Self::Whole | Self::Fraction | Self::Exponent
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn grown(text: &str) -> Option<GrowingObject> {
        let mut object = GrowingObject::default();
        object.push(text).then_some(object)
    }

    #[test]
    fn whole_objects() {
        for text in [
            "{}",
            " \n\t\r{ } ",
            r#"{"a":1}"#,
            r#"{"a":-0.5e+10,"b":[0,-1,2E3,1.0],"c":{"d":[[],{}]}}"#,
            r#"{"\"\\\/\b\f\n\r\t\u00e4\ud83d\ude00":"]}{[\"",
                "t":true,"f":false,"n":null}"#,
            r#"{"ä":"ö😀"}"#,
            r#"{"a":"","":[]}"#,
        ] {
            assert!(serde_json::from_str::<Value>(text).unwrap().is_object());
            assert!(grown(text).unwrap().is_whole(), "{text}");
        }
    }

    #[test]
    fn what_can_still_become_one() {
        for text in [
            "",
            " ",
            "{",
            r#"{""#,
            r#"{"a"#,
            r#"{"a\"#,
            r#"{"a\u00"#,
            r#"{"a""#,
            r#"{"a":"#,
            r#"{"a":-"#,
            r#"{"a":1."#,
            r#"{"a":1e"#,
            r#"{"a":1e-"#,
            r#"{"a":tr"#,
            r#"{"a":["#,
            r#"{"a":[1,"#,
            r#"{"a":1,"#,
            r#"{"a":[{"b":1}"#,
        ] {
            let object = grown(text).unwrap_or_else(|| panic!("{text}"));
            assert!(!object.is_whole(), "{text}");
            assert_eq!(object.is_blank(), text.trim().is_empty());
        }
    }

    #[test]
    fn what_never_will() {
        for text in [
            "x",
            "\"",
            "[",
            "1",
            "null",
            "gAAAAABo",
            "{x",
            "{,",
            "{]",
            "{1",
            "{'",
            r#"{"a" 1"#,
            r#"{"a",1"#,
            r#"{"a":}"#,
            r#"{"a":,"#,
            r#"{"a":]"#,
            r#"{"a":1]"#,
            r#"{"a":[1}"#,
            r#"{"a":[,"#,
            r#"{"a":[1,]"#,
            r#"{"a":1,}"#,
            r#"{"a":01"#,
            r#"{"a":-x"#,
            r#"{"a":1.x"#,
            r#"{"a":1.}"#,
            r#"{"a":1e}"#,
            r#"{"a":.1"#,
            r#"{"a":+1"#,
            r#"{"a":truf"#,
            r#"{"a":nul}"#,
            r#"{"a":True"#,
            r#"{"a":"\x"#,
            r#"{"a":"\u00g"#,
            "{}x",
            "{}{",
            "{},",
            r#"{"a":1} {"b":2}"#,
        ] {
            assert_eq!(grown(text), None, "{text}");
            // Once broken, it stays so.
            let mut object = GrowingObject::default();
            object.push(text);
            assert!(!object.push("{}"), "{text}");
        }
    }

    #[test]
    fn nesting_is_followed_up_to_its_bound_and_let_through_beyond() {
        let deepest = DEPTH as usize - 1;
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(grown(&nested(deepest)).unwrap().is_whole());
        assert_eq!(grown(&nested(deepest).replace(']', "}")), None);
        for depth in [deepest + 1, 1000] {
            assert!(grown(&nested(depth)).unwrap().is_whole(), "{depth}");
        }
        assert!(std::mem::size_of::<GrowingObject>() <= 64);
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 40, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                object_of(inner),
            ]
        })
    }

    fn object_of(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
        proptest::collection::hash_map(any::<String>(), inner, 0..6)
            .prop_map(|fields| fields.into_iter().collect::<serde_json::Map<_, _>>().into())
    }

    fn text() -> impl Strategy<Value = String> {
        (object_of(value()), any::<bool>(), any::<bool>()).prop_map(|(object, pretty, ascii)| {
            let text = if pretty {
                serde_json::to_string_pretty(&object).unwrap()
            } else {
                object.to_string()
            };
            if !ascii {
                return text;
            }
            let mut units = [0; 2];
            text.chars()
                .map(|at| match at.is_ascii() {
                    true => at.to_string(),
                    false => at
                        .encode_utf16(&mut units)
                        .iter()
                        .map(|unit| format!("\\u{unit:04x}"))
                        .collect(),
                })
                .collect()
        })
    }

    proptest! {
        /// Every prefix of every object, in any pieces, plain and as it stands on the wire.
        #[test]
        fn every_prefix_of_an_object_is_accepted(text in text(), cuts in proptest::collection::vec(1..12usize, 1..20)) {
            let (mut plain, mut quoted) = (GrowingObject::default(), GrowingObject::default());
            let characters: Vec<char> = text.chars().collect();
            let (mut at, mut turn) = (0, 0);
            while at < characters.len() {
                let end = (at + cuts[turn % cuts.len()]).min(characters.len());
                turn += 1;
                let piece: String = characters[at..end].iter().collect();
                prop_assert!(plain.push(&piece), "{piece:?} in {text}");
                prop_assert!(quoted.push_quoted(&serde_json::to_string(&piece).unwrap()));
                prop_assert_eq!(plain, quoted);
                at = end;
            }
            prop_assert!(plain.is_whole());
            prop_assert!(!plain.push("x"));
        }

        /// What is accepted and closed is what serde_json takes for an object, control characters in strings aside.
        #[test]
        fn what_is_whole_is_an_object(text in "[ {}\\[\\]\":,a\\\\u0-9eE.+-]{0,14}|\\{\"a\":[-0-9eE.+truefalsn]{0,8}\\}") {
            let whole = grown(&text).is_some_and(|object| object.is_whole());
            let read = serde_json::from_str::<&serde_json::value::RawValue>(&text);
            prop_assert_eq!(whole, read.is_ok_and(|raw| raw.get().starts_with('{')), "{}", text);
        }

        #[test]
        fn escapes_on_the_wire_are_decoded(piece in any::<String>()) {
            let mut raw = String::from("\"");
            for unit in piece.encode_utf16() {
                raw.push_str(&format!("\\u{unit:04x}"));
            }
            raw.push('"');
            let (mut plain, mut quoted) = (GrowingObject::default(), GrowingObject::default());
            for object in [&mut plain, &mut quoted] {
                object.push("{\"a\":\"");
            }
            plain.push(&piece);
            quoted.push_quoted(&raw);
            prop_assert_eq!(plain, quoted);
        }
    }
}
