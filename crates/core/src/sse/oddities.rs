//! What can be odd about a frame, as a set of bits.

use std::fmt;
use std::ops::{BitOr, BitOrAssign};

/// What was odd about a frame's framing: a set of the constants below.
///
/// Odd is not wrong: a comment is conforming, an unterminated block is not. The rules judge, the
/// decoder only tells. `Display` lists the names in kebab-case, separated by a comma.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Oddities(u16);

impl Oddities {
    /// Nothing was odd: fields, one data line, LF, a blank line.
    pub const NONE: Self = Self(0);
    /// A byte order mark opened the body (first frame only).
    pub const BOM: Self = Self(1);
    /// A line was ended by CR LF.
    pub const CRLF: Self = Self(1 << 1);
    /// A line was ended by a CR alone.
    pub const BARE_CR: Self = Self(1 << 2);
    /// The data came in more than one `data` line.
    pub const MULTI_LINE: Self = Self(1 << 3);
    /// A comment line was among the lines.
    pub const COMMENT: Self = Self(1 << 4);
    /// There was an `id` field.
    pub const ID: Self = Self(1 << 5);
    /// There was a `retry` field.
    pub const RETRY: Self = Self(1 << 6);
    /// There were fields, but no `data` among them: nothing is dispatched.
    pub const NO_DATA: Self = Self(1 << 7);
    /// The data or the event name is not UTF-8.
    pub const INVALID_UTF8: Self = Self(1 << 8);
    /// The body ended before the blank line (DEVIATIONS.md 4.8).
    pub const UNTERMINATED: Self = Self(1 << 9);
    /// The next event followed without a blank line between them (DEVIATIONS.md 6.14).
    pub const BLANK_LINE_MISSING: Self = Self(1 << 10);
    /// There was a field that WHATWG does not name, or a line that is no field at all.
    pub const UNKNOWN_FIELD: Self = Self(1 << 11);

    const NAMES: [(Self, &'static str); 12] = [
        (Self::BOM, "bom"),
        (Self::CRLF, "crlf"),
        (Self::BARE_CR, "bare-cr"),
        (Self::MULTI_LINE, "multi-line"),
        (Self::COMMENT, "comment"),
        (Self::ID, "id"),
        (Self::RETRY, "retry"),
        (Self::NO_DATA, "no-data"),
        (Self::INVALID_UTF8, "invalid-utf8"),
        (Self::UNTERMINATED, "unterminated"),
        (Self::BLANK_LINE_MISSING, "blank-line-missing"),
        (Self::UNKNOWN_FIELD, "unknown-field"),
    ];

    /// Whether all of `other` is in this set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any of `other` is in this set.
    #[must_use]
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether nothing was odd.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Adds `other`.
    pub const fn insert(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// The names of what is in the set, in the order of the constants.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES
            .into_iter()
            .filter(move |(bit, _)| self.contains(*bit))
            .map(|(_, name)| name)
    }
}

impl BitOr for Oddities {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Oddities {
    fn bitor_assign(&mut self, other: Self) {
        self.insert(other);
    }
}

impl fmt::Display for Oddities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, name) in self.names().enumerate() {
            if position > 0 {
                f.write_str(", ")?;
            }
            f.write_str(name)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Oddities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Oddities({self})")
    }
}
