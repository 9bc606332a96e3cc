//! Why a cell through the gateway is not right, where that is known and cannot be mended.

/// Scenario, the beginning of the column's name, and why.
#[rustfmt::skip] // one reason, one line
const KNOWN: &[(&str, &str, &str)] = &[
];

/// Why this cell is not right.
#[must_use]
pub fn why(scenario: &str, column: &str) -> Option<&'static str> {
    KNOWN
        .iter()
        .find(|(of, with, _)| *of == scenario && column.starts_with(with))
        .map(|(_, _, why)| *why)
}
