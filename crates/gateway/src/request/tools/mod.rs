//! Tools that an upstream does not take (DEVIATIONS 7.2): a `custom` tool goes up as a function of one string, the tools of
//! a namespace as functions of their own, and what the upstream itself would run is left out. What the client runs itself
//! and what cannot be converted stays where it is, so that the upstream refuses it: no tool is lost in silence.

mod choice;
mod names;

use std::collections::HashMap;

use super::Off;
use super::json::{Object, array, elements, quote};
use super::known::Known;
use super::mends::{Mends, NAMESPACE_FLATTENED, TOOL_CONVERTED, TOOL_DROPPED};
use choice::Choice;
use names::{Names, flat};

/// The parameters of a function that stands for a custom tool.
const PARAMETERS: &str = r#"{"type":"object","properties":{"input":{"type":"string","description":"The input of the tool, as plain text."}},"required":["input"],"additionalProperties":false}"#;

/// How many types of tools are told apart in one request. There are some twenty.
pub(super) const KINDS: usize = 64;

/// How many tools are converted in one request: no upstream takes a tenth of them.
pub(super) const TOOLS: usize = 4096;

/// How many bytes of what is said of a namespace may be said of its tools together.
const SAID: usize = 64 << 10;

/// A function's namespace and name.
type Called = (Option<String>, String);

/// The client's tool that a function upstream stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Meant {
    pub(crate) name: String,
    pub(crate) namespace: Option<String>,
    /// It is a custom tool: its call has a text for its input, and no arguments.
    pub(crate) custom: bool,
}

/// What became of the tools of a request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tools {
    /// Functions that stand for something else, by what they are called upstream.
    meant: HashMap<Called, Meant>,
    /// What they are called, by what they stand for.
    called: HashMap<Called, Called>,
    converts: bool,
    flattens: bool,
    /// Tools that are refused and stay, in words.
    pub(super) stuck: Vec<String>,
}

impl Tools {
    /// The tool that a function stands for; `None` for one that stands for itself.
    pub(crate) fn meant(&self, namespace: Option<&str>, name: &str) -> Option<&Meant> {
        if self.meant.is_empty() {
            return None;
        }
        let called = (namespace.map(str::to_owned), name.to_owned());
        self.meant.get(&called)
    }

    /// No function stands for anything but itself.
    pub(crate) fn is_plain(&self) -> bool {
        self.meant.is_empty()
    }

