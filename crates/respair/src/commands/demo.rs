//! `respair demo`.
pub(crate) fn command() -> u8 {
    0
}
