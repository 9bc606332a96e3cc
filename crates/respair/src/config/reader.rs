//! Tree in, one layer of [`Options`] out; every problem is kept, so that `config check` shows all of them at once.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use secrecy::SecretString;

use super::keys::{self, Key};
use super::options::{ExtraBody, Key as ApiKey, Options, Origin, Sourced, Wait};
use super::problem::{Place, Problem};
use super::quantity::{self, Unexpanded};
use super::yaml::{Node, Value};
use crate::paths::Env;

/// Reads nodes of one file and collects what is wrong with them.
pub(super) struct Reader<'a> {
    pub(super) file: &'a str,
    pub(super) env: &'a Env,
    pub(super) problems: Vec<Problem>,
    /// Remarks that stop nothing.
    pub(super) notices: Vec<String>,
    /// Keys that nobody knows, as they are to be shown.
    pub(super) unknown: Vec<String>,
}

/// The known keys of one block: canonical name → (path as written, value).
type Fields<'n> = BTreeMap<&'static str, (String, &'n Node)>;

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

    fn problem(&mut self, path: &str, node: &Node, what: impl Into<String>) -> &mut Problem {
        let problem = Problem::new(what).key(path).at(self.place(node));
        self.problems.push(problem);
        let last = self.problems.len() - 1;
        &mut self.problems[last]
    }

    fn expected(&mut self, path: &str, node: &Node, expected: &str) {
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
                let meant =
                    keys::nearest(table, spelled).map(|n| format!(" (did you mean `{n}`?)"));
                self.unknown
                    .push(format!("`{full}`{}", meant.unwrap_or_default()));
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
            reasoning_effort: self.field(&fields, "reasoning_effort", Self::text),
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
        }
        options
    }

    /// Reads one field; nothing written is nothing set.
    fn field<T>(
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

    /// A scalar's text as written.
    fn raw<'n>(&mut self, path: &str, node: &'n Node, expected: &str) -> Option<&'n str> {
        match &node.value {
            Value::Text(text) | Value::Number(text) => Some(text),
            _ => {
                self.expected(path, node, expected);
                None
            }
        }
    }

    /// A scalar's text with `${NAME}` expanded.
    fn expanded(&mut self, path: &str, node: &Node, text: &str) -> Option<String> {
        match quantity::expand(text, self.env) {
            Ok(text) => Some(text),
            Err(error) => {
                let what = match error {
                    Unexpanded::Unset(name) => {
                        format!("${{{name}}}: the environment variable {name} is not set")
                    }
                    Unexpanded::NotUnicode(name) => {
                        format!("${{{name}}}: the environment variable {name} is not text")
                    }
                    Unexpanded::Malformed => {
                        "`${` is not followed by a variable's name and `}`".into()
                    }
                };
                let malformed = what.starts_with('`');
                let problem = self.problem(path, node, what);
                if malformed {
                    *problem = problem.clone().help("write `$${` for a literal `${`");
                }
                None
            }
        }
    }

    fn text(&mut self, path: &str, node: &Node) -> Option<String> {
        let raw = self.raw(path, node, "text")?;
        let text = self.expanded(path, node, raw)?;
        let text = text.trim();
        if text.is_empty() {
            self.problem(path, node, "is empty");
            return None;
        }
        Some(text.to_owned())
    }

    fn texts(&mut self, path: &str, node: &Node) -> Option<Vec<String>> {
        match &node.value {
            Value::List(items) => items
                .iter()
                .enumerate()
                .map(|(n, item)| self.text(&format!("{path}[{n}]"), item))
                .collect(),
            Value::Text(_) => self.text(path, node).map(|one| vec![one]),
            _ => {
                self.expected(path, node, "a list");
                None
            }
        }
    }

    fn codes(&mut self, path: &str, node: &Node) -> Option<Vec<String>> {
        let codes = self.texts(path, node)?;
        for code in &codes {
            if let Err(meant) = super::codes::known(code) {
                let what = format!("no rule is called `{code}`{meant}");
                self.problem(path, node, what);
            }
        }
        Some(codes)
    }

    fn path(&mut self, path: &str, node: &Node) -> Option<PathBuf> {
        let text = self.text(path, node)?;
        Some(match (text.strip_prefix("~/"), self.env.home()) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => PathBuf::from(text),
        })
    }

    fn switch(&mut self, path: &str, node: &Node) -> Option<bool> {
        match &node.value {
            Value::Bool(b) => return Some(*b),
            Value::Text(text) => match self
                .expanded(path, node, text)?
                .to_ascii_lowercase()
                .as_str()
            {
                "true" | "yes" | "on" => return Some(true),
                "false" | "no" | "off" => return Some(false),
                _ => {}
            },
            _ => {}
        }
        self.expected(path, node, "true or false");
        None
    }

    fn number(&mut self, path: &str, node: &Node, expected: &str) -> Option<u64> {
        let raw = self.raw(path, node, expected)?;
        let text = self.expanded(path, node, raw)?.replace('_', "");
        if let Ok(number) = text.trim().parse() {
            return Some(number);
        }
        self.problem(path, node, format!("expected {expected}"));
        None
    }

    fn positive(&mut self, path: &str, node: &Node) -> Option<u64> {
        let number = self.number(path, node, "a whole number above 0")?;
        if number == 0 {
            self.problem(path, node, "expected a whole number above 0");
            return None;
        }
        Some(number)
    }

    fn up_to<const MIN: u32, const MAX: u32>(&mut self, path: &str, node: &Node) -> Option<u32> {
        let expected = format!("a whole number from {MIN} to {MAX}");
        let number = u32::try_from(self.number(path, node, &expected)?)
            .ok()
            .filter(|n| (MIN..=MAX).contains(n));
        if number.is_none() {
            self.problem(path, node, format!("expected {expected}"));
        }
        number
    }

    fn wait(&mut self, path: &str, node: &Node) -> Option<Duration> {
        let expected = "seconds, 0 for off, or a wait like `250 ms` (a week at most)";
        let raw = self.raw(path, node, expected)?;
        let text = self.expanded(path, node, raw)?;
        let wait = quantity::wait(&text);
        if wait.is_none() {
            self.problem(path, node, format!("expected {expected}"));
        }
        wait
    }

    fn seconds(&mut self, path: &str, node: &Node) -> Option<Wait> {
        let wait = self.wait(path, node)?;
        Some((!wait.is_zero()).then_some(wait))
    }

    /// `drain` is a fraction of a second: a bare number is more likely meant as milliseconds than as seconds.
    fn short_wait(&mut self, path: &str, node: &Node) -> Option<Duration> {
        let wait = self.wait(path, node)?;
        if !wait.is_zero()
            && matches!(&node.value, Value::Number(text) if !quantity::has_unit(text))
        {
            self.problem(path, node, "say the unit, as in `250 ms`");
            return None;
        }
        if wait > Duration::from_secs(60) {
            self.problem(path, node, "longer than 60 s");
            return None;
        }
        Some(wait)
    }

    fn size(&mut self, path: &str, node: &Node) -> Option<u64> {
        let expected = "bytes, or a size like `64 MiB` (1 KiB at least)";
        let raw = self.raw(path, node, expected)?;
        let text = self.expanded(path, node, raw)?;
        let size = quantity::size(&text).filter(|bytes| *bytes >= 1024);
        if size.is_none() {
            self.problem(path, node, format!("expected {expected}"));
        }
        size
    }

    fn choice<T: ValueEnum>(&mut self, path: &str, node: &Node) -> Option<T> {
        let words: Vec<String> = T::value_variants()
            .iter()
            .filter_map(|v| Some(v.to_possible_value()?.get_name().to_owned()))
            .collect();
        let expected = format!("one of {}", words.join(", "));
        let raw = self.raw(path, node, &expected)?;
        let text = self.expanded(path, node, raw)?;
        if let Ok(choice) = T::from_str(&text, true) {
            return Some(choice);
        }
        let meant = keys::closest(&text, words.iter().map(String::as_str));
        let meant = meant
            .map(|m| format!(" (did you mean `{m}`?)"))
            .unwrap_or_default();
        self.problem(path, node, format!("expected {expected}{meant}"));
        None
    }

    fn secret_key(&mut self, path: &str, node: &Node) -> Option<ApiKey> {
        let raw = self.raw(path, node, "text")?;
        let text = self.expanded(path, node, raw)?;
        let text = text.trim();
        Some(if text.is_empty() {
            ApiKey::None
        } else {
            ApiKey::Value(SecretString::from(text))
        })
    }

    fn variable_name(&mut self, path: &str, node: &Node) -> Option<ApiKey> {
        let raw = self.raw(path, node, "the name of an environment variable")?;
        let name = raw.trim().trim_start_matches('$');
        if !quantity::is_name(name) {
            // It may be the key itself, written under the wrong name: it is not shown.
            self.problem(
                path,
                node,
                "expected the name of an environment variable, not its value",
            );
            return None;
        }
        Some(ApiKey::Variable(name.to_owned()))
    }

    fn headers(&mut self, path: &str, node: &Node) -> Option<Vec<(String, SecretString)>> {
        let Value::Map(entries) = &node.value else {
            self.expected(path, node, "a block of `Name: value`");
            return None;
        };
        let mut headers = Vec::with_capacity(entries.len());
        for (name, value) in entries {
            let full = format!("{path}.{name}");
            if !name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
                || name.is_empty()
            {
                self.problem(&full, value, "cannot be a header's name");
                continue;
            }
            let text = match &value.value {
                Value::Bool(b) => Some(b.to_string()),
                _ => self.raw(&full, value, "text").map(str::to_owned),
            };
            let Some(text) = text.and_then(|t| self.expanded(&full, value, &t)) else {
                continue;
            };
            if text.chars().any(|c| c.is_control() && c != '\t') {
                self.problem(&full, value, "holds a character that a header cannot carry");
                continue;
            }
            headers.push((name.clone(), SecretString::from(text)));
        }
        Some(headers)
    }

    fn body(&mut self, path: &str, node: &Node) -> Option<ExtraBody> {
        let serde_json::Value::Object(shown) = node.to_json() else {
            self.expected(path, node, "a block of keys");
            return None;
        };
        let mut sent = serde_json::Value::Object(shown.clone());
        self.expand_json(path, node, &mut sent)?;
        match sent {
            serde_json::Value::Object(sent) => Some(ExtraBody { sent, shown }),
            _ => None,
        }
    }

    fn expand_json(&mut self, path: &str, node: &Node, json: &mut serde_json::Value) -> Option<()> {
        match json {
            serde_json::Value::String(text) => *text = self.expanded(path, node, text)?,
            serde_json::Value::Array(items) => {
                for (n, item) in items.iter_mut().enumerate() {
                    self.expand_json(&format!("{path}[{n}]"), node, item)?;
                }
            }
            serde_json::Value::Object(fields) => {
                for (name, value) in fields {
                    self.expand_json(&format!("{path}.{name}"), node, value)?;
                }
            }
            _ => {}
        }
        Some(())
    }
}
