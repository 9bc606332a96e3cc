//! `config show`: every setting with its value and where it came from. No part of a key is ever shown.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::agent::{Agent, FallbackEntry, Tools};
use super::approvals::shown_rules;
use super::options::{Key, Options, Origin, Sourced};
use super::secrets::MASK;
use super::{Loaded, Provider, ServeOptions, address, quantity};
use crate::paths::Env;

/// One setting.
pub(super) struct Row {
    /// `timeouts.idle`, which is under `model`, and `serve.listen`.
    key: &'static str,
    pub(super) value: Value,
    /// `None`: not set.
    origin: Option<String>,
}

/// The settings as YAML, origins as comments; a `config.yaml` could be made of it.
pub(crate) fn yaml(loaded: &Loaded, env: &Env) -> String {
    let mut lines: Vec<(String, String)> = Vec::new();
    let blocks = [
        ("model", rows(loaded, env)),
        ("serve", serve(&loaded.serve, env)),
        ("agent", agent(&loaded.agent)),
    ];
    for (name, rows) in &blocks {
        lines.push((format!("{name}:"), String::new()));
        block(rows, &mut lines);
    }
    let servers = servers(&loaded.agent);
    let origin = servers.origin.unwrap_or_default();
    lines.push((format!("mcp_servers: {}", plain(&servers.value)), origin));
    let width = lines
        .iter()
        .map(|(line, _)| line.chars().count())
        .filter(|w| *w < 60)
        .max()
        .unwrap_or(0);
    let mut out = String::new();
    for (line, origin) in lines {
        match origin.is_empty() {
            true => out.push_str(&line),
            false => out.push_str(&format!("{line:width$}  # {origin}")),
        }
        out.push('\n');
    }
    out.push_str(&format!("# state: {}\n", state(loaded, env)));
    out
}

/// The lines of a block, those of its sections indented further.
fn block(rows: &[Row], lines: &mut Vec<(String, String)>) {
    let mut section = "";
    for row in rows {
        let key = row.key.strip_prefix("serve.").unwrap_or(row.key);
        let (indent, name) = match key.split_once('.') {
            Some((head, name)) => {
                if head != section {
                    lines.push((format!("  {head}:"), String::new()));
                    section = head;
                }
                ("    ", name)
            }
            None => ("  ", key),
        };
        let origin = row.origin.clone().unwrap_or_else(|| "not set".into());
        lines.push((format!("{indent}{name}: {}", plain(&row.value)), origin));
    }
}

/// The same as JSON: `{"model.default": {"value": …, "origin": …}, …}`.
pub(crate) fn json(loaded: &Loaded, env: &Env) -> Value {
    let mut out = Map::new();
    for row in rows(loaded, env)
        .into_iter()
        .chain(serve(&loaded.serve, env))
    {
        out.insert(
            row.key.to_owned(),
            json!({ "value": row.value, "origin": row.origin }),
        );
    }
    for row in agent(&loaded.agent) {
        let value = json!({ "value": row.value, "origin": row.origin });
        out.insert(format!("agent.{}", row.key), value);
    }
    let servers = servers(&loaded.agent);
    let value = json!({ "value": servers.value, "origin": servers.origin });
    out.insert("mcp_servers".into(), value);
    out.insert(
        "state_dir".into(),
        json!({ "value": state(loaded, env), "origin": null }),
    );
    Value::Object(out)
}

fn state(loaded: &Loaded, env: &Env) -> String {
    loaded
        .state_dir(env)
        .map_or_else(|| "none".into(), |dir| crate::paths::shown(&dir, env))
}

