//! Tree in, one layer of [`Options`] out; every problem is kept, so that `config check` shows all of them at once.

use std::collections::BTreeMap;
use std::fmt;

use super::keys::{self, Key};
use super::options::{Options, Origin, Sourced};
use super::problem::{Place, Problem};
use super::yaml::{Node, Value};
use crate::paths::Env;

/// Reads nodes of one file and collects what is wrong with them.
pub(super) struct Reader<'a> {
    pub(super) file: &'a str,
    pub(super) env: &'a Env,
    pub(super) problems: Vec<Problem>,
    /// Remarks that stop nothing.
    pub(super) notices: Vec<String>,
    /// Keys that nobody knows.
    pub(super) unknown: Vec<UnknownKey>,
}

/// A key that respair does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnknownKey {
    path: String,
    line: u64,
    /// What it was probably meant to be.
    meant: Option<&'static str>,
}

impl UnknownKey {
    pub(super) fn is_misspelt(&self) -> bool {
        self.meant.is_some()
    }
}

impl fmt::Display for UnknownKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.path)?;
        match self.meant {
            // Where it stands is for whoever puts it right; what is not ours stays as it is.
            Some(meant) => write!(f, " (line {}: did you mean `{meant}`?)", self.line),
            None => Ok(()),
        }
    }
}

