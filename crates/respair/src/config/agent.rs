//! What `agent:` and `mcp_servers:` say: how a conversation goes, which tools it has, what they may do.

use std::path::PathBuf;
use std::time::Duration;

use respair_agent::Rule;
use respair_client::Endpoint;
use secrecy::SecretString;
use serde_json::{Value as Json, json};

use super::approvals::Approval;
use super::keys;
use super::options::{Origin, Sourced, Wait};
use super::reader::{Fields, Reader};
use super::secrets::{MASK, masked_args, masked_block, written_url};
use super::yaml::{Node, Value};
use crate::term::counted;

/// The tools that are built in.
pub(crate) const TOOLS: &[&str] = &[
    "shell",
    "read_file",
    "write_file",
    "edit_file",
    "search_files",
];

/// Every setting of `agent:` and `mcp_servers:`; after [`Agent::over`] the defaults all are set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Agent {
    pub(crate) max_steps: Option<Sourced<u32>>,
    /// 0 is no bound.
    pub(crate) max_tokens: Option<Sourced<u64>>,
    pub(crate) retry_truncated: Option<Sourced<u32>>,
    pub(crate) continue_incomplete: Option<Sourced<u32>>,
    /// A text, or `@FILE`.
    pub(crate) instructions: Option<Sourced<String>>,
    pub(crate) agents_md: Option<Sourced<bool>>,
    /// In the order of the file: the last one that matches applies.
    pub(crate) approval: Option<Sourced<Vec<Approval>>>,
    pub(crate) tools: Option<Sourced<Tools>>,
    pub(crate) fallback: Option<Sourced<Vec<FallbackEntry>>>,
    pub(crate) sandbox: Option<Sourced<bool>>,
    /// Besides the working directory.
    pub(crate) directories: Option<Sourced<Vec<PathBuf>>>,
    pub(crate) shell_timeout: Option<Sourced<Duration>>,
    pub(crate) shell_longest: Option<Sourced<Duration>>,
    pub(crate) shell_output: Option<Sourced<u64>>,
    pub(crate) servers: Option<Sourced<Vec<McpServer>>>,
    /// The variables that the whole file reads keys from: no tool and no server is to have them.
    pub(crate) key_variables: Vec<String>,
}

/// `agent.tools`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tools {
    /// Every built-in one, and those of the MCP servers.
    All,
    /// None at all.
    Off,
    /// These of the built-in ones, and those of the MCP servers.
    Named(Vec<String>),
}

/// An entry of `agent.fallback`, as it is shown.
#[derive(Clone, Debug)]
pub(crate) enum FallbackEntry {
    /// A provider's name.
    Name(String),
    /// A block with the keys of `model:`, what is secret masked.
    Block(Json),
}

/// An entry of `mcp_servers`.
#[derive(Clone, Debug)]
pub(crate) struct McpServer {
    pub(crate) name: String,
    pub(crate) enabled: bool,
    pub(crate) reach: Reach,
    /// How long a call may take, where that is set; `Some(None)` is without end.
    pub(crate) timeout: Option<Wait>,
    /// With what is secret masked.
    shown: Json,
}

/// How an MCP server is reached.
#[derive(Clone, Debug)]
pub(crate) enum Reach {
    /// A process that is started, over its standard streams.
    Command {
        command: String,
        args: Vec<String>,
        env: Vec<(String, SecretString)>,
    },
    /// Streamable HTTP.
    Url {
        url: url::Url,
        headers: Vec<(String, SecretString)>,
    },
}

impl Agent {
    /// What holds when nobody says anything.
    pub(crate) fn defaults() -> Self {
        fn set<T>(value: T) -> Option<Sourced<T>> {
            Some(Sourced::new(value, Origin::Default))
        }
        let limits = respair_agent::Limits::default();
        Self {
            max_steps: set(limits.steps),
            max_tokens: set(limits.tokens),
            retry_truncated: set(limits.retry_truncated),
            continue_incomplete: set(limits.continuations),
            instructions: None,
            agents_md: set(true),
            approval: set(Vec::new()),
            tools: set(Tools::All),
            fallback: set(Vec::new()),
            sandbox: set(true),
            directories: set(Vec::new()),
            shell_timeout: set(Duration::from_secs(120)),
            shell_longest: set(Duration::from_secs(600)),
            shell_output: set(32 << 10),
            servers: set(Vec::new()),
            key_variables: Vec::new(),
        }
    }

    /// This over `lower`: what is set here wins.
    pub(super) fn over(self, lower: Self) -> Self {
        Self {
            max_steps: self.max_steps.or(lower.max_steps),
            max_tokens: self.max_tokens.or(lower.max_tokens),
            retry_truncated: self.retry_truncated.or(lower.retry_truncated),
            continue_incomplete: self.continue_incomplete.or(lower.continue_incomplete),
            instructions: self.instructions.or(lower.instructions),
            agents_md: self.agents_md.or(lower.agents_md),
            approval: self.approval.or(lower.approval),
            tools: self.tools.or(lower.tools),
            fallback: self.fallback.or(lower.fallback),
            sandbox: self.sandbox.or(lower.sandbox),
            directories: self.directories.or(lower.directories),
            shell_timeout: self.shell_timeout.or(lower.shell_timeout),
            shell_longest: self.shell_longest.or(lower.shell_longest),
            shell_output: self.shell_output.or(lower.shell_output),
            servers: self.servers.or(lower.servers),
            key_variables: self.key_variables,
        }
    }

