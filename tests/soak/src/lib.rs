//! `respair serve` as a process, under load and over time. For tests only.
//!
//! Two parts, each with a gateway of its own:
//!
//! - `many`: as many slow streams at once as descriptors allow; each has content of its own and is compared byte by byte.
//! - `mixed`: clients that ask one case after the other. A `case` follows from the seed and its number: every scenario of the
//!   relay, cuts, resets and silence; slow readers, clients that leave, requests that are passed on or turned away. Meanwhile
//!   an upstream restarts and the configuration is read again. `judge` compares what each client got with what the upstream
//!   sent; then memory, descriptors, threads, streams and connections have to be back where they were.
//!
//! A third part is no gateway's: `kills` ends the process of a conversation at any point, and looks at what is kept of it.
//!
//! Judged is what came, and what is counted. How long things take, and how much memory they need, is reported, and judged
//! only on request ([`Options::judge_measures`]): a busy machine is no mistake of the gateway's.

#![forbid(unsafe_code)]
#![cfg(target_os = "linux")]

mod case;
mod client;
mod gateway;
mod judge;
/// Conversations whose process is killed.
pub mod kills;
mod many;
mod mixed;
mod refused;
mod report;
mod table;
mod upstream;
mod wire;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

pub use gateway::Held;
pub use report::Report;

/// How a run is made.
#[derive(Debug, Clone)]
pub struct Options {
    /// The respair binary.
    pub binary: PathBuf,
    /// Slow streams at once, at most.
    pub streams: usize,
    /// The waits within them, in percent of the longest.
    pub pace: u64,
    /// Requests before the first measurement: everything that is made when it is first needed is made by then.
    pub warm: usize,
    /// How long mixed traffic lasts behind them.
    pub mixed: Duration,
    /// The configuration is read again meanwhile, by SIGHUP.
    pub reloads: bool,
    /// Clients of mixed traffic.
    pub clients: usize,
    /// Clients that leave one after the other at the end, to see how soon their upstreams' connections close.
    pub leaving: usize,
    /// What every choice follows from.
    pub seed: u64,
    /// Memory and delays are judged too.
    pub judge_measures: bool,
}

/// Runs both parts.
///
/// # Errors
/// When the gateway or an upstream cannot be started or asked. What they did wrong is in the report.
pub async fn run(options: &Options) -> io::Result<Report> {
    eprintln!("soak: seed {}", options.seed);
    let many = many::run(&options.binary, options.seed, options.streams, options.pace).await?;
    eprintln!("soak: {} slow streams are over", options.streams);
    let mixed = mixed::run(options).await?;
    Ok(Report::new(options, many, mixed))
}
