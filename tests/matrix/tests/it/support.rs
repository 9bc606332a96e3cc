//! Columns as far as they are installed.

use respair_matrix::columns::{Column, Kind, named};

/// The column of this name with the machine's own Node, or `None` where its client is not installed: said loudly, and a failure
/// under `RESPAIR_REQUIRE_CLIENTS=1`.
pub(crate) fn column(name: &str) -> Option<Column> {
    let mut column = *named(name).unwrap();
    // Another Node is the matrix's matter: it is as large as everything else together.
    if let Kind::Node22(way) = column.kind {
        column.kind = Kind::Node(way);
    }
    if column.program().is_some() {
        return Some(column);
    }
    let required = std::env::var_os("RESPAIR_REQUIRE_CLIENTS").is_some_and(|value| value == "1");
    assert!(
        !required,
        "{} is required (RESPAIR_REQUIRE_CLIENTS=1) and not installed",
        column.client
    );
    respair_oracle::skip(&format!(
        "{} is not installed: run `cargo xtask clients install`",
        column.client
    ));
    None
}
