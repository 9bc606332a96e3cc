//! What a request says about which tool is to be called, and how the upstream is told.

use super::super::json::{Object, array, elements, quote, text};
use super::super::mends::TOOL_DROPPED;
use super::{Converting, upstream_runs};

/// What a request says about which tool is to be called.
pub(super) struct Choice {
    pub(super) required: bool,
    /// The type of the one tool that has to be called.
    pub(super) forced: Option<String>,
    /// The types that may be called, where one of them has to be.
    pub(super) allowed: Option<Vec<String>>,
}

impl Choice {
    pub(super) fn of(raw: Option<&str>) -> Self {
        let mut choice = Self {
            required: raw.and_then(text).is_some_and(|word| word == "required"),
            forced: None,
            allowed: None,
        };
        let Some(object) = raw.and_then(Object::parse) else {
            return choice;
        };
        let kind = object.text("type");
        if kind.as_deref() != Some("allowed_tools") {
            choice.forced = kind;
        } else if object.says("mode", "required") {
            let tools = object.get("tools").and_then(elements).unwrap_or_default();
            let kinds = tools.into_iter().filter_map(|tool| {
                let tool = Object::parse(tool)?;
                tool.text("type")
            });
            choice.allowed = Some(kinds.collect());
        }
        choice
    }
}

impl Converting<'_> {
    /// `tool_choice` as the upstream takes it; `None` where it stays.
    pub(super) fn choice_up(&self, raw: &str) -> Option<String> {
        let mut choice = Object::parse(raw)?;
        if !choice.says("type", "allowed_tools") {
            return self.chosen_up(&mut choice).then(|| choice.to_string());
        }
        let mut allowed = Vec::new();
        for raw in choice.get("tools").and_then(elements)? {
            let Some(mut tool) = Object::parse(raw) else {
                allowed.push(raw.to_owned());
                continue;
            };
            let kind = tool.text("type").unwrap_or_default();
            if kind == "namespace" && self.tools.flattens {
                let namespace = tool.text("name");
                let mut names: Vec<&String> = self
                    .tools
                    .meant
                    .iter()
                    .filter(|(_, meant)| meant.namespace == namespace)
                    .map(|((_, name), _)| name)
                    .collect();
                names.sort();
                let functions = names
                    .iter()
                    .map(|name| format!(r#"{{"type":"function","name":{}}}"#, quote(name)));
                allowed.extend(functions);
            } else if self.mends.has(TOOL_DROPPED)
                && self.known.refuses_tool(&kind)
                && upstream_runs(&kind, &tool)
            {
                // It is gone from the tools as well.
            } else if self.chosen_up(&mut tool) {
                allowed.push(tool.to_string());
            } else {
                allowed.push(raw.to_owned());
            }
        }
        if allowed.is_empty() {
            // Nothing that may be called is left. That one has to be was seen to before.
            return Some(r#""none""#.to_owned());
        }
        choice.set("tools", array(&allowed));
        Some(choice.to_string())
    }

    /// One tool that is named, as the upstream takes it; `false` where it stays.
    fn chosen_up(&self, tool: &mut Object<'_>) -> bool {
        let (Some(kind), Some(name)) = (tool.text("type"), tool.text("name")) else {
            return false;
        };
        let namespace = tool.text("namespace");
        let Some(called) = self.tools.called.get(&(namespace, name)) else {
            return false;
        };
        if !matches!(kind.as_str(), "custom" | "function") {
            return false;
        }
        let custom = self
            .tools
            .meant
            .get(called)
            .is_some_and(|meant| meant.custom);
        // A function of the same name is chosen by its own.
        if custom != (kind == "custom") {
            return false;
        }
        if custom {
            tool.set("type", r#""function""#);
        }
        tool.set("name", quote(&called.1));
        if called.0.is_none() {
            tool.remove("namespace");
        }
        true
    }
}