/// The known keys of one block: canonical name → (path as written, value).
pub(super) type Fields<'n> = BTreeMap<&'static str, (String, &'n Node)>;

impl<'a> Reader<'a> {
    pub(super) fn new(file: &'a str, env: &'a Env) -> Self {
        Self {
            file,
            env,
            problems: Vec::new(),
            notices: Vec::new(),
            unknown: Vec::new(),
        }
    }

    pub(super) fn place(&self, node: &Node) -> Place {
        Place {
            file: self.file.into(),
            line: node.at.0,
            column: node.at.1,
        }
    }

    pub(super) fn problem(
        &mut self,
        path: &str,
        node: &Node,
        what: impl Into<String>,
    ) -> &mut Problem {
        let problem = Problem::new(what).key(path).at(self.place(node));
        self.problems.push(problem);
        let last = self.problems.len() - 1;
        &mut self.problems[last]
    }

    pub(super) fn expected(&mut self, path: &str, node: &Node, expected: &str) {
        self.problem(
            path,
            node,
            format!("expected {expected}, found {}", node.kind()),
        );
    }

    fn sourced<T>(&self, value: T, path: &str, node: &Node) -> Sourced<T> {
        Sourced::new(
            value,
            Origin::File {
                place: self.place(node),
                key: path.into(),
            },
        )
    }

    /// Splits a block into its known keys; the others are remembered for the one notice.
    pub(super) fn fields<'n>(
        &mut self,
        node: &'n Node,
        path: &str,
        table: &'static [Key],
    ) -> Fields<'n> {
        let mut fields = Fields::new();
        let Value::Map(entries) = &node.value else {
            if !matches!(node.value, Value::Null) {
                self.expected(
                    if path.is_empty() { "the file" } else { path },
                    node,
                    "a block of keys",
                );
            }
            return fields;
        };
        let prefix = if path.is_empty() {
            String::new()
        } else {
            format!("{path}.")
        };
        for (spelled, value) in entries {
            let full = format!("{prefix}{spelled}");
            let Some(key) = keys::lookup(table, spelled) else {
                let meant = keys::nearest(table, spelled);
                self.unknown.push(UnknownKey {
                    path: full,
                    line: value.key_line,
                    meant,
                });
                continue;
            };
            // The canonical name wins over its aliases, wherever it stands.
            match fields.get(key.name) {
                Some((kept, _)) if spelled != key.name => {
                    self.notices.push(format!(
                        "{}: `{full}` is ignored: `{kept}` says the same",
                        self.file
                    ));
                }
                previous => {
                    if let Some((other, _)) = previous {
                        self.notices.push(format!(
                            "{}: `{other}` is ignored: `{full}` says the same",
                            self.file
                        ));
                    }
                    fields.insert(key.name, (full, value));
                }
            }
        }
        fields
    }

    /// One block: `model:`, or an entry of `custom_providers` or `providers`.
    pub(super) fn block(&mut self, node: &Node, path: &str, table: &'static [Key]) -> Options {
        let fields = self.fields(node, path, table);
        let mut options = Options {
            provider: self.field(&fields, "provider", Self::text),
            model: self.field(&fields, "default", Self::text),
            base_url: self.field(&fields, "base_url", Self::text),
            key: None,
            api_mode: self.field(&fields, "api_mode", Self::text),
            extra_headers: self.field(&fields, "extra_headers", Self::headers),
            extra_body: self.field(&fields, "extra_body", Self::body),
            ssl_ca_cert: self.field(&fields, "ssl_ca_cert", Self::path),
            ssl_verify: self.field(&fields, "ssl_verify", Self::switch),
            reasoning_effort: self.field(&fields, "reasoning_effort", Self::effort),
            reasoning_summary: self.field(&fields, "reasoning_summary", Self::text),
            max_output_tokens: self.field(&fields, "max_output_tokens", Self::positive),
            context_length: self.field(&fields, "context_length", Self::positive),
            ..Options::default()
        };
        options.key = self
            .field(&fields, "api_key", Self::secret_key)
            .or_else(|| self.field(&fields, "api_key_env", Self::variable_name));
        self.sections(&fields, options)
    }

    /// An effort: any word, and what is near to a usual one is said.
    fn effort(&mut self, path: &str, node: &Node) -> Option<String> {
        let effort = self.text(path, node)?;
        if let Some(meant) = keys::meant_effort(&effort) {
            let file = self.file;
            self.notices.push(format!(
                "{file}: `{path}` is `{effort}` (line {}: did you mean `{meant}`?)",
                node.at.0
            ));
        }
        Some(effort)
    }

    /// The sections that may stand in a block and, as defaults for every provider, at the top.
    pub(super) fn sections(&mut self, fields: &Fields<'_>, mut options: Options) -> Options {
        if let Some((path, node)) = fields.get("timeouts") {
            let inner = self.fields(node, path, keys::TIMEOUTS);
            options.connect = self.field(&inner, "connect", Self::seconds);
            options.first_byte = self.field(&inner, "first_byte", Self::seconds);
            options.idle = self.field(&inner, "idle", Self::seconds);
            options.progress = self.field(&inner, "progress", Self::seconds);
        }
        if let Some((path, node)) = fields.get("limits") {
            let inner = self.fields(node, path, keys::LIMITS);
            options.frame = self.field(&inner, "frame", Self::size);
            options.response = self.field(&inner, "response", Self::size);
            options.drain = self.field(&inner, "drain", Self::short_wait);
        }
        if let Some((path, node)) = fields.get("recovery") {
            // `recovery: inline` says the mode and nothing else.
            if matches!(node.value, Value::Text(_)) {
                let whole = Fields::from([("mode", (path.clone(), *node))]);
                options.mode = self.field(&whole, "mode", Self::choice);
            } else {
                let inner = self.fields(node, path, keys::RECOVERY);
                options.mode = self.field(&inner, "mode", Self::choice);
                options.strict_retries = self.field(&inner, "strict_retries", Self::up_to::<0, 10>);
                options.fallback = self.field(&inner, "fallback", Self::choice);
                options.max_requests = self.field(&inner, "max_requests", Self::up_to::<1, 100>);
                options.without = self.field(&inner, "without", Self::codes);
            }
        }
        if let Some((path, node)) = fields.get("compat") {
            let inner = self.fields(node, path, keys::COMPAT);
            options.cumulative_deltas = self.field(&inner, "cumulative_deltas", Self::switch);
            options.drop_fields = self.field(&inner, "drop_fields", Self::texts);
            options.refused_tools = self.field(&inner, "refused_tools", Self::texts);
        }
        options
    }

    /// A text and where it stands.
    pub(super) fn sourced_text(&mut self, path: &str, node: &Node) -> Option<Sourced<String>> {
        let text = self.text(path, node)?;
        Some(self.sourced(text, path, node))
    }

    /// Only looks for unknown keys: a block that is not used must not stop anything.
    pub(super) fn skim(&mut self, node: &Node, path: &str, table: &'static [Key]) {
        let (problems, notices) = (self.problems.len(), self.notices.len());
        let fields = self.fields(node, path, table);
        for (name, (path, node)) in &fields {
            if let (Some(table), Value::Map(_)) = (keys::section(name), &node.value) {
                self.fields(node, path, table);
            }
        }
        self.problems.truncate(problems);
        self.notices.truncate(notices);
    }

    /// Reads one field; nothing written is nothing set.
    pub(super) fn field<T>(
        &mut self,
        fields: &Fields<'_>,
        name: &'static str,
        read: impl FnOnce(&mut Self, &str, &Node) -> Option<T>,
    ) -> Option<Sourced<T>> {
        let (path, node) = fields.get(name)?;
        if matches!(node.value, Value::Null) {
            return None;
        }
        let value = read(self, path, node)?;
        Some(self.sourced(value, path, node))
    }
}
