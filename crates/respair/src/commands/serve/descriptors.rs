//! How many descriptors the process may have open: two for each stream.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// More than `serve.limits.streams` needs. Where the system names no limit it may still refuse a larger number.
const ENOUGH: u64 = 65_536;

/// Raises the limit as far as the system lets it. The usual one, 1,024, is there for programs that call select(2), and would be
/// reached with 500 streams.
pub(super) fn raise() {
    let limit = getrlimit(Resource::Nofile);
    let raised = limit.maximum.unwrap_or(ENOUGH).min(ENOUGH);
    if limit.current.is_some_and(|current| current < raised) {
        let limit = Rlimit {
            current: Some(raised),
            maximum: limit.maximum,
        };
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            // Streams beyond it are refused one by one.
            tracing::debug!(%error, "the limit of descriptors stays as it is");
        }
    }
}
