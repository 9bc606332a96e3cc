//! Which provider was chosen: native, or one of the user's own; and the entries of `custom_providers` and `providers`.

use super::keys;
use super::options::{Options, Sourced};
use super::problem::Problem;
use super::reader::Reader;
use super::yaml::{Node, Value};

/// Where `provider: openai` goes unless `base_url` says otherwise.
pub(crate) const OPENAI: &str = "https://api.openai.com/v1";
/// Where `provider: openai-codex` goes unless `base_url` says otherwise.
pub(crate) const CODEX: &str = "https://chatgpt.com/backend-api/codex";

/// What the user configured. Never the host's name decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Provider {
    OpenAi,
    Codex,
    /// `custom`, `custom:<name>`.
    Custom(String),
}

impl Provider {
    /// The name as it is shown.
    pub(crate) fn name(&self) -> &str {
        match self {
            Provider::OpenAi => "openai",
            Provider::Codex => "openai-codex",
            Provider::Custom(name) => name,
        }
    }

    pub(crate) fn is_native(&self) -> bool {
        !matches!(self, Provider::Custom(_))
    }

    /// The address that a native provider has without `base_url`.
    pub(crate) fn default_url(&self) -> Option<&'static str> {
        match self {
            Provider::OpenAi => Some(OPENAI),
            Provider::Codex => Some(CODEX),
            Provider::Custom(_) => None,
        }
    }
}

/// A named entry, not read yet: only the chosen one's values matter.
pub(super) struct Entry<'n> {
    pub(super) name: String,
    path: String,
    node: &'n Node,
}

impl Entry<'_> {
    /// Reads the entry as a layer.
    pub(super) fn read(&self, reader: &mut Reader<'_>) -> Options {
        reader.block(self.node, &self.path, keys::ENTRY)
    }

    /// Only looks for unknown keys.
    pub(super) fn skim(&self, reader: &mut Reader<'_>) {
        reader.skim(self.node, &self.path, keys::ENTRY);
    }
}

/// The entries of `custom_providers` (a list) and `providers` (a map), in the order of the file.
pub(super) fn entries<'n>(
    reader: &mut Reader<'_>,
    list: Option<(&str, &'n Node)>,
    map: Option<(&str, &'n Node)>,
) -> Vec<Entry<'n>> {
    let mut entries: Vec<Entry<'n>> = Vec::new();
    for (path, node) in [list, map].into_iter().flatten() {
        match &node.value {
            Value::Null => {}
            Value::List(items) => {
                for (n, node) in items.iter().enumerate() {
                    match name_of(node) {
                        Some(name) => entries.push(Entry {
                            name,
                            path: format!("{path}[{n}]"),
                            node,
                        }),
                        None => reader.notices.push(format!(
                            "{}: `{path}[{n}]` is ignored: it has no name",
                            reader.file
                        )),
                    }
                }
            }
            Value::Map(items) => {
                for (name, node) in items {
                    entries.push(Entry {
                        name: name.clone(),
                        path: format!("{path}.{name}"),
                        node,
                    });
                }
            }
            _ => {
                let problem = Problem::new(format!(
                    "expected a list of providers, found {}",
                    node.kind()
                ));
                reader
                    .problems
                    .push(problem.key(path).at(reader.place(node)));
            }
        }
    }
    for (n, entry) in entries.iter().enumerate() {
        if entries[..n]
            .iter()
            .any(|e| plain(&e.name) == plain(&entry.name))
        {
            let what = format!(
                "{}: `{}` is ignored: `{}` was named before",
                reader.file, entry.path, entry.name
            );
            reader.notices.push(what);
        }
    }
    entries
}

fn name_of(node: &Node) -> Option<String> {
    let Value::Map(fields) = &node.value else {
        return None;
    };
    let (_, node) = fields
        .iter()
        .find(|(key, _)| keys::lookup(keys::ENTRY, key).is_some_and(|k| k.name == "name"))?;
    match &node.value {
        Value::Text(name) | Value::Number(name) if !name.trim().is_empty() => {
            Some(name.trim().to_owned())
        }
        _ => None,
    }
}

/// Names are compared as Hermes does: case and the kind of separator do not matter.
fn plain(name: &str) -> String {
    name.trim().to_lowercase().replace([' ', '_'], "-")
}

/// The provider that `chosen` names, and the entry that configures it.
///
/// # Errors
/// A [`Problem`] that lists the known names.
pub(super) fn choose<'e, 'n>(
    chosen: Option<&Sourced<String>>,
    entries: &'e [Entry<'n>],
) -> Result<(Provider, Option<&'e Entry<'n>>), Problem> {
    let find = |name: &str| {
        entries
            .iter()
            .find(|e| e.name == name)
            .or_else(|| entries.iter().find(|e| plain(&e.name) == plain(name)))
    };
    let Some(chosen) = chosen else {
        return Ok((Provider::Custom("custom".into()), find("custom")));
    };
    let name = chosen.value.trim();
    match name.to_lowercase().as_str() {
        "openai" => return Ok((Provider::OpenAi, None)),
        "openai-codex" => return Ok((Provider::Codex, None)),
        "custom" => return Ok((Provider::Custom("custom".into()), find("custom"))),
        _ => {}
    }
    let bare = name
        .split_once(':')
        .filter(|(kind, _)| kind.eq_ignore_ascii_case("custom"))
        .map_or(name, |(_, n)| n.trim());
    if let Some(entry) = find(bare) {
        return Ok((
            Provider::Custom(format!("custom:{}", entry.name)),
            Some(entry),
        ));
    }
    let mut known: Vec<String> = ["custom", "openai", "openai-codex"]
        .map(str::to_owned)
        .into();
    known.extend(entries.iter().map(|e| format!("custom:{}", e.name)));
    let plain_names = known
        .iter()
        .map(String::as_str)
        .chain(entries.iter().map(|e| e.name.as_str()));
    let meant = keys::closest(name, plain_names)
        .map(|m| format!(" (did you mean `{m}`?)"))
        .unwrap_or_default();
    let problem = Problem::new(format!("no provider is called `{name}`{meant}")).help(format!(
        "known: {}; a relay of your own is `provider: custom`",
        known.join(", ")
    ));
    Err(super::address::blame(problem, &chosen.origin))
}
