//! The profile `portable`: the grammar of a conforming stream, and what every strict reader needs at once.
//!
//! One pass over the blocks. Faults are collected, not stopped at; after one, what follows is judged as well as it can be.

mod items;
mod response;

use std::collections::BTreeMap;

use serde_json::Value;

use self::items::Item;
use crate::json::{read, shape, truthy};
use crate::open_responses::{self, Named, schema};
use crate::sse::{Block, strict};
use crate::vocabulary::entry;
use crate::{Fault, Summary, Terminal};

/// Judges a body under `portable`.
pub(crate) fn judge(bytes: &[u8]) -> Result<Summary, Vec<Fault>> {
    judge_under(bytes, false)
}

/// Judges a body under `open-responses`: the same grammar with other names, and the schema.
pub(crate) fn judge_open(bytes: &[u8]) -> Result<Summary, Vec<Fault>> {
    judge_under(bytes, true)
}

fn judge_under(bytes: &[u8], open: bool) -> Result<Summary, Vec<Fault>> {
    let mut faults = Vec::new();
    let blocks = strict(bytes, !open, &mut faults);
    let mut judge = Judge {
        faults,
        open,
        ..Judge::default()
    };
    for (position, block) in blocks.iter().enumerate() {
        judge.position = position;
        judge.block(block);
    }
    judge.end_of_body();
    if judge.faults.is_empty() {
        Ok(judge.summary)
    } else {
        Err(judge.faults)
    }
}

/// What `open-responses` does not demand, or says in its schema.
const LEFT_OPEN: &[&str] = &[
    "duplicate-key",
    "lone-surrogate",
    "done-text-mismatch",
    "response-fields-missing",
    "item-fields-missing",
    "part-fields-missing",
    "usage-incomplete",
];

#[derive(Default)]
struct Judge {
    /// Under `open-responses`.
    open: bool,
    faults: Vec<Fault>,
    /// Of the block in hand, counted over the blocks that carry data.
    position: usize,
    events: usize,
    created: bool,
    /// What came before `response.created`, if anything did.
    early: Option<(usize, String)>,
    response_id: Option<String>,
    sequence: Option<i64>,
    items: BTreeMap<u64, Item>,
    /// An `error` event that waits for its `response.failed`.
    error: Option<usize>,
    done_sentinel: bool,
    summary: Summary,
}

impl Judge {
    fn fault(&mut self, code: &'static str, message: impl Into<String>) {
        // What the specification leaves open, and the fields that the schema is asked about.
        if self.open && LEFT_OPEN.contains(&code) {
            return;
        }
        self.faults.push(Fault::new(code, self.position, message));
    }

    fn block(&mut self, block: &Block) {
        if block.data == "[DONE]" {
            if self.done_sentinel || self.summary.terminal.is_none() {
                self.fault(
                    "event-after-terminal",
                    "[DONE] comes once, after the terminal event",
                );
            }
            self.done_sentinel = true;
            return;
        }
        if block.data.is_empty() {
            return self.fault("data-empty", "`data:` with nothing in it");
        }
        let Some(json) = read(&block.data) else {
            let whole_lines =
                block.lines > 1 && block.data.lines().all(|line| read(line).is_some());
            let code = if whole_lines {
                "blank-line-missing"
            } else {
                "data-not-json"
            };
            return self.fault(
                code,
                format!("{:?}", block.data.chars().take(60).collect::<String>()),
            );
        };
        if json.duplicate_key {
            self.fault("duplicate-key", "an object has the same key twice");
        }
        if json.lone_surrogate {
            self.fault("lone-surrogate", "a string holds half of a surrogate pair");
        }
        match &json.value {
            Value::Object(_) => self.event(&json.value, block.event.as_deref()),
            Value::Null => self.fault("data-null", "an event that is null"),
            other => {
                let message = format!("an event that is {}", shape(other));
                self.fault("data-not-object", message);
            }
        }
    }

