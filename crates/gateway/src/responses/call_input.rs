//! The arguments of a function that stands for a custom tool: `{"input": "…"}`, read as they come, in any pieces.
//!
//! What stands between the quotes of `input` is the JSON spelling of the tool's input already. So it is passed on as it is
//! spelled, nothing is decoded, and a piece ends before an escape that is not whole: `\`, `\u00`, half of a surrogate pair.

/// The arguments are something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotAnInput;

/// The one field.
const FIELD: &str = "input";

/// How long the field's name may be spelled: each of its letters escaped.
const SPELLED: usize = 6 * FIELD.len();

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Start,
    BeforeName,
    Name,
    BeforeColon,
    BeforeValue,
    Value,
    BehindValue,
    End,
}

/// Arguments that are coming.
#[derive(Debug, Clone)]
pub(super) struct CallInput {
    at: At,
    /// The field's name, or an escape of the value, as far as it came.
    held: String,
}

impl CallInput {
    pub(super) fn new() -> Self {
        Self {
            at: At::Start,
            held: String::new(),
        }
    }

    /// The whole arguments: the input as JSON spells it, without its quotes, and whether they were whole.
    pub(super) fn read(arguments: &str) -> Result<(String, bool), NotAnInput> {
        let mut reading = Self::new();
        let input = reading.push(arguments)?;
        Ok((input, reading.is_whole()))
    }

    /// Takes a piece in and gives what it adds to the input.
    pub(super) fn push(&mut self, piece: &str) -> Result<String, NotAnInput> {
        let mut out = String::with_capacity(piece.len());
        for c in piece.chars() {
            self.take(c, &mut out)?;
        }
        Ok(out)
    }

    /// The object is closed.
    pub(super) fn is_whole(&self) -> bool {
        self.at == At::End
    }

    fn take(&mut self, c: char, out: &mut String) -> Result<(), NotAnInput> {
        if self.at == At::Value {
            return self.take_value(c, out);
        }
        if self.at == At::Name {
            return self.take_name(c);
        }
        if matches!(c, ' ' | '\t' | '\n' | '\r') {
            return Ok(());
        }
        self.at = match (self.at, c) {
            (At::Start, '{') => At::BeforeName,
            (At::BeforeName, '"') => At::Name,
            (At::BeforeColon, ':') => At::BeforeValue,
            (At::BeforeValue, '"') => At::Value,
            (At::BehindValue, '}') => At::End,
            _ => return Err(NotAnInput),
        };
        Ok(())
    }

    fn take_name(&mut self, c: char) -> Result<(), NotAnInput> {
        if c != '"' || self.held.ends_with('\\') {
            self.held.push(c);
            return if self.held.len() <= SPELLED {
                Ok(())
            } else {
                Err(NotAnInput)
            };
        }
        let name: Option<String> = serde_json::from_str(&format!("\"{}\"", self.held)).ok();
        if name.as_deref() != Some(FIELD) {
            return Err(NotAnInput);
        }
        self.held.clear();
        self.at = At::BeforeColon;
        Ok(())
    }

    fn take_value(&mut self, c: char, out: &mut String) -> Result<(), NotAnInput> {
        match (self.held.len(), c) {
            (0, '\\') => self.held.push(c),
            (0 | 6, '"') => {
                // The first half of a pair stands alone then.
                out.push_str(&self.held);
                self.held.clear();
                self.at = At::BehindValue;
            }
            (0, c) if c < ' ' => return Err(NotAnInput),
            (0, c) => out.push(c),
            (1 | 7, 'u') => self.held.push(c),
            (1, '"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't') => {
                self.held.push(c);
                out.push_str(&std::mem::take(&mut self.held));
            }
            (2..=5 | 8..=11, c) if c.is_ascii_hexdigit() => {
                self.held.push(c);
                self.settle(out);
            }
            // A first half, held for the second.
            (6, '\\') => self.held.push(c),
            (6, c) => {
                out.push_str(&std::mem::take(&mut self.held));
                return self.take_value(c, out);
            }
            (7, c) => {
                self.held.pop();
                out.push_str(&std::mem::replace(&mut self.held, "\\".to_owned()));
                return self.take_value(c, out);
            }
            _ => return Err(NotAnInput),
        }
        Ok(())
    }

