//! A conversation to be read: as Markdown, and whole as JSON.

use std::fmt::Write as _;

use respair_core::is_interim;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::replay;
use crate::sessions::SessionInfo;
use crate::tools::counted;
use crate::{Body, Entry, Partial};

/// Lines of a tool's output that are shown; the rest is counted.
const OUTPUT_LINES: usize = 20;

/// The conversation as Markdown: what was taken back is left out, what broke off is marked.
pub fn markdown(title: &str, entries: &[Entry]) -> String {
    markdown_pieces(title, entries).collect()
}

/// The same, entry by entry.
pub fn markdown_pieces(title: &str, entries: &[Entry]) -> impl Iterator<Item = String> {
    let title = match title {
        "" => "Conversation",
        title => title,
    };
    let sections = replay::live(entries).into_iter().map(written);
    std::iter::once(format!("# {title}\n")).chain(sections)
}

/// The conversation with everything that is kept of it, as JSON: an entry a line, its data as they came.
pub fn json(info: &SessionInfo, entries: &[Entry]) -> String {
    json_pieces(info, entries).collect()
}

/// The same, entry by entry.
pub fn json_pieces(info: &SessionInfo, entries: &[Entry]) -> impl Iterator<Item = String> {
    let about = json!({
        "schema": 1,
        "id": info.id,
        "title": info.title,
        "directory": info.directory,
        "created": info.created,
        "updated": info.updated,
    });
    let about = format!("{about:#}");
    let about = about.trim_end_matches(['\n', '}']).to_owned();
    let first = std::iter::once("");
    let between = first.chain(std::iter::repeat(","));
    let lines = between.zip(entries);
    let lines = lines.map(|(between, entry)| format!("{between}\n    {}", line(entry)));
    std::iter::once(format!("{about},\n  \"entries\": ["))
        .chain(lines)
        .chain(std::iter::once("\n  ]\n}\n".to_owned()))
}

/// An entry as it is exported.
#[derive(Serialize)]
struct Line<'a> {
    seq: u64,
    turn: u64,
    at: u64,
    kind: &'static str,
    issuer: Option<&'a str>,
    data: &'a RawValue,
}

fn line(entry: &Entry) -> String {
    let data = match &entry.body {
        Body::Item(item) => item.raw.clone(),
        // What we wrote is JSON.
        body => RawValue::from_string(body.data()).unwrap_or_default(),
    };
    let line = Line {
        seq: entry.seq,
        turn: entry.turn,
        at: entry.at,
        kind: entry.body.kind(),
        issuer: entry.body.issuer(),
        data: &data,
    };
    serde_json::to_string(&line).unwrap_or_default()
}

fn written(entry: &Entry) -> String {
    let mut out = String::new();
    match &entry.body {
        Body::Item(item) => write_item(&mut out, &item.raw, item.issuer.is_some()),
        Body::Partial(partial) => write_partial(&mut out, partial),
        Body::Compacted(compacted) => {
            section(&mut out, "Summary of what was before", &compacted.summary);
        }
        Body::Ended(ended) if ended.status != "completed" => {
            let why = ended.message.as_deref().map(|why| format!(": {why}"));
            note(
                &mut out,
                &format!("{}{}", ended.status, why.unwrap_or_default()),
            );
        }
        Body::Shortened => note(
            &mut out,
            "long outputs before this are sent by their heads and tails",
        ),
        Body::Continued(continued) => {
            let why = continued.reason.as_deref().unwrap_or("no reason was given");
            note(&mut out, &format!("incomplete: {why}; continued"));
        }
        _ => {}
    }
    out
}

fn write_item(out: &mut String, raw: &RawValue, of_model: bool) {
    let item: Value = serde_json::from_str(raw.get()).unwrap_or_default();
    let text = |name: &str| item[name].as_str().unwrap_or_default();
    match text("type") {
        "message" => {
            let title = match (of_model, is_interim(raw.get())) {
                (false, _) => "You",
                (true, true) => "Commentary",
                (true, false) => "Answer",
            };
            section(out, title, &texts(&item["content"]));
        }
        "reasoning" => {
            let summary = texts(&item["summary"]);
            let thought = if summary.is_empty() {
                texts(&item["content"])
            } else {
                summary
            };
            if !thought.is_empty() {
                section(out, "Reasoning", &quoted(&thought));
            }
        }
        "function_call" => call(out, text("name"), text("arguments"), "json"),
        "custom_tool_call" => call(out, text("name"), text("input"), ""),
        "function_call_output" | "custom_tool_call_output" => {
            let output = match &item["output"] {
                Value::String(text) => text.clone(),
                parts => texts(parts),
            };
            let lines = output.lines().count();
            let mut shown: Vec<&str> = output.lines().take(OUTPUT_LINES).collect();
            let more = format!(
                "… {} more",
                counted(lines.saturating_sub(OUTPUT_LINES), "line")
            );
            if lines > OUTPUT_LINES {
                shown.push(&more);
            }
            fenced(out, &shown.join("\n"), "");
        }
        kind => note(out, kind),
    }
}

