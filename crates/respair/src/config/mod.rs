//! Configuration: the file, the environment and the flags, made into one set of [`Options`] with the origin of each value,
//! and that into [`Settings`] which a turn can be made with.
//!
//! `file → yaml → reader → layers → settings`. Nothing here makes a request, and nothing here prints.

mod address;
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
mod serve;
mod settings;
pub(crate) mod show;
pub(crate) mod template;
mod values;
mod yaml;

use std::path::Path;

pub(crate) use address::{plain as plain_url, shown as shown_url};
pub(crate) use file::locate;
pub(crate) use keys::closest;
pub(crate) use layers::Flags;
pub(crate) use options::{Fallback, Mode, Options, Origin, Sourced};
pub(crate) use problem::{Problem, Remark};
pub(crate) use providers::Provider;
pub(crate) use serve::ServeOptions;
pub(crate) use settings::{Settings, Unusable};

use crate::paths::{self, Env};
use reader::Reader;

/// What the file, the environment and the flags say together.
pub(crate) struct Loaded {
    /// Where the file is or would be, as it is shown.
    pub(crate) file: Option<String>,
    /// Whether it was there.
    pub(crate) present: bool,
    /// Every setting, defaults included.
    pub(crate) options: Options,
    /// How the gateway runs, defaults included.
    pub(crate) serve: ServeOptions,
    /// What was chosen; `None` when nothing is configured, or the choice is a problem.
    pub(crate) provider: Option<Provider>,
    /// The names of the entries of `custom_providers` and `providers`.
    pub(crate) entries: Vec<String>,
    /// What is wrong.
    pub(crate) problems: Vec<Problem>,
    /// What stops nothing.
    pub(crate) remarks: Vec<Remark>,
}

/// Loads everything, once.
pub(crate) fn load(config: Option<&Path>, flags: &Flags, env: &Env) -> Loaded {
    read(config, flags, env, None)
}

/// Loads one entry of `custom_providers` or `providers` by its name, whatever the `model:` block, the environment and the
/// flags choose.
pub(crate) fn load_entry(config: Option<&Path>, name: &str, env: &Env) -> Loaded {
    read(config, &Flags::default(), env, Some(name))
}

fn read(config: Option<&Path>, flags: &Flags, env: &Env, entry: Option<&str>) -> Loaded {
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
    let environment = match entry {
        Some(_) => Options::default(),
        None => layers::environment(env, &mut problems),
    };
    let flags = flags.options(&mut problems);
    let mut loaded = Loaded {
        file: shown,
        present: text.is_some(),
        options: Options::default(),
        serve: ServeOptions::defaults(),
        provider: None,
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
        entry,
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
    entry: Option<&str>,
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
    let block = match top.get("model").filter(|_| entry.is_none()) {
        // `model: gpt-5.4` names the model and nothing else.
        Some((path, node))
            if matches!(node.value, yaml::Value::Text(_) | yaml::Value::Number(_)) =>
        {
            let inner = yaml::Node {
                value: yaml::Value::Map(vec![("default".into(), (*node).clone())]),
                at: node.at,
            };
            reader.block(&inner, path, keys::MODEL)
        }
        Some((path, node)) => reader.block(node, path, keys::MODEL),
        None => Options {
            provider: entry
                .map(|name| Sourced::new(format!("custom:{name}"), options::Origin::Default)),
            ..Options::default()
        },
    };
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

#[cfg(test)]
mod tests;
