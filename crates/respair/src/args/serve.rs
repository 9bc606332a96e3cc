//! `respair serve`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::config::MOST_THREADS;

/// `respair serve`.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The upstream; `/responses` is added to it [default: the configured ones]
    #[arg(long, value_name = "URL", conflicts_with = "base_url")]
    pub(crate) upstream: Option<String>,
    /// Where to listen; port 0 takes a free one [default: 127.0.0.1:8484]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
    /// Print what to paste into codex, hermes, env or aisdk, and do not serve
    #[arg(long, value_name = "CLIENT", hide_possible_values = true)]
    pub(crate) print_config: Option<PasteInto>,
    /// How long streams may go on when it is told to stop [default: 30]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) drain: Option<std::time::Duration>,
    /// Threads that serve; one costs least for each event [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_THREADS)))]
    pub(crate) threads: Option<u32>,
    /// One line a request on standard error: human (the default) or json
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "human",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub(crate) log: LogFormat,
    /// A web page that may use it, as in http://localhost:3000; again for more
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) allow_origin: Vec<String>,
    /// Keep both sides of each stream in DIR, for check, repair and relay
    #[arg(long, value_name = "DIR")]
    pub(crate) record: Option<PathBuf>,
    /// Write prompts and answers to the log as well, keys redacted
    #[arg(long)]
    pub(crate) log_bodies: bool,
}

/// A client that can be told to use the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PasteInto {
    Codex,
    Hermes,
    Env,
    #[value(name = "aisdk")]
    AiSdk,
}

/// How a request is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Human,
    Json,
}

/// `30` and `30s`.
fn seconds(text: &str) -> Result<std::time::Duration, String> {
    let number = text.strip_suffix('s').unwrap_or(text);
    let wrong = || "expected seconds, as in 30".to_owned();
    let number: f64 = number.parse().map_err(|_| wrong())?;
    std::time::Duration::try_from_secs_f64(number).map_err(|_| wrong())
}
