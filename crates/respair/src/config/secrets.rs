//! What of a configuration is secret: the variables that hold keys, and blocks as they may be shown.

use respair_agent::mcp::secret_words;
use serde_json::{Map, Value as Json, json};

use super::keys::{self, snake};
use super::yaml::{Node, Value};
use super::{quantity, show};
use crate::paths::Env;

/// What stands for a secret.
pub(super) const MASK: &str = "********";

/// Variables that hold no key, wherever they are used: programs need them to run.
const ORDINARY: &[&str] = &[
    "EDITOR", "HOME", "HOSTNAME", "LANG", "LOGNAME", "PATH", "PWD", "SHELL", "TERM", "TMPDIR",
    "TZ", "USER",
];
/// Keys whose values are places, and what stands in them no secret.
const PLACES: &[&str] = &["directories", "dir", "record", "ssl_ca_cert"];

/// The names of the variables that keys are read from, in every block of the file, used or not, ours or another program's:
/// those that `api_key_env` names, and every `${NAME}` but in a path.
pub(super) fn variables(root: &Node) -> Vec<String> {
    let mut names = Vec::new();
    gather(root, &mut names);
    names.retain(|name| !ORDINARY.contains(&name.as_str()) && !name.starts_with("XDG_"));
    names.sort_unstable();
    names.dedup();
    names
}

