//! What a process inherits from whoever started it, and did not choose.

/// Lets signals through that whoever started us had blocked: one that is asked to end has to hear of it. To be called while
/// there is one thread; those that follow, and what they start, inherit it.
pub(crate) fn hear_signals() {
    #[cfg(unix)]
    // It fails for no set that can be written.
    let _ = nix::sys::signal::SigSet::all().thread_unblock();
}

/// Whether whoever started us wants this signal to be ignored: `nohup` does. Where the kernel does not say, it may be so.
#[cfg(unix)]
pub(crate) fn is_ignored(signal: rustix::process::Signal) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    ignored_in(&status, signal.as_raw()).unwrap_or(true)
}

/// proc(5), `status`: a bit for each signal, from 1 on.
#[cfg(unix)]
fn ignored_in(status: &str, signal: i32) -> Option<bool> {
    let set = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))?;
    let set = u64::from_str_radix(set.trim(), 16).ok()?;
    Some(set >> (signal - 1) & 1 == 1)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_bit_for_each_signal() {
        let status = "SigBlk:\t0000000000000001\nSigIgn:\t0000000000001002\n";
        for (signal, ignored) in [(1, false), (2, true), (12, false), (13, true), (64, false)] {
            assert_eq!(ignored_in(status, signal), Some(ignored), "{signal}");
        }
        assert_eq!(ignored_in("", 1), None);
    }
}
