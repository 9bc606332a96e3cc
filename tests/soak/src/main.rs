//! `soak BINARY [--minutes N] [--streams N] [--clients N] [--kills N] [--seed S] [--part load|kills]`: every part at full length, and
//! its table.

use std::process::ExitCode;
use std::time::Duration;

use respair_soak::{Options, kills, run};

const USAGE: &str = "usage: soak BINARY [--minutes N] [--streams N] [--clients N] [--kills N] [--seed S] [--part load|kills]";

/// What is to be done.
struct Asked {
    load: Option<Options>,
    kills: Option<kills::Options>,
}

fn asked(mut args: impl Iterator<Item = String>) -> Option<Asked> {
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
    let (mut kills, mut part) = (200, String::new());
    while let Some(arg) = args.next() {
        let value = args.next()?;
        match arg.as_str() {
            "--minutes" => {
                let minutes: f64 = value.parse().ok()?;
                options.mixed = Duration::try_from_secs_f64(minutes * 60.0).ok()?;
            }
            "--streams" => options.streams = value.parse().ok()?,
            "--clients" => options.clients = value.parse().ok()?,
            "--kills" => kills = value.parse().ok()?,
            "--part" if value == "load" || value == "kills" => part = value,
            "--seed" => options.seed = value.parse().ok()?,
            _ => return None,
        }
    }
    let kills = kills::Options {
        binary: options.binary.clone(),
        kills,
        seed: options.seed,
    };
    Some(Asked {
        load: (part != "kills").then_some(options),
        kills: (part != "load").then_some(kills),
    })
}

#[tokio::main]
async fn main() -> ExitCode {
    let Some(asked) = asked(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let mut failures = Vec::new();
    if let Some(kills) = asked.kills {
        match tokio::task::spawn_blocking(move || kills::run(&kills)).await {
            Ok(Ok(report)) => {
                println!("{report}\n");
                failures.extend_from_slice(report.failures());
            }
            Ok(Err(error)) => failures.push(error.to_string()),
            Err(error) => failures.push(error.to_string()),
        }
    }
    if let Some(load) = asked.load {
        match run(&load).await {
            Ok(report) => {
                println!("{report}");
                failures.extend(report.failures());
            }
            Err(error) => failures.push(error.to_string()),
        }
    }
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