fn gather(node: &Node, names: &mut Vec<String>) {
    match &node.value {
        Value::Text(text) => {
            // `$${` is a literal; to take the name in it for one costs nothing.
            for part in text.split("${").skip(1) {
                let name = part.split('}').next().unwrap_or_default();
                // A default, as other programs write it: `${NAME:-x}`.
                let name = name.split(':').next().unwrap_or_default();
                names.extend(Some(name.to_owned()).filter(|name| quantity::is_name(name)));
            }
        }
        Value::List(items) => items.iter().for_each(|item| gather(item, names)),
        Value::Map(entries) => {
            for (spelled, value) in entries {
                let key = snake(spelled);
                if PLACES.contains(&key.as_str()) {
                    continue;
                }
                if let (true, Value::Text(text)) = (key.ends_with("key_env"), &value.value) {
                    let name = text.trim().trim_start_matches('$');
                    names.extend(Some(name.to_owned()).filter(|name| quantity::is_name(name)));
                }
                gather(value, names);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A block with the keys of `model:`, as it may be shown.
pub(super) fn masked_block(node: &Node, env: &Env) -> Json {
    let Value::Map(entries) = &node.value else {
        return Json::Null;
    };
    let mut shown = Map::new();
    for (spelled, value) in entries {
        let Some(key) = keys::lookup(keys::MODEL, spelled) else {
            continue;
        };
        let value = match (key.name, &value.value) {
            (_, Value::Null) => continue,
            ("api_key", Value::Text(text)) if text.trim().is_empty() => json!(""),
            ("api_key", _) => json!(MASK),
            ("extra_headers", Value::Map(headers)) => {
                let masked = headers.iter().map(|(name, _)| (name.clone(), json!(MASK)));
                Json::Object(masked.collect())
            }
            ("extra_headers", _) => json!(MASK),
            ("base_url", Value::Text(text)) => {
                json!(
                    quantity::expand(text, env)
                        .map_or_else(|_| show::url(""), |url| show::url(&url))
                )
            }
            _ => value.to_json(),
        };
        // The canonical name wins over its aliases, as where it is read.
        if spelled == key.name || !shown.contains_key(key.name) {
            shown.insert(key.name.to_owned(), value);
        }
    }
    Json::Object(shown)
}

/// A command's arguments as they are written, without what looks like a key among them.
pub(super) fn masked_args(node: &Node) -> Json {
    let one = |node: &Node| match &node.value {
        Value::Text(text) | Value::Number(text) => text.clone(),
        _ => node.to_json().to_string(),
    };
    let args: Vec<String> = match &node.value {
        Value::List(items) => items.iter().map(one).collect(),
        _ => vec![one(node)],
    };
    let words = secret_words(&args);
    let masked = args
        .into_iter()
        .map(|arg| words.iter().fold(arg, |arg, word| arg.replace(word, MASK)));
    masked.collect()
}

/// An address as it is written, `${NAME}` and all, without what may be secret in it.
pub(super) fn written_url(node: &Node) -> Option<String> {
    let Value::Text(text) = &node.value else {
        return None;
    };
    let mut plain = text.clone();
    let mut holes = Vec::new();
    while let Some((at, length)) = reference(&plain) {
        let hole = format!("respair-hole-{}-", holes.len());
        let name = plain[at..at + length].to_owned();
        plain.replace_range(at..at + length, &hole);
        holes.push((hole, name));
    }
    let plain = super::plain_url(&plain)?;
    let holes = holes.iter();
    Some(holes.fold(plain, |plain, (hole, name)| plain.replace(hole, name)))
}

/// Where the first `${NAME}` stands, and its length.
fn reference(text: &str) -> Option<(usize, usize)> {
    let at = text.find("${")?;
    let length = text[at..].find('}')? + 1;
    Some((at, length))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::yaml::parse;
    use super::*;

    #[test]
    fn a_block_is_shown_without_its_secrets() {
        let text = "- {provider: custom, baseUrl: 'https://me:hush@c.example/v1?k=hush', model: mc, api_key: hush, extra_headers: {X-Key: hush}, timeouts: {idle: 5}, wat: hush}\n- {base_url: '${NOWHERE}/v1', key_env: RELAY_ONE}\n";
        let Value::List(blocks) = parse("f", text).unwrap().unwrap().value else {
            panic!("no list");
        };
        let shown = blocks
            .iter()
            .map(|block| masked_block(block, &Env::empty()));
        assert_eq!(
            shown.collect::<Json>(),
            json!([
                {"provider": "custom", "base_url": "https://c.example/v1", "default": "mc", "api_key": "********",
                    "extra_headers": {"X-Key": "********"}, "timeouts": {"idle": 5}},
                {"base_url": "(no address)", "api_key_env": "RELAY_ONE"},
            ])
        );
    }

    #[test]
    fn servers_are_shown_as_they_are_written() {
        let node = |text: &str| parse("f", text).unwrap().unwrap();
        let args = node(
            "[-y, pkg, --token, hush, --port=80, '--key=${KEY}', --header, 'Authorization: Bearer ${X}', 7]",
        );
        assert_eq!(
            masked_args(&args),
            json!([
                "-y",
                "pkg",
                "--token",
                MASK,
                "--port=80",
                "--key=${KEY}",
                "--header",
                "Authorization: ********",
                "7"
            ])
        );
        for (written, shown) in [
            (
                "https://${HOST}/${KEY}/mcp?k=${B}",
                Some("https://${HOST}/${KEY}/mcp"),
            ),
            (
                "https://u:p@a.example/mcp/#x",
                Some("https://a.example/mcp"),
            ),
            ("nonsense", None),
        ] {
            assert_eq!(
                written_url(&node(&json!(written).to_string())).as_deref(),
                shown
            );
        }
    }

    #[test]
    fn a_server_whose_headers_can_be_read_on_the_way_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.yaml");
        let text = "mcp_servers: {a: {url: 'http://a.example/'}, b: {url: 'http://127.0.0.1:9/'}, c: {url: 'https://c.example'}}";
        std::fs::write(&file, text).unwrap();
        let loaded = super::super::load(Some(&file), &Default::default(), &Env::empty());
        let said: Vec<_> = loaded
            .remarks
            .iter()
            .map(|remark| remark.text(true))
            .collect();
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(
            said[0].contains("`mcp_servers.a.url` is plain http"),
            "{said:?}"
        );
    }

    /// Whatever the file reads a key from: blocks that are not used, and those of other programs, as well.
    #[test]
    fn every_variable_that_holds_a_key_is_known() {
        let text = "model: {provider: custom, default: '${MODEL_NAME}', base_url: 'https://a.example/v1', api_key: '${A_RELAY}'}
providers: {b: {api: 'https://b.example/v1', key_env: B_RELAY, extra_headers: {X: 'k ${B_HEAD} ${B_OTHER:-x}'}}}
custom_providers: [{name: c, base_url: 'https://${C_USER}@c.example', apiKeyEnv: $C_RELAY, ssl_ca_cert: '${CERTS}/x'}]
agent:
  directories: ['${PROJECTS}']
  fallback: [{base_url: 'https://d.example', api_key_env: D_RELAY}]
mcp_servers:
  e: {command: e, args: [--token, '${E_ARG}'], env: {E: '${E_ENV}', PATH: '${HOME}/bin:${PATH}'}}
  f: {url: 'https://f.example', headers: {Authorization: 'Bearer ${F_HEAD}'}}
auxiliary: {vision: {api_key: '${G_RELAY}', other: '${not a name}'}}
serve: {record: {dir: '${XDG_STATE_HOME}/x'}}
";
        let names = variables(&parse("f", text).unwrap().unwrap());
        let expected = [
            "A_RELAY",
            "B_HEAD",
            "B_OTHER",
            "B_RELAY",
            "C_RELAY",
            "C_USER",
            "D_RELAY",
            "E_ARG",
            "E_ENV",
            "F_HEAD",
            "G_RELAY",
            "MODEL_NAME",
        ];
        assert_eq!(names, expected);
    }
}
