//! The names of rules and of mends of requests, as `recovery.without` takes them.

use respair_core::Code;
use respair_gateway::REQUEST_MENDS;

use super::keys;

/// Whether there is a rule of that name, or a mend of requests.
///
/// # Errors
/// What was probably meant, ready to be appended to a message; empty when nothing is near.
pub(super) fn known(name: &str) -> Result<(), String> {
    let name = name.replace('_', "-");
    let all = || {
        let mends = REQUEST_MENDS.iter().map(|(code, _)| *code);
        Code::all().map(Code::as_str).chain(mends)
    };
    if all().any(|code| code == name) {
        return Ok(());
    }
    let meant = keys::closest(&name, all());
    Err(meant
        .map(|m| format!(" (did you mean `{m}`?)"))
        .unwrap_or_default())
}
