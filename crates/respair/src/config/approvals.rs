//! What `agent.approval` says: which calls run, which are asked for, which are refused.

use respair_agent::{Permission, Rule};
use serde_json::{Value as Json, json};

use super::agent::{Agent, TOOLS, is_tool};
use super::keys;
use super::problem::Problem;
use super::reader::Reader;
use super::yaml::{Node, Value};

/// What the names of the MCP servers' tools begin with.
const SERVERS: &str = "mcp__";

/// A rule of `agent.approval`, as written and as read.
#[derive(Clone, Debug)]
pub(crate) struct Approval {
    pub(crate) text: String,
    pub(crate) rule: Rule,
}

/// The rules as they would be written.
pub(super) fn shown_rules(rules: &[Approval]) -> Json {
    let rules = rules.iter().map(|approval| {
        let word = match approval.rule.permission {
            Permission::Ask => "ask",
            Permission::Allow => "allow",
            Permission::Deny => "deny",
        };
        (approval.text.clone(), json!(word))
    });
    Json::Object(rules.collect())
}

impl Reader<'_> {
    /// The block `agent.approval`.
    pub(super) fn approvals(&mut self, path: &str, node: &Node) -> Option<Vec<Approval>> {
        let Value::Map(entries) = &node.value else {
            self.expected(path, node, "a block of `TOOL: ask`, `allow` or `deny`");
            return None;
        };
        let mut rules = Vec::with_capacity(entries.len());
        for (text, value) in entries {
            let full = format!("{path}.{text}");
            let Some(word) = self.choice::<Word>(&full, value) else {
                continue;
            };
            match Rule::parse(text, word.into()) {
                Some(rule) => {
                    // A refusal that is misspelt would refuse nothing.
                    if let Err(what) = is_about_tools(&rule) {
                        self.problem(&full, value, what);
                    }
                    rules.push(Approval {
                        text: text.clone(),
                        rule,
                    });
                }
                None => {
                    let what = "expected a tool, as in `shell`, or one with what it is about, as in `shell(git *)`";
                    self.problem(&full, value, what);
                }
            }
        }
        Some(rules)
    }

    /// Names what a rule for an MCP server's tools is about, where that is not there and one of nearly that name is.
    pub(super) fn servers_of_rules(&mut self, agent: &Agent) {
        let (Some(rules), Some(servers)) = (&agent.approval, &agent.servers) else {
            return;
        };
        let names = || servers.value.iter().map(|server| server.name.as_str());
        for approval in &rules.value {
            let Some(named) = approval.rule.tool.strip_prefix(SERVERS) else {
                continue;
            };
            let (start, _) = named.split_once('*').unwrap_or((named, ""));
            let is_there = |name: &str| {
                let tools = format!("{name}__");
                start.starts_with(&tools) || tools.starts_with(start)
            };
            let Some((server, _)) = start.split_once("__") else {
                continue;
            };
            if names().any(is_there) {
                continue;
            }
            if let Some(meant) = keys::closest(server, names()) {
                let what = format!("no MCP server is called `{server}` (did you mean `{meant}`?)");
                let problem = Problem::new(what).key(format!("agent.approval.{}", approval.text));
                self.problems.push(match rules.origin.place() {
                    Some(place) => problem.at(place.clone()),
                    None => problem,
                });
            }
        }
    }
}

/// Whether a rule can be about a tool that is built in, or about one of an MCP server.
///
/// # Errors
/// The sentence, with the name that was probably meant.
fn is_about_tools(rule: &Rule) -> Result<(), String> {
    let (start, _) = rule.tool.split_once('*').unwrap_or((&rule.tool, ""));
    let is_pattern = start.len() < rule.tool.len();
    if start.starts_with(SERVERS)
        || is_pattern && SERVERS.starts_with(start)
        || TOOLS.iter().any(|tool| rule.concerns(tool))
    {
        return Ok(());
    }
    is_tool(&rule.tool)
}

/// A [`Permission`] in one word.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Word {
    Ask,
    Allow,
    Deny,
}

impl From<Word> for Permission {
    fn from(word: Word) -> Self {
        match word {
            Word::Ask => Permission::Ask,
            Word::Allow => Permission::Allow,
            Word::Deny => Permission::Deny,
        }
    }
}
