//! `respair endpoints list|forget`: what earlier turns learnt.

use std::time::{SystemTime, UNIX_EPOCH};

use respair_client::{EndpointMemory, MemoryEntry};
use serde_json::json;

use crate::args::{Common, Endpoints};
use crate::config;
use crate::paths::Env;
use crate::{USAGE, term};

/// Runs it.
pub(crate) fn command(common: &Common, endpoints: &Endpoints) -> u8 {
    let env = Env::Process;
    let mut loaded = config::load(common.config.as_deref(), &common.flags(), &env);
    let Some(dir) = loaded.state_dir(&env) else {
        term::error("there is no home directory to keep anything in");
        term::help("name a directory with --state-dir");
        return USAGE;
    };
    let memory = EndpointMemory::open(&dir);
    let result = match endpoints {
        Endpoints::List => memory.list(now()).map(|entries| list(common, &entries)),
        Endpoints::Forget { all: true, .. } => {
            memory.forget_all(now()).map(|n| forgotten(common, n))
        }
        Endpoints::Forget { url: Some(url), .. } => match config::plain_url(url) {
            Some(url) => memory
                .forget(&url, None, now())
                .map(|n| forgotten(common, n)),
            None => {
                term::error("that is no address");
                term::help("`respair endpoints list` shows the addresses");
                return USAGE;
            }
        },
        // The configuration need not be whole: only the address matters.
        Endpoints::Forget { .. } => match loaded.settings(&env).ok().map(|s| s.base_url) {
            Some(url) => memory
                .forget(&config::shown_url(&url), None, now())
                .map(|n| forgotten(common, n)),
            None => {
                term::error("no endpoint is configured that could be forgotten");
                term::help("name its base URL, or forget all with --all");
                return USAGE;
            }
        },
    };
    result.unwrap_or_else(|problem| {
        term::error(&term::one_line(&problem.to_string()));
        1
    })
}

fn list(common: &Common, entries: &[MemoryEntry]) -> u8 {
    if entries.is_empty() && !common.quiet && !common.json {
        term::notice("nothing was learnt yet: every turn starts strictly");
    }
    let text: String = match common.json {
        true => entries
            .iter()
            .map(|entry| format!("{}\n", json!(entry)))
            .collect(),
        false => entries.iter().map(row).collect(),
    };
    super::printed(term::print(&text))
}

fn row(entry: &MemoryEntry) -> String {
    let days = now().saturating_sub(entry.learnt_at) / 86_400;
    let since = match days {
        0 => "learnt today".to_owned(),
        1 => "learnt yesterday".to_owned(),
        n => format!("learnt {n} days ago"),
    };
    let clean = match entry.clean_turns {
        0 => String::new(),
        1 => ", 1 clean turn since".into(),
        n => format!(", {n} clean turns since"),
    };
    let (url, model) = (term::one_line(&entry.url), term::one_line(&entry.model));
    let without = entry
        .refused_fields
        .iter()
        .map(|f| format!("without `{f}`"));
    let known: Vec<String> = entry.codes.iter().cloned().chain(without).collect();
    format!(
        "{url}  {model}  {}  ({since}{clean})\n",
        term::one_line(&known.join(", "))
    )
}

fn forgotten(common: &Common, count: usize) -> u8 {
    if common.quiet {
        return 0;
    }
    let text = match count {
        0 => "nothing was remembered there\n".to_owned(),
        1 => "forgotten: 1 entry\n".to_owned(),
        n => format!("forgotten: {n} entries\n"),
    };
    super::printed(term::print(&text))
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
