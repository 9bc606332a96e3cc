//! The commands besides `run`. Each takes what was typed and gives the exit code.

pub(crate) mod config;
pub(crate) mod demo;
pub(crate) mod endpoints;
pub(crate) mod mcp;
pub(crate) mod relay;
pub(crate) mod serve;
pub(crate) mod sessions;

use std::io;

use clap::CommandFactory;

use crate::args::{Cli, Common};
use crate::config::{Flags, Loaded, Origin, Remark, Settings, Sourced, Unusable};
use crate::paths::Env;
use crate::{USAGE, config as configuration, term};

impl Common {
    /// The flags that configure.
    pub(crate) fn flags(&self) -> Flags {
        Flags {
            target: None,
            upstream: None,
            model: self.model.clone(),
            base_url: self.base_url.clone(),
            api_key_env: self.api_key_env.clone(),
            recovery: self.recovery,
            state_dir: self.state_dir.clone(),
        }
    }
}

/// The exit code of a command that only prints.
pub(crate) fn printed(result: io::Result<()>) -> u8 {
    match result {
        Ok(()) => 0,
        Err(error) => {
            term::error(&format!("standard output: {}", term::system(&error)));
            1
        }
    }
}

/// The settings of a turn, with every remark told; or the exit code, with everything wrong told.
pub(crate) fn settings(common: &Common, env: &Env) -> Result<Settings, u8> {
    let loaded = configuration::load(common.config.as_deref(), &common.flags(), env);
    usable(loaded, common, env)
}

/// The settings of a check of `target`, or of the configured endpoint. Without a model its name is empty.
pub(crate) fn settings_of_check(
    common: &Common,
    target: Option<&str>,
    env: &Env,
) -> Result<Settings, u8> {
    let flags = Flags {
        target: target.map(str::to_owned),
        ..common.flags()
    };
    let mut loaded = configuration::load(common.config.as_deref(), &flags, env);
    loaded
        .options
        .model
        .get_or_insert_with(|| Sourced::new(String::new(), Origin::Default));
    usable(loaded, common, env)
}

fn usable(mut loaded: Loaded, common: &Common, env: &Env) -> Result<Settings, u8> {
    let settings = loaded.settings(env);
    if !common.quiet {
        tell(&loaded.remarks, common.verbose > 0);
    }
    settings.map_err(|unusable| refuse(unusable, &loaded))
}

/// Says why there are no settings.
fn refuse(unusable: Unusable, loaded: &Loaded) -> u8 {
    match unusable {
        Unusable::Nothing if loaded.present => {
            let (what, block) = no_endpoint(loaded);
            term::error(&format!("{what}:"));
            term::plain(&format!("\n{block}"));
            term::help("`respair config check` says whether anything is missing");
        }
        Unusable::Nothing => nothing_configured(loaded.file.as_deref()),
        Unusable::Problems(problems) => {
            for problem in problems {
                term::error(&term::one_line(&problem.headline()));
                if let Some(advice) = problem.advice() {
                    term::help(&term::one_line(advice));
                }
            }
        }
    }
    USAGE
}

/// Notices and warnings, on standard error; in full, or as short as they go.
pub(crate) fn tell(remarks: &[Remark], whole: bool) {
    for remark in remarks {
        let text = term::one_line(&remark.text(whole));
        match remark {
            Remark::Warning(_) => term::warning(&text),
            _ => term::notice(&text),
        }
    }
}

/// What to say of a file without an endpoint, and the block that it lacks.
fn no_endpoint(loaded: &Loaded) -> (String, String) {
    let file = term::one_line(loaded.file.as_deref().unwrap_or("the configuration"));
    let model = loaded.options.model.as_ref();
    let model = model.map_or_else(
        || "gpt-5.4".to_owned(),
        |model| term::one_line(&model.value),
    );
    let what = format!("{file}: chooses no endpoint; `model` is a block that does");
    let block = format!(
        "  model:\n    provider: custom\n    default: {model}\n    base_url: https://relay.example/v1   # `/responses` is added to it\n"
    );
    (what, block)
}

fn nothing_configured(file: Option<&str>) {
    term::error("no endpoint is configured; these three lines configure one:");
    for line in [
        "",
        "  export RESPAIR_BASE_URL=https://relay.example/v1   # `/responses` is added to it",
        "  export RESPAIR_MODEL=gpt-5.4",
        "  export RESPAIR_API_KEY=…                           # if it wants one",
        "",
    ] {
        term::plain(line);
    }
    match file {
        Some(file) => term::help(&format!(
            "or write {file}: `respair config init`; or see it work: `respair demo`"
        )),
        None => term::help("or name a file with --config; or see it work: `respair demo`"),
    }
}

/// `respair completions SHELL`.
pub(crate) fn completions(shell: clap_complete::Shell) -> u8 {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "respair", &mut script);
    printed(term::print(&String::from_utf8_lossy(&script)))
}