fn write_partial(out: &mut String, partial: &Partial) {
    let marked = match partial.superseded {
        true => "broke off, and was asked for again",
        false => partial.status.as_str(),
    };
    if !partial.reasoning.is_empty() {
        let title = format!("Reasoning ({marked})");
        section(out, &title, &quoted(&partial.reasoning));
    }
    if !partial.text.is_empty() {
        section(out, &format!("Answer ({marked})"), &quoted(&partial.text));
    } else if partial.reasoning.is_empty() {
        note(out, marked);
    }
}

fn section(out: &mut String, title: &str, text: &str) {
    // Writing to a string does not fail.
    let _ = write!(out, "\n## {title}\n");
    if !text.trim().is_empty() {
        let _ = write!(out, "\n{}\n", text.trim_end());
    }
}

fn note(out: &mut String, text: &str) {
    let _ = write!(out, "\n*{}*\n", text.replace(['\n', '*'], " "));
}

fn call(out: &mut String, name: &str, arguments: &str, kind: &str) {
    let _ = write!(out, "\n### Call of `{}`\n", name.replace('`', "'"));
    fenced(out, arguments, kind);
}

/// A text between fences that it does not hold itself.
fn fenced(out: &mut String, text: &str, kind: &str) {
    let mut fence = "```".to_owned();
    while text.contains(&fence) {
        fence.push('`');
    }
    let _ = write!(out, "\n{fence}{kind}\n{}\n{fence}\n", text.trim_end());
}

fn quoted(text: &str) -> String {
    let lines = text.trim_end().lines();
    lines.map(|line| format!("> {line}\n")).collect()
}

/// The texts of parts; what is none is named.
fn texts(parts: &Value) -> String {
    let parts = parts.as_array().map_or(&[][..], Vec::as_slice);
    let texts = parts.iter().map(|part| {
        let text = ["text", "refusal"]
            .iter()
            .find_map(|name| part[*name].as_str());
        match (text, part["filename"].as_str()) {
            (Some(text), _) => text.to_owned(),
            (None, Some(name)) => format!("[{name}]"),
            (None, None) => format!("[{}]", part["type"].as_str().unwrap_or("part")),
        }
    });
    texts.collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::{Ended, StoredItem};

    #[test]
    fn everything_has_its_place() {
        let item = |raw: Value, issuer: bool| {
            Body::Item(StoredItem {
                raw: serde_json::value::to_raw_value(&raw).unwrap(),
                issuer: issuer.then(|| "x".to_owned()),
            })
        };
        let message = |role: &str, kind: &str, text: &str| json!({"type": "message", "role": role, "content": [{"type": kind, "text": text}]});
        let image = json!({"type": "message", "role": "user", "content": [
            {"type": "input_text", "text": "Look"}, {"type": "input_image"}, {"type": "input_file", "filename": "a.pdf"}]});
        let mut commentary = message("assistant", "output_text", "Hm.");
        commentary["phase"] = json!("commentary");
        let long = (0..30).map(|n| format!("line {n}\n")).collect::<String>();
        let bodies = [
            item(image, false),
            item(
                json!({"type": "reasoning", "summary": [{"type": "summary_text", "text": "a\nb"}]}),
                true,
            ),
            item(commentary, true),
            item(
                json!({"type": "function_call", "name": "f", "arguments": "{\"a\":\"```\"}"}),
                true,
            ),
            item(
                json!({"type": "function_call_output", "output": long}),
                false,
            ),
            Body::Partial(Partial {
                status: "truncated".into(),
                text: "Half".into(),
                superseded: true,
                ..Partial::default()
            }),
            item(message("assistant", "output_text", "Whole."), true),
            Body::Ended(Ended {
                status: "stopped".into(),
                message: Some("enough".into()),
                ..Ended::default()
            }),
        ];
        let entries: Vec<Entry> = bodies
            .into_iter()
            .zip(0..)
            .map(|(body, seq)| Entry {
                seq,
                turn: 1,
                at: 0,
                body,
            })
            .collect();
        let text = markdown("A title", &entries);
        for piece in [
            "# A title\n\n## You\n\nLook\n\n[input_image]\n\n[a.pdf]\n",
            "\n## Reasoning\n\n> a\n> b\n",
            "\n## Commentary\n\nHm.\n",
            "\n### Call of `f`\n\n````json\n{\"a\":\"```\"}\n````\n",
            "line 19\n… 10 lines more\n```\n",
            "\n## Answer (broke off, and was asked for again)\n\n> Half\n",
            "\n## Answer\n\nWhole.\n\n*stopped: enough*\n",
        ] {
            assert!(text.contains(piece), "no {piece:?} in\n{text}");
        }
    }
}
