//! Placeholder.
/// Placeholder.
#[derive(Debug)]
pub struct Scenario;
/// Placeholder.
#[derive(Debug)]
pub struct Stage;
/// Placeholder.
#[must_use]
pub fn scenarios() -> &'static [Scenario] {
    &[]
}
