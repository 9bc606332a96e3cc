//! What a conforming body says, read from its bytes and from nothing of respair's own.

use std::collections::BTreeMap;

use serde_json::Value;

/// One kind of content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Content {
    /// Output text.
    Text,
    /// Reasoning text and summaries.
    Reasoning,
    /// Refusals.
    Refusal,
    /// Calls: names, arguments, inputs.
    Calls,
    /// The ids that calls are answered by.
    CallIds,
    /// Token counts.
    Usage,
}

impl Content {
    /// Every kind.
    pub const ALL: &'static [Self] = &[
        Self::Text,
        Self::Reasoning,
        Self::Refusal,
        Self::Calls,
        Self::CallIds,
        Self::Usage,
    ];
}

/// A function call or a custom tool call.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Call {
    /// What the answer has to name.
    pub call_id: String,
    /// The tool.
    pub name: String,
    /// Arguments or input, as streamed.
    pub payload: String,
}

/// What a body said, by what its deltas add up to, in the order of the items.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Said {
    /// Output text of all items.
    pub text: String,
    /// Reasoning of all items.
    pub reasoning: String,
    /// Refusals of all items.
    pub refusal: String,
    /// The calls.
    pub calls: Vec<Call>,
    /// The terminal event's usage.
    pub usage: Option<Value>,
    /// The terminal event's type; empty where there is none.
    pub terminal: String,
}

#[derive(Default)]
struct Item {
    text: BTreeMap<u64, String>,
    reasoning: BTreeMap<u64, String>,
    refusal: String,
    call: Option<Call>,
    done: bool,
}

/// The data of every block of a body that is framed plainly.
pub(crate) fn lines(body: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(body);
    let blocks = text.split("\n\n");
    let data = blocks.map(|block| {
        let lines = block.lines().filter_map(|line| line.strip_prefix("data:"));
        lines.map(str::trim_start).collect::<Vec<_>>().join("\n")
    });
    data.filter(|data| !data.is_empty() && data != "[DONE]")
        .collect()
}

/// The same, as far as it is JSON.
pub(crate) fn events(body: &[u8]) -> Vec<Value> {
    let lines = lines(body);
    let read = lines.iter().map(|data| serde_json::from_str(data));
    read.filter_map(Result::ok).collect()
}

impl Said {
    /// Reads a body that conforms to `portable`.
    #[must_use]
    pub fn by(body: &[u8]) -> Self {
        let mut said = Self::default();
        let mut items: BTreeMap<u64, Item> = BTreeMap::new();
        for event in events(body) {
            said.take(&event, &mut items);
        }
        for item in items.into_values() {
            said.text.extend(item.text.into_values());
            said.reasoning.extend(item.reasoning.into_values());
            said.refusal.push_str(&item.refusal);
            // A call that was not closed is no call: nobody may run it.
            said.calls.extend(item.call.filter(|_| item.done));
        }
        said
    }

    fn take(&mut self, event: &Value, items: &mut BTreeMap<u64, Item>) {
        let kind = event["type"].as_str().unwrap_or_default();
        if matches!(
            kind,
            "response.completed" | "response.incomplete" | "response.failed"
        ) {
            kind.clone_into(&mut self.terminal);
            let usage = &event["response"]["usage"];
            self.usage = (!usage.is_null()).then(|| usage.clone());
        }
        let Some(index) = event["output_index"].as_u64() else {
            return;
        };
        let item = items.entry(index).or_default();
        let part = event["content_index"]
            .as_u64()
            .or_else(|| event["summary_index"].as_u64())
            .unwrap_or_default();
        let delta = event["delta"].as_str().unwrap_or_default();
        match kind {
            "response.output_item.added" | "response.output_item.done" => {
                let said = &event["item"];
                let is_call = matches!(
                    said["type"].as_str(),
                    Some("function_call" | "custom_tool_call")
                );
                if is_call {
                    let call = item.call.get_or_insert_default();
                    for (to, field) in [(&mut call.call_id, "call_id"), (&mut call.name, "name")] {
                        said[field].as_str().unwrap_or_default().clone_into(to);
                    }
                }
                item.done |= kind.ends_with("done");
            }
            "response.output_text.delta" => item.text.entry(part).or_default().push_str(delta),
            "response.refusal.delta" => item.refusal.push_str(delta),
            "response.reasoning_text.delta" | "response.reasoning_summary_text.delta" => {
                item.reasoning.entry(part).or_default().push_str(delta);
            }
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
                let call = item.call.get_or_insert_default();
                call.payload.push_str(delta);
            }
            _ => {}
        }
    }

    /// How one kind of content differs from what it was; `in_order` unless the words may have changed places.
    #[must_use]
    pub fn differs(&self, before: &Self, content: Content, in_order: bool) -> Option<String> {
        let text = |now: &str, then: &str| {
            let same = now == then || !in_order && sorted(now) == sorted(then);
            (!same).then(|| format!("{content:?} was {then:?} and is {now:?}"))
        };
        match content {
            Content::Text => text(&self.text, &before.text),
            Content::Reasoning => text(&self.reasoning, &before.reasoning),
            Content::Refusal => text(&self.refusal, &before.refusal),
            Content::Calls => calls(&self.calls, &before.calls, in_order, |call| {
                // Arguments that came as an object are the same JSON, written anew.
                let payload = serde_json::from_str::<Value>(&call.payload).ok();
                (
                    call.name.clone(),
                    payload.map_or_else(|| call.payload.clone(), |json| json.to_string()),
                )
            }),
            Content::CallIds => calls(&self.calls, &before.calls, in_order, |call| {
                (call.call_id.clone(), String::new())
            }),
            Content::Usage => (self.usage != before.usage)
                .then(|| format!("usage was {:?} and is {:?}", before.usage, self.usage)),
        }
    }
}

fn calls(
    now: &[Call],
    then: &[Call],
    in_order: bool,
    of: impl Fn(&Call) -> (String, String),
) -> Option<String> {
    let list = |calls: &[Call]| {
        let mut list: Vec<_> = calls.iter().map(&of).collect();
        if !in_order {
            list.sort();
        }
        list
    };
    (list(now) != list(then)).then(|| format!("the calls were {then:?} and are {now:?}"))
}

fn sorted(text: &str) -> Vec<char> {
    let mut letters: Vec<char> = text.chars().collect();
    letters.sort_unstable();
    letters
}
