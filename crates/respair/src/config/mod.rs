//! Configuration: the file, the environment and the flags, made into one set of [`Options`] with the origin of each value,
//! and that into [`Settings`] which a turn can be made with.
//!
//! `file → yaml → reader → layers → settings`. Nothing here makes a request, and nothing here prints.

mod address;
mod agent;
mod approvals;
mod codes;
mod codex_login;
mod file;
mod keys;
mod layers;
mod options;
mod problem;
mod providers;
mod quantity;
mod reader;
mod secrets;
mod serve;
mod settings;
pub(crate) mod show;
pub(crate) mod template;
mod values;
mod yaml;

use std::path::Path;

pub(crate) use address::{plain as plain_url, shown as shown_url};
pub(crate) use agent::{Agent, McpServer, Reach, Tools, is_tool};
pub(crate) use codex_login::file as codex_login;
pub(crate) use file::locate;
pub(crate) use keys::{alike, closest, meant_effort};
pub(crate) use layers::Flags;
pub(crate) use options::{Fallback, Key, Mode, Options, Origin, Sourced};
pub(crate) use problem::{Problem, Remark};
pub(crate) use providers::Provider;
pub(crate) use serve::{MOST_THREADS, ServeOptions};
pub(crate) use settings::{Settings, Unusable};

use crate::paths::{self, Env};
use reader::Reader;

/// What the file, the environment and the flags say together.
pub(crate) struct Loaded {
    /// Where the file is or would be, as it is shown.
    pub(crate) file: Option<String>,
    /// Whether it was there.
    pub(crate) present: bool,
    /// The file itself.
    pub(crate) path: Option<std::path::PathBuf>,
    /// Every setting, defaults included.
    pub(crate) options: Options,
    /// How the gateway runs, defaults included.
    pub(crate) serve: ServeOptions,
    /// The settings of `agent:` and `mcp_servers:`, defaults included.
    pub(crate) agent: Agent,
    /// What was chosen; `None` when nothing is configured, or the choice is a problem.
    pub(crate) provider: Option<Provider>,
    /// Whether that is `model:`, which the environment and the flags speak of as well, or an entry further down.
    first: bool,
    /// The names of the entries of `custom_providers` and `providers`.
    pub(crate) entries: Vec<String>,
    /// What is wrong.
    pub(crate) problems: Vec<Problem>,
    /// What stops nothing.
    pub(crate) remarks: Vec<Remark>,
}

/// Loads everything, once.
pub(crate) fn load(config: Option<&Path>, flags: &Flags, env: &Env) -> Loaded {
    read(config, flags, env, Which::Model)
}

/// Loads one entry of `custom_providers` or `providers` by its name, whatever the `model:` block, the environment and the
/// flags choose.
pub(crate) fn load_entry(config: Option<&Path>, name: &str, env: &Env) -> Loaded {
    read(config, &Flags::default(), env, Which::Entry(name))
}

/// The entry of `agent.fallback` at this place, whatever the environment and the flags choose. It asks `model` unless it names
/// one of its own.
///
/// # Errors
/// Everything that is wrong with it, each under the name of the entry.
pub(crate) fn fallback(
    config: Option<&Path>,
    at: usize,
    model: Option<&Sourced<String>>,
    env: &Env,
) -> Result<Settings, Vec<Problem>> {
    let mut loaded = read(config, &Flags::default(), env, Which::Fallback(at));
    loaded.options.model = loaded.options.model.or_else(|| model.cloned());
    let problems = match loaded.settings(env) {
        Ok(settings) => return Ok(settings),
        Err(Unusable::Problems(problems)) => problems,
        Err(Unusable::Nothing) => vec![Problem::new("names no endpoint")],
    };
    let entry = format!("agent.fallback[{at}]");
    Err(problems
        .into_iter()
        .map(|problem| problem.or_key(&entry))
        .collect())
}

/// Which endpoint of a configuration is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which<'a> {
    /// The one that `model:`, the environment and the flags choose.
    Model,
    /// An entry of `custom_providers` or `providers`.
    Entry(&'a str),
    /// An entry of `agent.fallback`.
    Fallback(usize),
}

fn read(config: Option<&Path>, flags: &Flags, env: &Env, which: Which<'_>) -> Loaded {
    let located = file::locate(config, env);
    let shown = located.as_ref().map(|l| paths::shown(&l.path, env));
    let mut problems = Vec::new();
    let text = match (&located, &shown) {
        (Some(located), Some(shown)) => file::read(located, shown).unwrap_or_else(|problem| {
            problems.push(problem);
            None
        }),
        _ => None,
    };
    let name = shown.clone().unwrap_or_default();
    let root = text
        .as_deref()
        .and_then(|text| match yaml::parse(&name, text) {
            Ok(root) => root,
            Err(problem) => {
                problems.push(problem);
                None
            }
        });
    let environment = match which {
        Which::Model => layers::environment(env, &mut problems),
        _ => Options::default(),
    };
    let flags = flags.options(&mut problems);
    let mut loaded = Loaded {
        file: shown,
        present: text.is_some(),
        path: located.map(|located| located.path),
        options: Options::default(),
        serve: ServeOptions::defaults(),
        agent: Agent::default(),
        provider: None,
        first: which == Which::Model,
        entries: Vec::new(),
        problems: Vec::new(),
        remarks: Vec::new(),
    };
    let mut reader = Reader::new(&name, env);
    reader.problems = problems;
    combine(
        &mut loaded,
        &mut reader,
        root.as_ref(),
        which,
        (environment, flags),
    );
    loaded.problems = reader.problems;
    loaded.remarks = reader.notices.into_iter().map(Remark::Notice).collect();
    if !reader.unknown.is_empty() {
        let mut keys = reader.unknown;
        // A short list names those first that were meant for respair.
        keys.sort_by_key(|key| !key.is_misspelt());
        loaded.remarks.push(Remark::Ignored { file: name, keys });
    }
    loaded
}

