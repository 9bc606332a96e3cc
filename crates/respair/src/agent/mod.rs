//! From the settings to an agent: its endpoints, its tools, its bounds, what it is told. `run --tools` and `chat` share it.

pub(crate) mod asking;
pub(crate) mod attach;
pub(crate) mod instructions;
pub(crate) mod servers;
pub(crate) mod sessions;
pub(crate) mod tools;
pub(crate) mod words;

use std::path::PathBuf;

use respair_agent::mcp::McpServer;
use respair_agent::{Agent, AgentOptions, Limits, Link, Permissions};
use respair_client::{Client, ClientOptions, EndpointMemory};
use secrecy::ExposeSecret as _;

use crate::args::Common;
use crate::config::{self, Settings, Tools};
use crate::paths::Env;
use crate::run::{self, endpoint};
use crate::{USAGE, term};
use instructions::instructions;

/// What the command line says about tools.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// Which ones.
    pub(crate) tools: Tools,
    /// `--yes`.
    pub(crate) yes: bool,
}

/// The tools that the flags and the configuration give. `names`: those of `--tools`, none where it stands alone; without the
/// flag there are those of the configuration, where `always`.
///
/// # Errors
/// Exit code 2, told.
pub(crate) fn wanted(
    names: Option<&[String]>,
    always: bool,
    yes: bool,
    settings: &Settings,
) -> Result<Wanted, u8> {
    let configured = settings.agent.tools.as_ref();
    let configured = configured.map_or(Tools::All, |tools| tools.value.clone());
    let tools = match names {
        None if always => configured,
        None => Tools::Off,
        Some(names) if names.iter().all(String::is_empty) => configured,
        Some([name]) if name == "off" => Tools::Off,
        Some(names) => {
            for name in names {
                if let Err(what) = config::is_tool(name) {
                    term::error(&format!("--tools: {what}"));
                    return Err(USAGE);
                }
            }
            Tools::Named(names.to_vec())
        }
    };
    Ok(Wanted { tools, yes })
}

/// An agent, and what is to be said before it begins.
pub(crate) struct Made {
    pub(crate) agent: Agent,
    pub(crate) notices: Vec<String>,
    /// Servers whose tools it has not yet.
    pub(crate) servers: Vec<McpServer>,
}

/// Makes it; no MCP server is started yet.
///
/// # Errors
/// Exit code 2, told.
pub(crate) fn begun(
    common: &Common,
    settings: &Settings,
    wanted: Wanted,
    env: &Env,
) -> Result<Made, u8> {
    let cwd = working_directory()?;
    let config = &settings.agent;
    let given = instructions(config, settings.file.as_deref(), &cwd, env);
    let given = given.map_err(|why| {
        term::error(&why);
        USAGE
    })?;
    let mut notices = given.notices;
    let shared = ClientOptions {
        memory: settings.state_dir.as_deref().map(EndpointMemory::open),
        trace: run::trace(common)?,
        ..ClientOptions::default()
    };
    let first = link(settings, &shared).map_err(|why| {
        term::error(&why);
        USAGE
    })?;
    let mut options = AgentOptions::new(first, given.text);
    for at in 0..config.fallback.as_ref().map_or(0, |list| list.value.len()) {
        match fallback(common, settings, at, &shared, env) {
            Ok(link) => options.links.push(link),
            Err(why) => notices.push(format!("{why}; it is left out")),
        }
    }
    options.limits = limits(config);
    options.permissions = Permissions {
        rules: config.rules(),
        yes: wanted.yes,
    };
    options.tools = tools::toolbox(settings, &wanted.tools, &cwd, env, &mut notices);
    let servers = match wanted.tools {
        Tools::Off => Vec::new(),
        _ => servers::wanted(settings, &cwd),
    };
    Ok(Made {
        agent: Agent::new(options),
        notices,
        servers,
    })
}

/// The working directory.
///
/// # Errors
/// Exit code 2, told.
pub(crate) fn working_directory() -> Result<PathBuf, u8> {
    std::env::current_dir().map_err(|error| {
        let system = term::system(&error);
        term::error(&format!("the working directory cannot be told: {system}"));
        USAGE
    })
}

fn limits(config: &config::Agent) -> Limits {
    let mut limits = Limits::default();
    if let Some(steps) = &config.max_steps {
        limits.steps = steps.value;
    }
    if let Some(tokens) = &config.max_tokens {
        limits.tokens = tokens.value;
    }
    if let Some(times) = &config.retry_truncated {
        limits.retry_truncated = times.value;
    }
    if let Some(times) = &config.continue_incomplete {
        limits.continuations = times.value;
    }
    limits
}

fn link(settings: &Settings, shared: &ClientOptions) -> Result<Link, String> {
    let client = Client::new(endpoint(settings), shared.clone());
    let client = client.map_err(|error| term::one_line(&error.to_string()))?;
    let key = settings.api_key.as_ref().map(|key| key.expose_secret());
    let mut link = Link::new(client, settings.model.clone(), key);
    let o = &settings.options;
    link.reasoning_effort = o.reasoning_effort.as_ref().map(|v| v.value.clone());
    link.reasoning_summary = o.reasoning_summary.as_ref().map(|v| v.value.clone());
    link.max_output_tokens = o.max_output_tokens.as_ref().map(|v| v.value);
    link.context_length = o.context_length.as_ref().map(|v| v.value);
    Ok(link)
}

/// An endpoint that stands in.
fn fallback(
    common: &Common,
    first: &Settings,
    at: usize,
    shared: &ClientOptions,
    env: &Env,
) -> Result<Link, String> {
    let model = first.options.model.as_ref();
    let settings = config::fallback(common.config.as_deref(), at, model, env);
    let settings = settings.map_err(|problems| {
        problems
            .first()
            .map_or_else(String::new, |problem| term::one_line(&problem.headline()))
    })?;
    link(&settings, shared).map_err(|why| format!("agent.fallback[{at}]: {why}"))
}

/// What is built and cannot be used is told.
pub(crate) fn told(common: &Common, notices: &[String]) {
    if !common.quiet {
        for notice in notices {
            term::notice(&term::one_line(notice));
        }
    }
}