fn rows(loaded: &Loaded, env: &Env) -> Vec<Row> {
    let o: &Options = &loaded.options;
    let file = |key, value| {
        Row {
            key,
            value,
            origin: None,
        }
        .with(&o.provider)
    };
    let provider = loaded.provider.as_ref().map(Provider::name);
    vec![
        match (&o.provider, provider) {
            (None, Some(name)) => Row {
                key: "provider",
                value: name.into(),
                origin: Some("base_url is set".into()),
            },
            (_, name) => file("provider", name.map_or(Value::Null, Into::into)),
        },
        row("default", &o.model, |m| json!(m)),
        row("base_url", &o.base_url, |u| json!(url(u))),
        key(loaded),
        row("api_mode", &o.api_mode, |m| json!(m)),
        row("extra_headers", &o.extra_headers, |headers| {
            headers
                .iter()
                .map(|(name, _)| (name.clone(), json!(MASK)))
                .collect::<Map<_, _>>()
                .into()
        }),
        row("extra_body", &o.extra_body, |body| {
            Value::Object(body.shown.clone())
        }),
        row("ssl_ca_cert", &o.ssl_ca_cert, |p| {
            json!(crate::paths::shown(p, env))
        }),
        row("ssl_verify", &o.ssl_verify, |v| json!(v)),
        row("reasoning_effort", &o.reasoning_effort, |v| json!(v)),
        row("reasoning_summary", &o.reasoning_summary, |v| json!(v)),
        row("max_output_tokens", &o.max_output_tokens, |v| json!(v)),
        row("context_length", &o.context_length, |v| json!(v)),
        row("timeouts.connect", &o.connect, |w| seconds(*w)),
        row("timeouts.first_byte", &o.first_byte, |w| seconds(*w)),
        row("timeouts.idle", &o.idle, |w| seconds(*w)),
        row("timeouts.progress", &o.progress, |w| seconds(*w)),
        row("limits.frame", &o.frame, |b| json!(quantity::show_size(*b))),
        row("limits.response", &o.response, |b| {
            json!(quantity::show_size(*b))
        }),
        row("limits.drain", &o.drain, |d| {
            json!(format!("{} ms", d.as_millis()))
        }),
        row("recovery.mode", &o.mode, word),
        row("recovery.strict_retries", &o.strict_retries, |v| json!(v)),
        row("recovery.fallback", &o.fallback, word),
        row("recovery.max_requests", &o.max_requests, |v| json!(v)),
        row("recovery.without", &o.without, |v| json!(v)),
        row("compat.cumulative_deltas", &o.cumulative_deltas, |v| {
            json!(v)
        }),
        row("compat.drop_fields", &o.drop_fields, |v| json!(v)),
        row("compat.refused_tools", &o.refused_tools, |v| json!(v)),
    ]
}

/// How the gateway runs.
pub(super) fn serve(o: &ServeOptions, env: &Env) -> Vec<Row> {
    let wait = |wait: &Duration| seconds(Some(*wait));
    let size = |bytes: &u64| json!(quantity::show_size(*bytes));
    vec![
        row("serve.listen", &o.listen, |v| json!(v)),
        row("serve.threads", &o.threads, |v| json!(v)),
        row("serve.drain", &o.drain, wait),
        row("serve.commit_after", &o.commit_after, wait),
        row(
            "serve.commit_after_comments",
            &o.commit_after_comments,
            wait,
        ),
        row("serve.allow_origins", &o.allow_origins, |v| json!(v)),
        row("serve.record.dir", &o.record, |p| {
            json!(crate::paths::shown(p, env))
        }),
        row("serve.record.size", &o.record_size, size),
        row("serve.record.count", &o.record_count, |v| json!(v)),
        row("serve.limits.headers", &o.headers, size),
        row("serve.limits.body", &o.body, size),
        row("serve.limits.streams", &o.streams, |v| json!(v)),
        row("serve.limits.header_wait", &o.header_wait, wait),
        row("serve.limits.body_wait", &o.body_wait, wait),
        row("serve.limits.write_stall", &o.write_stall, wait),
        row("serve.limits.retry_wait", &o.retry_wait, wait),
        row("serve.limits.heartbeat", &o.heartbeat, wait),
    ]
}

fn agent(agent: &Agent) -> Vec<Row> {
    vec![
        row("max_steps", &agent.max_steps, |v| json!(v)),
        row("max_tokens", &agent.max_tokens, |v| json!(v)),
        row("retry_truncated", &agent.retry_truncated, |v| json!(v)),
        row("continue_incomplete", &agent.continue_incomplete, |v| {
            json!(v)
        }),
        row("instructions", &agent.instructions, |v| json!(v)),
        row("agents_md", &agent.agents_md, |v| json!(v)),
        row("approval", &agent.approval, |rules| shown_rules(rules)),
        row("tools", &agent.tools, Tools::shown),
        row("fallback", &agent.fallback, |entries| {
            entries.iter().map(FallbackEntry::shown).collect()
        }),
        row("sandbox", &agent.sandbox, |v| json!(v)),
        row("directories", &agent.directories, |paths| {
            let paths = paths.iter().map(|path| path.display().to_string());
            paths.map(Value::from).collect()
        }),
        row("shell.timeout", &agent.shell_timeout, |w| seconds(Some(*w))),
        row("shell.longest", &agent.shell_longest, |w| seconds(Some(*w))),
        row("shell.output", &agent.shell_output, |b| {
            json!(quantity::show_size(*b))
        }),
    ]
}

