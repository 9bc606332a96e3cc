//! Nanoseconds of CPU time that this thread used: what else the machine does counts as little as it can.
#![allow(unreachable_pub, missing_docs)]

#[cfg(unix)]
pub fn now() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

#[cfg(not(unix))]
#[allow(
    clippy::disallowed_methods,
    reason = "no thread clock here: better the wall clock than no figure"
)]
pub fn now() -> f64 {
    use std::sync::OnceLock;
    use std::time::Instant;
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    ORIGIN.get_or_init(Instant::now).elapsed().as_nanos() as f64
}
