//! What the gateway costs, beside nginx. `cargo xtask bench gateway` builds and runs it:
//!
//! ```text
//! respair-bench gateway --respair FILE [--rounds N] [--seconds N] [--only NAME,…] [--write FILE --commit HASH --date DAY]
//! respair-bench upstream [--listen 127.0.0.1:0]
//! respair-bench load ADDRESS [KEY=N…]      keys: streams events gap deviant (microseconds between events; 0: as fast as it goes)
//! ```
//!
//! `upstream` answers each request for a response with a stream whose length and pace the query says ([`stream`], [`upstream`]).
//! `load` asks for many at once and checks that each is whole and in order; every delta carries the time when it was written, so
//! its delay is known when it comes ([`load`]). `gateway` runs both with nothing, nginx and respair between them, in turn within
//! each round, and compares within the round: what else the machine does hits all three ([`rounds`], [`report`]).

#![forbid(unsafe_code)]

mod chunked;
mod load;
mod process;
mod report;
mod rounds;
mod stream;
mod targets;
mod upstream;

use std::error::Error;
use std::process::ExitCode;

/// Why a run stopped, in words.
type Failure = Box<dyn Error + Send + Sync>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = args
        .split_first()
        .map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
    let outcome = match command {
        "gateway" => rounds::command(rest),
        "upstream" => upstream::command(rest),
        "load" => load::command(rest),
        _ => Err("gateway, upstream or load?".into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("respair-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// `--NAME VALUE` pairs.
fn options(args: &[String]) -> Result<Vec<(&str, &str)>, Failure> {
    let mut options = Vec::new();
    for two in args.chunks(2) {
        let [name, value] = two else {
            return Err(format!("`{}` lacks its value", two[0]).into());
        };
        let name = name.strip_prefix("--");
        let name = name.ok_or_else(|| format!("`{}` is no option", two[0]))?;
        options.push((name, value.as_str()));
    }
    Ok(options)
}

/// Nanoseconds of the clock that all processes of this machine share and nobody sets.
fn now() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let (seconds, rest) = (u64::try_from(time.tv_sec), u64::try_from(time.tv_nsec));
    seconds.unwrap_or(0) * 1_000_000_000 + rest.unwrap_or(0)
}

/// Lets time pass: the pace of a stream is what is measured here.
#[allow(clippy::disallowed_methods)]
fn pause(nanoseconds: u64) {
    std::thread::sleep(std::time::Duration::from_nanos(nanoseconds));
}
