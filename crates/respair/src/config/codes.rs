//! The names of rules, as `recovery.without` takes them.

use respair_core::Code;

use super::keys;

/// The rule of that name.
///
/// # Errors
/// What was probably meant, ready to be appended to a message; empty when nothing is near.
pub(super) fn known(name: &str) -> Result<Code, String> {
    if let Some(code) = Code::parse(name) {
        return Ok(code);
    }
    let name = name.replace('_', "-");
    let meant = keys::closest(&name, Code::all().map(Code::as_str));
    Err(meant
        .map(|m| format!(" (did you mean `{m}`?)"))
        .unwrap_or_default())
}