    /// An item of an earlier turn, as the upstream takes it, and under which name that is counted.
    pub(super) fn item_up(&self, item: &mut Object<'_>) -> Option<&'static str> {
        let kind = item.text("type")?;
        match kind.as_str() {
            "custom_tool_call" if self.converts => {
                self.name_up(item);
                let input = item.get("input").filter(|raw| raw.starts_with('"'));
                let arguments = format!(r#"{{"input":{}}}"#, input.unwrap_or("\"\""));
                item.rename("input", "arguments", quote(&arguments));
                item.set("type", r#""function_call""#);
                // An id of another type's prefix is refused; it never was this upstream's.
                if item.text("id").is_some_and(|id| !id.starts_with("fc")) {
                    item.remove("id");
                }
                Some(TOOL_CONVERTED)
            }
            "custom_tool_call_output" if self.converts => {
                item.set("type", r#""function_call_output""#);
                Some(TOOL_CONVERTED)
            }
            "function_call" | "custom_tool_call"
                if self.flattens && item.present("namespace").is_some() =>
            {
                self.name_up(item);
                Some(NAMESPACE_FLATTENED)
            }
            _ => None,
        }
    }

    fn name_up(&self, item: &mut Object<'_>) {
        let Some(name) = item.text("name") else {
            return;
        };
        let namespace = item.text("namespace");
        let (namespace, name) = match self.called.get(&(namespace.clone(), name.clone())) {
            Some(called) => called.clone(),
            // A tool of an earlier turn, which is not offered now.
            None => match namespace {
                Some(namespace) if self.flattens => (None, flat(&namespace, &name)),
                namespace => (namespace, name),
            },
        };
        item.set("name", quote(&name));
        if namespace.is_none() {
            item.remove("namespace");
        }
    }
}

/// The types of tools in a request that are no functions, what the input tells of them included. Each once, in order.
pub(super) fn kinds(body: &Object<'_>) -> Vec<String> {
    let mut kinds = Vec::new();
    let mut add = |kind: String| {
        if kind != "function" && kinds.len() < KINDS && !kinds.contains(&kind) {
            kinds.push(kind);
        }
    };
    for tool in listed(body) {
        let Some(tool) = Object::parse(tool) else {
            continue;
        };
        for tool in nested(&tool) {
            tool.text("type").into_iter().for_each(&mut add);
        }
        tool.text("type").into_iter().for_each(&mut add);
    }
    for item in body.get("input").and_then(elements).unwrap_or_default() {
        let Some(item) = Object::parse(item) else {
            continue;
        };
        let kind = item.text("type").unwrap_or_default();
        if kind.starts_with("custom_tool_call") {
            add("custom".to_owned());
        }
        if kind == "function_call" && item.present("namespace").is_some() {
            add("namespace".to_owned());
        }
    }
    kinds
}

/// The type of each tool, and its name, in their order.
pub(super) fn described(body: &Object<'_>) -> Vec<(String, String)> {
    let tools = listed(body).into_iter().map(|tool| {
        let tool = Object::parse(tool).unwrap_or_else(Object::new);
        let text = |field: &str| tool.text(field).unwrap_or_default();
        (text("type"), text("name"))
    });
    tools.collect()
}

fn listed<'b>(body: &'b Object<'_>) -> Vec<&'b str> {
    body.get("tools").and_then(elements).unwrap_or_default()
}

fn nested<'t>(tool: &'t Object<'_>) -> Vec<Object<'t>> {
    let tools = tool.get("tools").filter(|_| tool.says("type", "namespace"));
    let tools = tools.and_then(elements).unwrap_or_default();
    tools.into_iter().filter_map(Object::parse).collect()
}

/// Converts the tools of a request and what it chooses of them. The items of its input are left to [`Tools::item_up`].
pub(super) fn convert(body: &mut Object<'_>, known: &Known, off: &Off, mends: &mut Mends) -> Tools {
    let kinds = kinds(body);
    if !kinds.iter().any(|kind| known.refuses_tool(kind)) {
        return Tools::default();
    }
    let mut converting = Converting {
        known,
        drops: off.on(TOOL_DROPPED),
        choice: Choice::of(body.get("tool_choice")),
        names: Names::default(),
        tools: Tools {
            converts: known.refuses_tool("custom") && off.on(TOOL_CONVERTED),
            flattens: known.refuses_tool("namespace") && off.on(NAMESPACE_FLATTENED),
            ..Tools::default()
        },
        all: off.on(TOOL_CONVERTED) && off.on(NAMESPACE_FLATTENED) && off.on(TOOL_DROPPED),
        mends,
    };
    let list = body.get("tools").and_then(elements);
    if list.as_ref().is_some_and(|list| count(list) > TOOLS) {
        let many = format!("list, which has more than {TOOLS} tools");
        converting.tools.stuck.push(many);
        (converting.tools.converts, converting.tools.flattens) = (false, false);
    } else if let Some(list) = list {
        let tools = converting.list(&list);
        let tools = array(&tools);
        let choice = body
            .get("tool_choice")
            .and_then(|choice| converting.choice_up(choice));
        body.set("tools", tools);
        if let Some(choice) = choice {
            body.set("tool_choice", choice);
        }
    }
    converting.tools
}

/// How many tools there are, those of namespaces included.
fn count(list: &[&str]) -> usize {
    let nested = |tool: &&str| {
        let tool = Object::parse(tool)?;
        tool.get("tools").and_then(elements).map(|list| list.len())
    };
    list.iter().map(|tool| nested(tool).unwrap_or(1)).sum()
}

struct Converting<'a> {
    known: &'a Known,
    drops: bool,
    choice: Choice,
    names: Names,
    tools: Tools,
    /// Nothing of this is switched off: what stays stays because it has to.
    all: bool,
    mends: &'a mut Mends,
}

impl Converting<'_> {
    fn list(&mut self, list: &[&str]) -> Vec<String> {
        let tools: Vec<Option<Object<'_>>> = list.iter().map(|tool| Object::parse(tool)).collect();
        let kind = |tool: &Object<'_>| tool.text("type").unwrap_or_default();
        for tool in tools.iter().flatten() {
            let stays = kind(tool) == "function" || kind(tool) == "custom" && !self.tools.converts;
            if let Some(name) = tool.text("name").filter(|_| stays) {
                self.names.reserve(name);
            }
        }
        let goes = |tool: &Object<'_>| {
            let kind = kind(tool);
            self.drops && self.known.refuses_tool(&kind) && upstream_runs(&kind, tool)
        };
        let gone: Vec<bool> = tools
            .iter()
            .map(|tool| tool.as_ref().is_some_and(goes))
            .collect();
        let needed = self.needed(&tools, &gone);
        let search_is_gone = tools.iter().zip(&gone).any(|(tool, gone)| {
            *gone
                && tool
                    .as_ref()
                    .is_some_and(|tool| kind(tool) == "tool_search")
        });
        let mut out = Vec::with_capacity(list.len());
        for ((raw, tool), gone) in list.iter().zip(tools).zip(gone) {
            let Some(mut tool) = tool else {
                out.push((*raw).to_owned());
                continue;
            };
            let kind = kind(&tool);
            if gone && !needed(&kind) {
                self.mends.add(TOOL_DROPPED, &kind);
                continue;
            }
            // What is loaded only on search could never be called.
            let deferred = search_is_gone && !needed("tool_search");
            let changed = deferred && tool.remove("defer_loading");
            match kind.as_str() {
                "custom" if self.tools.converts => out.push(self.custom(None, &tool)),
                "namespace" => self.namespace(raw, &tool, deferred, &mut out),
                _ => {
                    self.stuck(&kind, &tool);
                    out.push(if changed {
                        tool.to_string()
                    } else {
                        (*raw).to_owned()
                    });
                }
            }
        }
        out
    }

    /// Which types cannot be left out, because the request demands that one of them is called.
    fn needed(&self, tools: &[Option<Object<'_>>], gone: &[bool]) -> impl Fn(&str) -> bool + use<> {
        let all = !tools.is_empty() && gone.iter().all(|gone| *gone) && self.choice.required;
        let known = self.known.clone();
        let forced = self.choice.forced.clone();
        // One that stays may be called instead.
        let allowed = self.choice.allowed.clone().filter(|kinds| {
            kinds
                .iter()
                .all(|kind| known.refuses_tool(kind) && upstream_runs(kind, &Object::new()))
        });
        move |kind: &str| {
            all || forced.as_deref() == Some(kind)
                || allowed
                    .as_ref()
                    .is_some_and(|kinds| kinds.iter().any(|known| known == kind))
        }
    }

    fn stuck(&mut self, kind: &str, tool: &Object<'_>) {
        if !self.all || !self.known.refuses_tool(kind) || self.tools.stuck.len() >= 8 {
            return;
        }
        let kind: String = kind.chars().take(64).collect();
        let why = if upstream_runs(&kind, tool) {
            "which `tool_choice` asks for"
        } else {
            "which the client runs itself and which cannot be converted"
        };
        self.tools.stuck.push(format!("`{kind}`, {why}"));
    }

    /// A namespace: each of its tools on its own, or the namespace with its custom tools converted.
    fn namespace(&mut self, raw: &str, tool: &Object<'_>, deferred: bool, out: &mut Vec<String>) {
        let namespace = tool.text("name");
        let list = tool.get("tools").and_then(elements);
        let (Some(namespace), Some(list)) = (namespace, list) else {
            self.stuck("namespace", tool);
            return out.push(raw.to_owned());
        };
        let said = tool.text("description").unwrap_or_default();
        // What is too long for all of them is said once.
        let everywhere = said.len().saturating_mul(list.len()) <= SAID;
        let mut first = true;
        let mut inner = Vec::with_capacity(list.len());
        for nested in list {
            let Some(mut function) = Object::parse(nested) else {
                inner.push(nested.to_owned());
                continue;
            };
            if deferred {
                function.remove("defer_loading");
            }
            if self.tools.flattens && (first || everywhere) {
                describe(&mut function, &said);
            }
            first = false;
            let made = if function.says("type", "custom") && self.tools.converts {
                self.custom(Some(&namespace), &function)
            } else if self.tools.flattens {
                self.flattened(&namespace, function)
            } else {
                function.to_string()
            };
            inner.push(made);
        }
        if self.tools.flattens {
            self.mends.add(NAMESPACE_FLATTENED, &namespace);
            out.append(&mut inner);
        } else {
            self.stuck("namespace", tool);
            let mut tool = tool.clone();
            tool.set("tools", array(&inner));
            out.push(tool.to_string());
        }
    }

    fn flattened(&mut self, namespace: &str, mut function: Object<'_>) -> String {
        let Some(name) = function.text("name") else {
            return function.to_string();
        };
        let given = self.names.give(&flat(namespace, &name));
        self.stands_for((None, given.clone()), Some(namespace), &name, false);
        function.set("name", quote(&given));
        function.to_string()
    }

    fn custom(&mut self, namespace: Option<&str>, tool: &Object<'_>) -> String {
        let Some(name) = tool.text("name") else {
            return tool.to_string();
        };
        self.mends.add(TOOL_CONVERTED, &name);
        let called = match namespace {
            // Its own namespace keeps it apart.
            Some(namespace) if !self.tools.flattens => (Some(namespace.to_owned()), name.clone()),
            Some(namespace) => (None, self.names.give(&flat(namespace, &name))),
            None => (None, self.names.give(&name)),
        };
        let function = format!(
            r#"{{"type":"function","name":{},"description":{},"parameters":{PARAMETERS},"strict":false}}"#,
            quote(&called.1),
            quote(&description(tool))
        );
        self.stands_for(called, namespace, &name, true);
        function
    }

    fn stands_for(&mut self, called: Called, namespace: Option<&str>, name: &str, custom: bool) {
        let namespace = namespace.map(str::to_owned);
        let meant = Meant {
            name: name.to_owned(),
            namespace: namespace.clone(),
            custom,
        };
        let key = (namespace, name.to_owned());
        self.tools
            .called
            .entry(key)
            .or_insert_with(|| called.clone());
        self.tools.meant.insert(called, meant);
    }
}

/// Puts what is said of a namespace before what is said of its tool.
fn describe(tool: &mut Object<'_>, namespace: &str) {
    if namespace.trim().is_empty() {
        return;
    }
    let own = tool.text("description").unwrap_or_default();
    let both = match own.is_empty() {
        true => namespace.to_owned(),
        false => format!("{namespace}\n\n{own}"),
    };
    tool.set("description", quote(&both));
}

/// What a custom tool says of itself, with the grammar that its input has to follow.
fn description(tool: &Object<'_>) -> String {
    let mut text = tool.text("description").unwrap_or_default();
    let format = tool.get("format").and_then(Object::parse);
    let definition = format.as_ref().and_then(|format| {
        // Chat's form has it one level deeper.
        let deeper = format.get("grammar").and_then(Object::parse);
        let grammar = deeper.as_ref().unwrap_or(format);
        Some((grammar.text("syntax"), grammar.text("definition")?))
    });
    if let Some((syntax, definition)) = definition {
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        let syntax = syntax
            .map(|syntax| format!(" ({syntax})"))
            .unwrap_or_default();
        text.push_str(&format!(
            "`input` must follow this grammar{syntax}:\n{definition}"
        ));
    }
    text
}

/// Whether the upstream would run such a tool itself. What nobody knows is taken for the client's.
fn upstream_runs(kind: &str, tool: &Object<'_>) -> bool {
    match kind {
        "file_search" | "code_interpreter" | "image_generation" | "mcp" => true,
        "tool_search" => !tool.says("execution", "client"),
        "shell" => tool
            .get("environment")
            .and_then(Object::parse)
            .is_some_and(|environment| !environment.says("type", "local")),
        _ => kind.starts_with("web_search"),
    }
}

#[cfg(test)]
mod tests;
