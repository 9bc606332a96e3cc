//! What the kernel says of a process: CPU time and memory.

use std::fs;

use crate::Failure;

/// CPU time of all its threads so far, in nanoseconds, user and system together.
pub(crate) fn cpu(pid: u32) -> Result<u64, Failure> {
    let mut sum = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread may end meanwhile.
        let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else {
            continue;
        };
        sum += first_number(&text).ok_or("no CPU time in schedstat")?;
    }
    Ok(sum)
}

/// Its share of resident memory (PSS), in KiB.
pub(crate) fn pss(pid: u32) -> Result<u64, Failure> {
    field(&format!("/proc/{pid}/smaps_rollup"), "Pss:")
}

/// Its resident memory (RSS), in KiB: with pages that it shares with others.
pub(crate) fn rss(pid: u32) -> Result<u64, Failure> {
    field(&format!("/proc/{pid}/status"), "VmRSS:")
}

/// The load average of the last minute.
pub(crate) fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let first = text.split_whitespace().next();
    first
        .and_then(|first| first.parse().ok())
        .unwrap_or(f64::NAN)
}

fn field(file: &str, name: &str) -> Result<u64, Failure> {
    let text = fs::read_to_string(file)?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(first_number)
        .ok_or_else(|| format!("no {name} in {file}").into())
}

fn first_number(text: &str) -> Option<u64> {
    text.split_whitespace().next()?.parse().ok()
}
