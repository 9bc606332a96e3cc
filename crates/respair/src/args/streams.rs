//! The commands that read streams: `repair` and `check`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use respair_core::{Code, Profile};

use super::names::{CodeParser, ProfileParser};

/// `respair repair`.
#[derive(Clone, Debug, Args)]
pub(crate) struct Repair {
    /// The stream: a file, or `-` for standard input [default: -]
    #[arg(value_name = "IN")]
    pub(crate) input: Option<PathBuf>,
    /// Write to FILE instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Mend to openai-sdk, portable (the default) or open-responses
    #[arg(long, value_name = "PROFILE", value_parser = ProfileParser, hide_possible_values = true)]
    pub(crate) profile: Option<Profile>,
    /// Leave a rule out, by its code; again, or with commas, for more
    #[arg(long, value_name = "CODE", value_parser = CodeParser, value_delimiter = ',', hide_possible_values = true)]
    pub(crate) without: Vec<Code>,
    /// Deltas repeat the whole text so far: take off what was written before
    #[arg(long)]
    pub(crate) cumulative_deltas: bool,
    /// Write what was found and mended to FILE, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// The JSON body of the request: what the response lacks is copied from it
    #[arg(long, value_name = "FILE")]
    pub(crate) request: Option<PathBuf>,
}

/// `respair check`.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// A recorded stream, `-`, or an endpoint's URL [default: the configured one]
    pub(crate) target: Option<OsString>,
    /// Judge by openai-sdk, portable (the default) or open-responses
    #[arg(long, value_name = "PROFILE", value_parser = ProfileParser, hide_possible_values = true)]
    pub(crate) profile: Option<Profile>,
    /// terminal (the default), json, or markdown for a relay's issue tracker
    #[arg(long, value_name = "FORMAT", hide_possible_values = true)]
    pub(crate) format: Option<Format>,
    /// Send an endpoint at most N requests [default: all 9 of them]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) max_requests: Option<u16>,
    /// Print the page of a rule, and check nothing
    #[arg(long, value_name = "CODE", value_parser = CodeParser, hide_possible_values = true)]
    pub(crate) explain: Option<Code>,
}

/// How a judgement is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    #[default]
    Terminal,
    Json,
    Markdown,
}
