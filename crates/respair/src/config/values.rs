//! How single values are read: text, numbers, waits, sizes, secrets. Each says what it expected, and none quotes what it found.

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use secrecy::SecretString;

use super::keys;
use super::options::{ExtraBody, Key, Wait};
use super::quantity::{self, Unexpanded};
use super::reader::Reader;
use super::yaml::{Node, Value};

impl Reader<'_> {
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

    /// A scalar's text with `${NAME}` expanded, blanks and all.
    pub(super) fn scalar(&mut self, path: &str, node: &Node) -> Option<String> {
        let raw = self.raw(path, node, "text")?;
        self.expanded(path, node, raw)
    }

    pub(super) fn text(&mut self, path: &str, node: &Node) -> Option<String> {
        let raw = self.raw(path, node, "text")?;
        let text = self.expanded(path, node, raw)?;
        let text = text.trim();
        if text.is_empty() {
            self.problem(path, node, "is empty");
            return None;
        }
        Some(text.to_owned())
    }

    pub(super) fn texts(&mut self, path: &str, node: &Node) -> Option<Vec<String>> {
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

    pub(super) fn codes(&mut self, path: &str, node: &Node) -> Option<Vec<String>> {
        let codes = self.texts(path, node)?;
        for code in &codes {
            if let Err(meant) = super::codes::known(code) {
                let what = format!("no rule is called `{code}`{meant}");
                self.problem(path, node, what);
            }
        }
        Some(codes)
    }

    pub(super) fn path(&mut self, path: &str, node: &Node) -> Option<PathBuf> {
        let text = self.text(path, node)?;
        Some(match (text.strip_prefix("~/"), self.env.home()) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => PathBuf::from(text),
        })
    }

    pub(super) fn switch(&mut self, path: &str, node: &Node) -> Option<bool> {
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

    pub(super) fn number(&mut self, path: &str, node: &Node, expected: &str) -> Option<u64> {
        let raw = self.raw(path, node, expected)?;
        let text = self.expanded(path, node, raw)?.replace('_', "");
        if let Ok(number) = text.trim().parse() {
            return Some(number);
        }
        self.problem(path, node, format!("expected {expected}"));
        None
    }

    pub(super) fn positive(&mut self, path: &str, node: &Node) -> Option<u64> {
        let number = self.number(path, node, "a whole number above 0")?;
        if number == 0 {
            self.problem(path, node, "expected a whole number above 0");
            return None;
        }
        Some(number)
    }

    pub(super) fn up_to<const MIN: u32, const MAX: u32>(
        &mut self,
        path: &str,
        node: &Node,
    ) -> Option<u32> {
        let expected = format!("a whole number from {MIN} to {MAX}");
        let number = u32::try_from(self.number(path, node, &expected)?)
            .ok()
            .filter(|n| (MIN..=MAX).contains(n));
        if number.is_none() {
            self.problem(path, node, format!("expected {expected}"));
        }
        number
    }

    pub(super) fn wait(&mut self, path: &str, node: &Node) -> Option<Duration> {
        let expected = "seconds, 0 for off, or a wait like `250 ms` (a week at most)";
        self.wait_of(path, node, expected)
    }

    pub(super) fn wait_of(&mut self, path: &str, node: &Node, expected: &str) -> Option<Duration> {
        let raw = self.raw(path, node, expected)?;
        let text = self.expanded(path, node, raw)?;
        let wait = quantity::wait(&text);
        if wait.is_none() {
            self.problem(path, node, format!("expected {expected}"));
        }
        wait
    }

    pub(super) fn seconds(&mut self, path: &str, node: &Node) -> Option<Wait> {
        let wait = self.wait(path, node)?;
        Some((!wait.is_zero()).then_some(wait))
    }

    /// `drain` is a fraction of a second: a bare number is more likely meant as milliseconds than as seconds.
    pub(super) fn short_wait(&mut self, path: &str, node: &Node) -> Option<Duration> {
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

    pub(super) fn size(&mut self, path: &str, node: &Node) -> Option<u64> {
        let expected = "bytes, or a size like `64 MiB` (1 KiB at least)";
        let raw = self.raw(path, node, expected)?;
        let text = self.expanded(path, node, raw)?;
        let size = quantity::size(&text).filter(|bytes| *bytes >= 1024);
        if size.is_none() {
            self.problem(path, node, format!("expected {expected}"));
        }
        size
    }

    pub(super) fn choice<T: ValueEnum>(&mut self, path: &str, node: &Node) -> Option<T> {
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

    pub(super) fn secret_key(&mut self, path: &str, node: &Node) -> Option<Key> {
        let raw = self.raw(path, node, "text")?;
        let text = self.expanded(path, node, raw)?;
        let text = text.trim();
        Some(if text.is_empty() {
            Key::None
        } else {
            Key::Value(SecretString::from(text))
        })
    }

    pub(super) fn variable_name(&mut self, path: &str, node: &Node) -> Option<Key> {
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
        Some(Key::Variable(name.to_owned()))
    }

    pub(super) fn headers(
        &mut self,
        path: &str,
        node: &Node,
    ) -> Option<Vec<(String, SecretString)>> {
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

    pub(super) fn body(&mut self, path: &str, node: &Node) -> Option<ExtraBody> {
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
