//! Who breaks on a rule, in few words: `4 of 16 clients: openai-python 3.54.0 and 2.24.0 .stream(), …`.

use respair_core::{Code, clients, grouped};

/// The sentence; `None` where none of the measured clients fails.
pub(super) fn sentence(code: Code) -> Option<String> {
    let failing = code.breaks();
    if failing.is_empty() {
        return None;
    }
    let all = clients().len();
    if failing.len() == all {
        return Some(format!("all {all} clients that were measured"));
    }
    Some(format!(
        "{} of {all} clients: {}",
        failing.len(),
        grouped(&failing)
    ))
}
