//! `soak BINARY [--minutes N] [--streams N] [--seed S]`: both parts at full length, and their table.

use std::process::ExitCode;
use std::time::Duration;

use respair_soak::{Options, run};

const USAGE: &str = "usage: soak BINARY [--minutes N] [--streams N] [--clients N] [--seed S]";

fn options(mut args: impl Iterator<Item = String>) -> Option<Options> {
    let mut options = Options {
        binary: args.next()?.into(),
        streams: 5000,
        pace: 100,
        warm: 3000,
        mixed: Duration::from_secs(600),
        reloads: true,
        clients: 24,
        leaving: 100,
        seed: 1,
        judge_measures: true,
    };
    while let Some(arg) = args.next() {
        let value = args.next()?;
        match arg.as_str() {
            "--minutes" => {
                let minutes: f64 = value.parse().ok()?;
                options.mixed = Duration::try_from_secs_f64(minutes * 60.0).ok()?;
            }
            "--streams" => options.streams = value.parse().ok()?,
            "--clients" => options.clients = value.parse().ok()?,
            "--seed" => options.seed = value.parse().ok()?,
            _ => return None,
        }
    }
    Some(options)
}

#[tokio::main]
async fn main() -> ExitCode {
    let Some(options) = options(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let report = match run(&options).await {
        Ok(report) => report,
        Err(error) => {
            eprintln!("soak: {error}");
            return ExitCode::FAILURE;
        }
    };
    println!("{report}");
    let failures = report.failures();
    for failure in failures.iter().take(20) {
        eprintln!("soak: {failure}\n");
    }
    if failures.is_empty() {
        ExitCode::SUCCESS
    } else {
        eprintln!("soak: {} failures", failures.len());
        ExitCode::FAILURE
    }
}
