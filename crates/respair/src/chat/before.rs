//! How a session stood that is gone on with: its last exchange.

use respair_agent::{Body, Conversation, Entry};
use serde_json::Value;

use super::draw::Draw;
use crate::term::{counted, one_line};

/// What is shown of it; nothing of a conversation that begins.
pub(super) fn draws(conversation: &Conversation) -> Vec<Draw> {
    let mut live = conversation.live();
    // Known of an upstream, and said by nobody.
    live.retain(|entry| !matches!(entry.body, Body::ReasoningDropped));
    let Some(turn) = live.last().map(|entry| entry.turn) else {
        return Vec::new();
    };
    let mut draws = vec![Draw::Notice(format!(
        "this session has {} so far; the last one:",
        counted(turn, "turn")
    ))];
    let last = live.iter().filter(|entry| entry.turn == turn);
    draws.extend(last.flat_map(|entry| shown(entry)));
    draws
}

fn shown(entry: &Entry) -> Vec<Draw> {
    match &entry.body {
        Body::Item(item) => {
            let item: Value = serde_json::from_str(item.raw.get()).unwrap_or_default();
            match (item["type"].as_str(), item["role"].as_str()) {
                (Some("message"), Some("user")) => vec![Draw::Said(said(&item))],
                (Some("message"), _) => vec![Draw::Document(said(&item))],
                (Some("function_call"), _) => {
                    let name = one_line(item["name"].as_str().unwrap_or("?"));
                    vec![Draw::Notice(format!("{name} was called"))]
                }
                _ => Vec::new(),
            }
        }
        Body::Partial(partial) => vec![
            Draw::Document(partial.text.clone()),
            Draw::Notice(format!("this broke off: {}", one_line(&partial.status))),
        ],
        _ => Vec::new(),
    }
}

/// The text of a message.
fn said(item: &Value) -> String {
    let parts = item["content"].as_array().into_iter().flatten();
    let parts = parts.map(|part| {
        let text = part["text"].as_str().or(part["refusal"].as_str());
        text.map_or_else(
            || format!("({})", part["type"].as_str().unwrap_or("?")),
            str::to_owned,
        )
    });
    parts.collect::<Vec<_>>().join("\n\n")
}