fn combine(
    loaded: &mut Loaded,
    reader: &mut Reader<'_>,
    root: Option<&yaml::Node>,
    which: Which<'_>,
    (environment, flags): (Options, Options),
) {
    let top = root
        .map(|root| reader.fields(root, "", keys::TOP))
        .unwrap_or_default();
    let defaults = reader
        .sections(&top, Options::default())
        .over(Options::defaults());
    if let Some((path, node)) = top.get("serve") {
        let serve = reader.serve(node, path);
        loaded.serve = serve.over(ServeOptions::defaults());
    }
    loaded.agent = agent(reader, &top);
    loaded.agent.key_variables = root.map(secrets::variables).unwrap_or_default();
    let block = block(reader, &top, which);
    let of = |key: &str| top.get(key).map(|(path, node)| (path.as_str(), *node));
    let entries = providers::entries(reader, of("custom_providers"), of("providers"));
    loaded.entries = entries.iter().map(|entry| entry.name.clone()).collect();
    let chosen: Option<&Sourced<String>> = block.provider.as_ref();
    let mut file_layers = Vec::new();
    let any_url = [&block, &environment, &flags]
        .iter()
        .any(|l| l.base_url.is_some());
    if chosen.is_some() || any_url {
        match providers::choose(chosen, &entries) {
            Ok((provider, entry)) => {
                for other in entries
                    .iter()
                    .filter(|e| entry.is_none_or(|used| !std::ptr::eq(*e, used)))
                {
                    other.skim(reader);
                }
                file_layers.extend(provider.default_url().map(|url| Options {
                    base_url: Some(Sourced::new(url.into(), options::Origin::Default)),
                    ..Options::default()
                }));
                file_layers.extend(entry.map(|e| e.read(reader)));
                loaded.provider = Some(provider);
            }
            Err(problem) => reader.problems.push(problem),
        }
    } else {
        for entry in &entries {
            entry.skim(reader);
        }
    }
    file_layers.push(block);
    loaded.options =
        layers::bind(file_layers, environment, flags, &mut reader.notices).over(defaults);
    if let Some(mode) = &loaded.options.api_mode
        && mode.value != "codex_responses"
        && loaded.provider.is_some()
    {
        let problem = problem::Problem::new(format!(
            "`{}` is not supported: respair speaks the Responses API, `codex_responses`",
            mode.value
        ))
        .help("set `api_mode: codex_responses` if the endpoint answers at base_url + `/responses`; choose another one if it does not");
        reader.problems.push(address::blame(problem, &mode.origin));
    }
}

/// What `agent:` and `mcp_servers:` say.
fn agent(reader: &mut Reader<'_>, top: &reader::Fields<'_>) -> Agent {
    let mut agent = match top.get("agent") {
        Some((path, node)) => reader.agent(node, path),
        None => Agent::default(),
    };
    agent.servers = reader.field(top, "mcp_servers", Reader::servers);
    reader.servers_of_rules(&agent);
    agent.over(Agent::defaults())
}

/// The block that chooses the endpoint.
fn block(reader: &mut Reader<'_>, top: &reader::Fields<'_>, which: Which<'_>) -> Options {
    let named = |provider| Options {
        provider: Some(provider),
        ..Options::default()
    };
    match (which, top.get("model")) {
        (Which::Entry(name), _) => named(Sourced::new(
            format!("custom:{name}"),
            options::Origin::Default,
        )),
        (Which::Fallback(at), _) => {
            let Some((path, node)) = fallback_node(top, at) else {
                return Options::default();
            };
            match node.value {
                yaml::Value::Map(_) => reader.block(node, &path, keys::MODEL),
                _ => Options {
                    provider: reader.sourced_text(&path, node),
                    ..Options::default()
                },
            }
        }
        // `model: gpt-5.4` names the model and nothing else.
        (Which::Model, Some((path, node)))
            if matches!(node.value, yaml::Value::Text(_) | yaml::Value::Number(_)) =>
        {
            let inner = yaml::Node {
                value: yaml::Value::Map(vec![("default".into(), (*node).clone())]),
                at: node.at,
                key_line: node.key_line,
            };
            reader.block(&inner, path, keys::MODEL)
        }
        (Which::Model, Some((path, node))) => reader.block(node, path, keys::MODEL),
        (Which::Model, None) => Options::default(),
    }
}

/// The entry of `agent.fallback` at this place.
fn fallback_node<'n>(top: &reader::Fields<'n>, at: usize) -> Option<(String, &'n yaml::Node)> {
    let (path, node) = top.get("agent")?;
    let yaml::Value::Map(fields) = &node.value else {
        return None;
    };
    let is_it = |spelled: &str| keys::lookup(keys::AGENT, spelled).map(|key| key.name);
    let (spelled, list) = fields
        .iter()
        .find(|(spelled, _)| is_it(spelled) == Some("fallback"))?;
    let item = match &list.value {
        yaml::Value::List(items) => items.get(at)?,
        _ => list,
    };
    Some((format!("{path}.{spelled}[{at}]"), item))
}

#[cfg(test)]
mod tests;
