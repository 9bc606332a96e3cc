//! An independent judge of Responses API streams, and the real clients beside it. For tests only.
//!
//! Nothing here imports respair's own reading: the oracle is written from the grammar and the profiles alone, so that a
//! mistake in the model or a rule does not hide itself.
//!
//! - [`clients`]: pinned third-party clients, asked about a batch of streams.

use std::io::Write as _;

pub mod clients;

/// Says that a test, or a part of it, could not run here, and why: on standard error past the test harness's capture, and
/// in the file that `RESPAIR_SKIPS` names, which `cargo xtask test` shows at its end.
pub fn skip(reason: &str) {
    // A message that cannot be written is no reason to fail.
    let _ = writeln!(std::io::stderr(), "SKIPPED {reason}");
    if let Some(path) = std::env::var_os("RESPAIR_SKIPS") {
        let file = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(path);
        let _ = file.map(|mut file| writeln!(file, "{reason}"));
    }
}