fn servers(agent: &Agent) -> Row {
    row("mcp_servers", &agent.servers, |servers| {
        let servers = servers.iter();
        let servers = servers.map(|server| (server.name.clone(), server.shown()));
        Value::Object(servers.collect())
    })
}

impl Row {
    fn with<T>(mut self, source: &Option<Sourced<T>>) -> Self {
        self.origin = source.as_ref().map(|s| s.origin.to_string());
        self
    }
}

fn row<T>(key: &'static str, option: &Option<Sourced<T>>, show: impl FnOnce(&T) -> Value) -> Row {
    Row {
        key,
        value: option.as_ref().map_or(Value::Null, |s| show(&s.value)),
        origin: None,
    }
    .with(option)
}

fn key(loaded: &Loaded) -> Row {
    match &loaded.options.key {
        Some(Sourced {
            value: Key::Variable(name),
            origin,
        }) => Row {
            key: "api_key_env",
            value: json!(name),
            origin: Some(origin.to_string()),
        },
        Some(Sourced {
            value: Key::Value(_),
            origin,
        }) => Row {
            key: "api_key",
            value: json!(MASK),
            origin: Some(origin.to_string()),
        },
        Some(Sourced {
            value: Key::None,
            origin,
        }) => Row {
            key: "api_key",
            value: json!(""),
            origin: Some(origin.to_string()),
        },
        None if loaded.provider == Some(Provider::OpenAi)
            && loaded
                .options
                .base_url
                .as_ref()
                .is_some_and(|u| u.origin == Origin::Default) =>
        {
            Row {
                key: "api_key_env",
                value: json!("OPENAI_API_KEY"),
                origin: Some(Origin::Default.to_string()),
            }
        }
        None if loaded.provider == Some(Provider::Codex) => Row {
            key: "api_key",
            value: json!(MASK),
            origin: Some("codex login".into()),
        },
        None => Row {
            key: "api_key",
            value: Value::Null,
            origin: None,
        },
    }
}

/// The address that is used, without what may be secret in it.
pub(super) fn url(text: &str) -> String {
    // A placeholder is shown as what it is, in its place where the rest is an address.
    let Some(placeholder) = address::placeholder(text) else {
        return address::plain(text).unwrap_or_else(|| "(no address)".into());
    };
    const HOLE: &str = "respair-placeholder";
    match address::plain(&text.replace(placeholder, HOLE)) {
        Some(plain) => plain.replace(HOLE, placeholder),
        None => placeholder.to_owned(),
    }
}

fn seconds(wait: Option<Duration>) -> Value {
    match wait {
        None => json!(0),
        Some(wait) if wait.subsec_nanos() == 0 => json!(wait.as_secs()),
        Some(wait) => json!(wait.as_secs_f64()),
    }
}

fn word<T: clap::ValueEnum>(value: &T) -> Value {
    value
        .to_possible_value()
        .map_or(Value::Null, |v| json!(v.get_name()))
}

/// A value as YAML: plain where that is safe, else as JSON, which is YAML too.
fn plain(value: &Value) -> String {
    let safe = |text: &str| {
        text.chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-./:+ ".contains(c))
            && text.starts_with(|c: char| c.is_ascii_alphabetic())
            && !text.contains(": ")
            && !text.ends_with([':', ' '])
            && !matches!(
                text.to_ascii_lowercase().as_str(),
                "true" | "false" | "null" | "yes" | "no" | "on" | "off"
            )
            || quantity::size(text).is_some() && text.ends_with('B')
            || quantity::has_unit(text) && quantity::wait(text).is_some()
    };
    match value {
        Value::String(text) if safe(text) => text.clone(),
        other => other.to_string(),
    }
}
