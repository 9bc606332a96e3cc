//! `respair check`: what a stream breaks, where, who breaks on it, and what its author should change.
//!
//! This file sees to what is checked. [`stream`] judges one body; [`terminal`] and [`markdown`] show what was judged, one body
//! or several. [`endpoint`] asks one, and judges its answers.

mod breaks;
mod endpoint;
pub(crate) mod excerpt;
mod explain;
mod fields;
pub(crate) mod markdown;
mod point;
pub(crate) mod stream;
pub(crate) mod terminal;
pub(crate) mod trace;

use std::ffi::OsStr;
use std::path::Path;

use respair_core::{EndOfBody, Profile, RequestFacts};

use crate::args::{self, Common, Format};
use crate::input::{self, Came, Drain, Input, unreadable};
use crate::{USAGE, commands, term};

use stream::{Judge, Judged, Origin};
use trace::{Piece, Splitter};

/// The stream does not conform.
pub(crate) const NOT_CONFORMING: u8 = 1;

/// What is checked.
enum Target<'a> {
    File(&'a Path),
    StandardInput,
    /// This one, or the configured one.
    Endpoint(Option<&'a str>),
}

/// Runs it.
pub(crate) fn command(common: &Common, check: &args::Check) -> u8 {
    let profile = check.profile.unwrap_or(Profile::Portable);
    let format = match check.format {
        Some(format) => format,
        None if common.json => Format::Json,
        None => Format::Terminal,
    };
    if let Some(code) = check.explain {
        let page = explain::page(code, format, terminal::columns());
        return commands::printed(term::print(&page));
    }
    let input = match target(check.target.as_deref()) {
        Target::File(path) => {
            let opened = Input::file(path);
            if opened.is_err() && looks_like_an_address(path) {
                term::help("an endpoint's address begins with http:// or https://");
            }
            opened
        }
        Target::StandardInput => Input::open(Some(Path::new("-"))),
        Target::Endpoint(url) => {
            if url.is_none() && input::is_piped() && !common.quiet {
                term::notice("standard input is not read; `respair check -` judges it");
            }
            let most = check.max_requests.map(usize::from);
            return endpoint::command(common, url, most, profile, format);
        }
    };
    let mut request = RequestFacts::default();
    request.model = common.model.clone();
    let judged = match input.and_then(|input| judge(input, profile, &request)) {
        Ok(judged) => judged,
        Err(code) => return code,
    };
    let text = match format {
        Format::Terminal if common.quiet => terminal::verdicts(&judged, terminal::columns()),
        _ => shown(&judged, format),
    };
    match commands::printed(term::print(&text)) {
        0 if judged.iter().all(|judged| judged.report.conforming) => 0,
        0 => NOT_CONFORMING,
        _ => USAGE,
    }
}

fn target(typed: Option<&OsStr>) -> Target<'_> {
    match typed {
        None => Target::Endpoint(None),
        Some(typed) if typed == "-" => Target::StandardInput,
        Some(typed) => match typed.to_str() {
            Some(url) if url.starts_with("http://") || url.starts_with("https://") => {
                Target::Endpoint(Some(url))
            }
            _ => Target::File(Path::new(typed)),
        },
    }
}

/// `localhost:8080/v1`, `relay.example/v1`.
fn looks_like_an_address(path: &Path) -> bool {
    let text = path.to_str().unwrap_or_default().trim_end_matches('/');
    let port = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
    let has_port = text.split_once(':').is_some_and(|(_, rest)| port(rest));
    !path.exists() && (has_port || text.ends_with("/v1"))
}

/// Bodies that were judged, as they are printed.
pub(crate) fn shown(judged: &[Judged], format: Format) -> String {
    match format {
        Format::Terminal => terminal::text(judged, terminal::columns()),
        Format::Markdown => markdown::text(judged),
        Format::Json => {
            let indented = term::stdout_is_terminal();
            judged.iter().map(|one| one.report.json(indented)).collect()
        }
    }
}

/// Judges every body of an input: a recorded stream is one, a trace may hold several.
fn judge(input: Input, profile: Profile, request: &RequestFacts) -> Result<Vec<Judged>, u8> {
    let name = input.name().to_owned();
    let begin = |attempt: u32, origin: Origin| {
        let name = match attempt {
            1 => name.clone(),
            n => format!("{name}, request {n}"),
        };
        Judge::new(name, profile, request.clone(), origin)
    };
    let mut drain = Drain::new(&input);
    let chunks = input.chunks();
    let mut splitter = Splitter::default();
    let mut judged = Vec::new();
    let mut judge = begin(1, Origin::default());
    let cause = loop {
        let pieces = match chunks.next(drain.deadline(judge.has_ended(), judge.is_draining())) {
            Some(Came::Bytes(chunk)) => splitter.push(chunk),
            Some(Came::End) => break EndOfBody::Eof,
            Some(Came::Failed(error)) => return Err(unreadable(&name, &error)),
            Some(Came::Nudge) => continue,
            None => break EndOfBody::Drained,
        };
        for piece in pieces {
            match piece {
                Piece::Bytes(bytes) => judge.push(bytes),
                // The client stopped reading the body before it.
                Piece::Attempt { number, origin } => {
                    let before = std::mem::replace(&mut judge, begin(number, origin));
                    judged.push(before.finish(EndOfBody::Interrupted));
                }
            }
        }
        if drain.is_over() {
            break EndOfBody::Drained;
        }
    };
    if let Some(rest) = splitter.finish() {
        judge.push(rest);
    }
    judged.push(judge.finish(cause));
    if let [first, _, ..] = judged.as_mut_slice() {
        first.name.push_str(", request 1");
    }
    Ok(judged)
}