    /// An escape may be whole: one, or the two of a surrogate pair.
    fn settle(&mut self, out: &mut String) {
        let starts_pair = |escape: &str| {
            let unit = escape
                .get(2..)
                .and_then(|hex| u16::from_str_radix(hex, 16).ok());
            unit.is_some_and(|unit| (0xd800..0xdc00).contains(&unit))
        };
        let (first, second) = self.held.split_at(self.held.len().min(6));
        let keep = match self.held.len() {
            6 if starts_pair(first) => return,
            // Two first halves in a row: the second may still have its other one.
            12 if starts_pair(second) => second.to_owned(),
            6 | 12 => String::new(),
            _ => return,
        };
        let whole = self.held.len() - keep.len();
        out.push_str(&self.held[..whole]);
        self.held = keep;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    const ARGUMENTS: [&str; 8] = [
        r#"{"input":"*** Begin Patch\n+\"a\\b\"\t\/\u00e9é😀"}"#,
        r#" { "\u0069nput" : "\ud83d\ude00 \ud83d\ud83d\ude00 x" } "#,
        r#"{"input":""}"#,
        r#"{"input":"\ud83d"}"#,
        r#"{"input":"\ud83d\n\ud83dé"}"#,
        r#"{"input":"{\"input\":\"}\"}"}"#,
        r#"{"input":"\u000a\\u12"}"#,
        "{\"input\"\n:\r\n\t\"a\"}\n",
    ];

    /// The JSON spelling of `input`, by another way.
    fn spelled(arguments: &str) -> String {
        let body = arguments.split_once(':').unwrap().1.trim();
        let body = body.strip_suffix('}').unwrap().trim();
        body[1..body.len() - 1].to_owned()
    }

    #[test]
    fn any_pieces_give_the_input_as_it_is_spelled() {
        for arguments in ARGUMENTS {
            let expected = spelled(arguments);
            assert_eq!(
                CallInput::read(arguments),
                Ok((expected.clone(), true)),
                "{arguments}"
            );
            let chars: Vec<char> = arguments.chars().collect();
            for size in 1..=chars.len() {
                let mut reading = CallInput::new();
                let pieces = chars.chunks(size).map(|piece| {
                    let piece: String = piece.iter().collect();
                    let given = reading.push(&piece).unwrap();
                    // Each is a text of its own: no escape is cut.
                    let whole: Result<&serde_json::value::RawValue, _> =
                        serde_json::from_str(Box::leak(format!("\"{given}\"").into_boxed_str()));
                    assert!(whole.is_ok(), "{given}");
                    given
                });
                let all: String = pieces.collect();
                assert!(reading.is_whole());
                assert_eq!(all, expected, "{arguments} in pieces of {size}");
            }
        }
    }

    #[test]
    fn a_pair_is_never_parted() {
        let mut reading = CallInput::new();
        let given: Vec<String> = [r#"{"input":"a\ud83"#, "d", r"\", "u", "de0", "0b", "\"}"]
            .into_iter()
            .map(|piece| reading.push(piece).unwrap())
            .collect();
        assert_eq!(given, ["a", "", "", "", "", r"\ud83d\ude00b", ""]);
    }

    #[test]
    fn anything_else_is_not_an_input() {
        for arguments in [
            "{}",
            r#"{"patch":"x"}"#,
            r#"{"input":7}"#,
            r#"{"input":null}"#,
            r#"{"input":{"a":1}}"#,
            r#"{"input":"a","timeout":5}"#,
            r#"{"input":"a"} {"#,
            r#"{"input":"a","input":"b"}"#,
            r#"["a"]"#,
            r#""a""#,
            "*** Begin Patch",
            "{\"input\":\"a\nb\"}",
            r#"{"input":"\x"}"#,
            r#"{"input":"\u00g0"}"#,
            r#"{"Input":"a"}"#,
            r#"{"input_and_much_more_than_fits":"a"}"#,
        ] {
            assert_eq!(CallInput::read(arguments), Err(NotAnInput), "{arguments}");
        }
    }

    #[test]
    fn what_is_cut_is_told() {
        let whole = ARGUMENTS[0];
        for (at, _) in whole.char_indices() {
            let (input, is_whole) = CallInput::read(&whole[..at]).unwrap();
            assert!(!is_whole && spelled(whole).starts_with(&input), "{at}");
        }
    }
}