    fn event(&mut self, event: &Value, name: Option<&str>) {
        self.events += 1;
        let Some(kind) = event["type"].as_str() else {
            return self.fault("type-missing", "no `type`");
        };
        if name != Some(kind) {
            self.fault(
                "event-name-mismatch",
                format!("`event:` is {name:?}, `type` is {kind:?}"),
            );
        }
        if self.summary.terminal.is_some() || self.done_sentinel {
            let again = matches!(
                kind,
                "response.completed" | "response.incomplete" | "response.failed"
            );
            let code = if again {
                "terminal-duplicate"
            } else {
                "event-after-terminal"
            };
            return self.fault(code, format!("{kind} after the end"));
        }
        if !self.created && kind != "response.created" && self.early.is_none() {
            self.early = Some((self.position, kind.to_owned()));
        }
        self.sequence_number(&event["sequence_number"]);
        if let Some(at) = self.error
            && kind != "response.failed"
        {
            self.fault(
                "error-without-failed",
                format!("{kind} after the error at event {at}"),
            );
        }
        if kind != "error" && truthy(&event["error"]) {
            self.fault("error-shape", format!("{kind} carries an error of its own"));
        }
        let kind = match self.open.then(|| open_responses::named(kind)) {
            None => kind,
            Some(Named::Known(name)) => {
                self.schema(kind, event);
                name
            }
            Some(Named::Vendor) => return,
            Some(Named::Unknown) => return self.fault("unknown-event", kind),
        };
        let Some((_, item_types, required)) = entry(kind) else {
            let code = if kind == "response.done" {
                "terminal-alias"
            } else {
                "unknown-event"
            };
            return self.fault(code, kind);
        };
        self.required(event, kind, required);
        match kind {
            "response.created" | "response.queued" | "response.in_progress" => {
                self.lifecycle(event, kind)
            }
            "response.completed" | "response.incomplete" | "response.failed" => {
                self.terminal(event, kind)
            }
            "error" => self.error(event),
            "response.output_item.added" => self.item_added(event),
            "response.output_item.done" => self.item_done(event),
            _ if required.contains(&"output_index") => self.item_event(event, kind, item_types),
            _ => {}
        }
    }

    fn schema(&mut self, kind: &str, event: &Value) {
        let misfits = schema::misfits(kind, event);
        if !misfits.is_empty() {
            let message = format!("{kind}: {}", misfits.join(", "));
            self.fault("schema-mismatch", message);
        }
    }

    fn sequence_number(&mut self, value: &Value) {
        match value.as_i64() {
            None => self.fault(
                "sequence-missing",
                format!("`sequence_number` is {}", shape(value)),
            ),
            Some(number) => {
                if self.sequence.is_some_and(|last| number <= last) {
                    let message = format!("{number} after {}", self.sequence.unwrap_or_default());
                    self.fault("sequence-not-increasing", message);
                }
                self.sequence = Some(number);
            }
        }
    }

    /// Presence and type of the required fields; what they say is judged where they are used.
    fn required(&mut self, event: &Value, kind: &str, required: &[&str]) {
        for field in required {
            let value = &event[*field];
            let shell = kind.starts_with("response.shell_call");
            let (code, fits) = match *field {
                "output_index" => ("output-index-missing", value.is_u64()),
                "content_index" => ("content-index-missing", value.is_u64()),
                "summary_index" | "annotation_index" | "command_index" | "partial_image_index" => {
                    ("event-fields-missing", value.is_u64())
                }
                "item_id" => (
                    "item-id-missing",
                    value.as_str().is_some_and(|id| !id.is_empty()),
                ),
                "delta" => ("delta-not-string", value.is_string() || shell),
                "response" => ("response-object-missing", value.is_object()),
                "item" => ("item-fields-missing", value.is_object()),
                "part" => ("part-fields-missing", value.is_object()),
                // Of the `error` event: judged with its shape.
                "message" => continue,
                _ => (
                    "event-fields-missing",
                    value.is_string() || (shell && !value.is_null()),
                ),
            };
            if !fits {
                self.fault(code, format!("{kind}: `{field}` is {}", shape(value)));
            }
        }
    }

    /// Both shapes in one event, so that readers of either see the same.
    fn error(&mut self, event: &Value) {
        self.error = Some(self.position);
        if self.open {
            return;
        }
        let nested = &event["error"];
        let agree = nested["message"].is_string()
            && ["message", "code"]
                .iter()
                .all(|field| event[*field] == nested[*field])
            && event["code"].is_string();
        if !agree {
            self.fault(
                "error-shape",
                "an error has the same `code` and `message` at its top and under `error`",
            );
        }
    }

    fn end_of_body(&mut self) {
        if self.open {
            if !self.done_sentinel {
                self.fault("done-sentinel-missing", "[DONE] is the last thing");
            }
            self.early = None;
        }
        if let Some((position, kind)) = self.early.take() {
            let code = if self.created {
                "created-not-first"
            } else {
                "created-missing"
            };
            self.faults.push(Fault::new(
                code,
                position,
                format!("the first event is {kind}"),
            ));
        } else if self.events == 0 && !self.open {
            self.fault("created-missing", "no event at all");
        }
        match (self.summary.terminal, self.error) {
            (Some(Terminal::Failed), _) | (Some(_), None) => {}
            (_, Some(at)) => self.faults.push(Fault::new(
                "error-without-failed",
                at,
                "no response.failed follows",
            )),
            (None, None) => self.fault("terminal-missing", "the stream just stops"),
        }
    }
}