    /// The rules, in order.
    pub(crate) fn rules(&self) -> Vec<Rule> {
        let rules = self.approval.iter().flat_map(|rules| &rules.value);
        rules.map(|approval| approval.rule.clone()).collect()
    }
}

impl Tools {
    pub(super) fn shown(&self) -> Json {
        match self {
            Tools::All => json!(TOOLS),
            Tools::Off => json!("off"),
            Tools::Named(names) => json!(names),
        }
    }
}

impl FallbackEntry {
    pub(super) fn shown(&self) -> Json {
        match self {
            FallbackEntry::Name(name) => json!(name),
            FallbackEntry::Block(shown) => shown.clone(),
        }
    }
}

impl McpServer {
    /// As it is written, with what is secret masked.
    pub(crate) fn shown(&self) -> Json {
        self.shown.clone()
    }
}

impl Reader<'_> {
    /// The block `agent:`.
    pub(super) fn agent(&mut self, node: &Node, path: &str) -> Agent {
        let fields = self.fields(node, path, keys::AGENT);
        let mut agent = Agent {
            max_steps: self.field(&fields, "max_steps", Self::up_to::<1, 10_000>),
            max_tokens: self.field(&fields, "max_tokens", |reader, path, node| {
                reader.number(path, node, "a whole number, 0 for no bound")
            }),
            retry_truncated: self.field(&fields, "retry_truncated", Self::up_to::<0, 10>),
            continue_incomplete: self.field(&fields, "continue_incomplete", Self::up_to::<0, 100>),
            instructions: self.field(&fields, "instructions", Self::text),
            agents_md: self.field(&fields, "agents_md", Self::switch),
            approval: self.field(&fields, "approval", Self::approvals),
            tools: self.field(&fields, "tools", Self::tools),
            fallback: self.field(&fields, "fallback", Self::fallbacks),
            sandbox: self.field(&fields, "sandbox", Self::switch),
            directories: self.field(&fields, "directories", Self::directories),
            ..Agent::default()
        };
        if let Some((path, node)) = fields.get("shell") {
            let inner = self.fields(node, path, keys::SHELL);
            agent.shell_timeout = self.field(&inner, "timeout", Self::some_time);
            agent.shell_longest = self.field(&inner, "longest", Self::some_time);
            agent.shell_output = self.field(&inner, "output", Self::size);
        }
        agent
    }

    fn tools(&mut self, path: &str, node: &Node) -> Option<Tools> {
        match &node.value {
            Value::Bool(false) => return Some(Tools::Off),
            Value::Bool(true) => return Some(Tools::All),
            Value::Text(text) if text == "off" => return Some(Tools::Off),
            Value::List(_) | Value::Text(_) => {}
            _ => {
                self.expected(path, node, "a list of tools, or off");
                return None;
            }
        }
        let names = self.texts(path, node)?;
        for name in &names {
            if let Err(what) = is_tool(name) {
                self.problem(path, node, what);
            }
        }
        Some(Tools::Named(names))
    }

    fn directories(&mut self, path: &str, node: &Node) -> Option<Vec<PathBuf>> {
        let one = std::slice::from_ref(node);
        let items = match &node.value {
            Value::List(items) => items.as_slice(),
            _ => one,
        };
        let items = items.iter().enumerate();
        items
            .map(|(n, item)| self.path(&format!("{path}[{n}]"), item))
            .collect()
    }

    fn fallbacks(&mut self, path: &str, node: &Node) -> Option<Vec<FallbackEntry>> {
        let one = std::slice::from_ref(node);
        let items = match &node.value {
            Value::List(items) => items.as_slice(),
            _ => one,
        };
        let mut entries = Vec::with_capacity(items.len());
        for (n, item) in items.iter().enumerate() {
            let path = format!("{path}[{n}]");
            match &item.value {
                Value::Map(_) => {
                    self.skim(item, &path, keys::MODEL);
                    entries.push(FallbackEntry::Block(masked_block(item, self.env)));
                }
                _ => entries.push(FallbackEntry::Name(self.text(&path, item)?)),
            }
        }
        Some(entries)
    }

    /// The block `mcp_servers:`.
    pub(super) fn servers(&mut self, path: &str, node: &Node) -> Option<Vec<McpServer>> {
        let Value::Map(entries) = &node.value else {
            self.expected(path, node, "a block of servers by name");
            return None;
        };
        let servers = entries.iter();
        let servers =
            servers.filter_map(|(name, node)| self.server(name, &format!("{path}.{name}"), node));
        Some(servers.collect())
    }

    fn server(&mut self, name: &str, path: &str, node: &Node) -> Option<McpServer> {
        if !matches!(node.value, Value::Map(_)) {
            let what = "a block with `command` and `args`, or with `url`";
            self.expected(path, node, what);
            return None;
        }
        let fields = self.fields(node, path, keys::SERVER);
        let named = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if name.is_empty() || !name.chars().all(named) {
            let what = "a server's name is made of letters, digits, `_` and `-`: its tools are called by it";
            self.problem(path, node, what);
            return None;
        }
        let enabled = self.field(&fields, "enabled", Self::switch);
        let timeout = self.field(&fields, "timeout", Self::seconds);
        let command = self.field(&fields, "command", Self::text);
        let url = self.field(&fields, "url", Self::text);
        let (reach, shown) = match (command, url) {
            (Some(command), None) => {
                self.one_program(&fields, &command.value);
                let args = self.field(&fields, "args", Self::texts);
                let env = self.field(&fields, "env", Self::variables);
                let shown = json!({
                    "command": fields.get("command").map(|(_, node)| node.to_json()),
                    "args": fields.get("args").map_or(json!([]), |(_, node)| masked_args(node)),
                    "env": env.as_ref().map_or(json!({}), |env| masked(&env.value)),
                });
                let reach = Reach::Command {
                    command: command.value,
                    args: args.map(|args| args.value).unwrap_or_default(),
                    env: env.map(|env| env.value).unwrap_or_default(),
                };
                (reach, shown)
            }
            (None, Some(text)) => {
                let headers = self.field(&fields, "headers", Self::headers);
                let good = |url: &url::Url| matches!(url.scheme(), "http" | "https");
                let Some(url) = url::Url::parse(&text.value).ok().filter(good) else {
                    self.problem(path, node, "`url` is no http or https address");
                    return None;
                };
                if url.scheme() == "http" && !Endpoint::custom(url.clone()).is_loopback() {
                    let file = self.file;
                    self.notices.push(format!(
                        "{file}: `{path}.url` is plain http: its headers and what is said can be read on the way"
                    ));
                }
                let shown = json!({
                    "url": fields.get("url").and_then(|(_, node)| written_url(node)),
                    "headers": headers.as_ref().map_or(json!({}), |headers| masked(&headers.value)),
                });
                let headers = headers.map(|headers| headers.value).unwrap_or_default();
                (Reach::Url { url, headers }, shown)
            }
            (Some(_), Some(_)) => {
                self.problem(path, node, "has both `command` and `url`: give one");
                return None;
            }
            (None, None) => {
                self.problem(path, node, "has neither `command` nor `url`");
                return None;
            }
        };
        Some(McpServer {
            name: name.to_owned(),
            enabled: enabled.is_none_or(|enabled| enabled.value),
            reach,
            timeout: timeout.map(|timeout| timeout.value),
            shown,
        })
    }

    /// `npx server .` is no program: no shell takes it apart. A path may have blanks in it.
    fn one_program(&mut self, fields: &Fields<'_>, command: &str) {
        let Some((program, arguments)) = command.trim().split_once(char::is_whitespace) else {
            return;
        };
        if let Some((path, node)) = fields.get("command")
            && !program.contains(['/', '\\'])
        {
            // What stands behind it may be a secret, and is not shown.
            let arguments = counted(arguments.split_whitespace().count(), "argument");
            let what = format!("has {arguments} behind `{program}`: they belong into `args`");
            self.problem(path, node, what);
        }
    }

    fn variables(&mut self, path: &str, node: &Node) -> Option<Vec<(String, SecretString)>> {
        let Value::Map(entries) = &node.value else {
            self.expected(path, node, "a block of `NAME: value`");
            return None;
        };
        let mut variables = Vec::with_capacity(entries.len());
        for (name, value) in entries {
            let full = format!("{path}.{name}");
            let text = match &value.value {
                Value::Bool(b) => Some(b.to_string()),
                _ => self.scalar(&full, value),
            };
            let good = !name.is_empty() && !name.contains(['=', '\0']);
            match text {
                Some(text) if good && !text.contains('\0') => {
                    variables.push((name.clone(), text.into()));
                }
                Some(_) => drop(self.problem(&full, value, "cannot be an environment variable")),
                None => {}
            }
        }
        Some(variables)
    }
}

/// Whether a tool of this name is built in; else what is said.
///
/// # Errors
/// The sentence, with the name that was probably meant.
pub(crate) fn is_tool(name: &str) -> Result<(), String> {
    if TOOLS.contains(&name) {
        return Ok(());
    }
    let meant = keys::closest(name, TOOLS.iter().copied());
    let meant = meant.map_or_else(
        || format!("; there are: {}", TOOLS.join(", ")),
        |meant| format!(" (did you mean `{meant}`?)"),
    );
    Err(format!("no tool is called `{name}`{meant}"))
}

fn masked(pairs: &[(String, SecretString)]) -> Json {
    let pairs = pairs.iter().map(|(name, _)| (name.clone(), json!(MASK)));
    Json::Object(pairs.collect())
}
