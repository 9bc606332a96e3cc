//! Reading and splicing raw JSON text without turning it into a tree.
//!
//! An upstream's JSON passes through respair as the bytes it came in. What the rules need to know is read as
//! *spans* into that text ([`Object`]); what a repair changes is spliced back into it ([`edit`]). Neither a
//! duplicate key nor a lone surrogate is an error here: both are said, and the text survives.

mod edit;
mod fast;
mod growing;
mod object;
mod same;
mod text;

pub(crate) use edit::{Edit, edit};
pub(crate) use fast::{digits, scan_simple, string};
pub(crate) use growing::GrowingObject;
pub(crate) use object::{Object, scan};
pub(crate) use same::same_value;
pub use text::well_formed;
pub(crate) use text::{has_lone_surrogate, is_whole_object, mend_surrogates, quote, unescape};

/// The largest number that every JSON reader keeps exactly; a greater index or sequence number counts as none.
const LARGEST: u64 = (1 << 53) - 1;

/// An unsigned integer written plainly (`7`, not `7.0` or `"7"`).
pub(crate) fn integer(raw: &[u8]) -> Option<u64> {
    let (first, rest) = raw.split_first()?;
    let mut number = digit(*first)?;
    for byte in rest {
        // Far from 64 bits before the multiplication, whatever was read.
        number = number.min(LARGEST + 1) * 10 + digit(*byte)?;
    }
    (number <= LARGEST).then_some(number)
}

fn digit(byte: u8) -> Option<u64> {
    let digit = byte.wrapping_sub(b'0');
    (digit < 10).then_some(u64::from(digit))
}

/// Room for a number's digits.
#[derive(Default)]
pub(crate) struct Digits([u8; 20]);

impl Digits {
    /// The number as it is written.
    pub(crate) fn of(&mut self, number: u64) -> &str {
        let (mut rest, mut at) = (number, self.0.len());
        loop {
            at -= 1;
            self.0[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                return std::str::from_utf8(&self.0[at..]).unwrap_or_default();
            }
        }
    }
}

/// `true` for every JSON value that a dynamic language takes as true: not `null`, `false`, `0`, `""`, `[]`, `{}`.
pub(crate) fn is_truthy(raw: &str) -> bool {
    let squeezed = raw.trim();
    match squeezed.as_bytes() {
        b"null" | b"false" | b"0" | b"\"\"" | b"0.0" | b"-0" => false,
        [b'[', inner @ .., b']'] | [b'{', inner @ .., b'}'] => {
            !inner.iter().all(u8::is_ascii_whitespace)
        }
        _ => true,
    }
}

/// `true` when the raw value is a JSON string.
pub(crate) fn is_string(raw: &str) -> bool {
    raw.starts_with('"')
}

/// `true` when the raw value is a JSON array.
pub(crate) fn is_array(raw: &str) -> bool {
    raw.starts_with('[')
}

/// `true` when the raw value is a JSON object.
pub(crate) fn is_object(raw: &str) -> bool {
    raw.starts_with('{')
}

/// The elements of a raw JSON array, as raw text; `None` when it is not an array.
pub(crate) fn elements(raw: &str) -> Option<Vec<&str>> {
    let values: Vec<&serde_json::value::RawValue> = serde_json::from_str(raw).ok()?;
    Some(
        values
            .into_iter()
            .map(serde_json::value::RawValue::get)
            .collect(),
    )
}

/// Raw values joined into a JSON array.
pub(crate) fn array<S: AsRef<str>>(values: impl IntoIterator<Item = S>) -> String {
    let mut out = String::from("[");
    for (position, value) in values.into_iter().enumerate() {
        if position > 0 {
            out.push(',');
        }
        out.push_str(value.as_ref());
    }
    out.push(']');
    out
}
