//! Lifecycle and terminal events: the response object, and what its `output` must hold.

use serde_json::Value;

use super::Judge;
use super::items::said_by;
use crate::Terminal;
use crate::json::shape;

impl Judge {
    /// `response.created`, `.queued`, `.in_progress`.
    pub(super) fn lifecycle(&mut self, event: &Value, kind: &str) {
        let response = &event["response"];
        self.response(response);
        if kind == "response.created" {
            if self.created {
                self.fault("lifecycle-repeated", "a second response.created");
            }
            self.created = true;
            if response["output"]
                .as_array()
                .is_some_and(|output| !output.is_empty())
            {
                self.fault("response-fields-missing", "`output` is not empty at first");
            }
            return;
        }
        // openai-node 6 replaces its snapshot: what a later lifecycle event leaves out is gone.
        let kept = ids(&response["output"]);
        if !self
            .items
            .values()
            .all(|item| kept.contains(&item.id.as_str()))
        {
            let message = format!("{kind} takes back items that were added");
            self.fault("lifecycle-repeated", message);
        }
    }

    /// `response.completed`, `.incomplete`, `.failed`.
    pub(super) fn terminal(&mut self, event: &Value, kind: &str) {
        let response = &event["response"];
        self.response(response);
        let (terminal, status) = match kind {
            "response.completed" => (Terminal::Completed, "completed"),
            "response.incomplete" => (Terminal::Incomplete, "incomplete"),
            _ => (Terminal::Failed, "failed"),
        };
        if response["status"] != status {
            self.fault(
                "terminal-status-mismatch",
                format!("{kind} says {}", response["status"]),
            );
        }
        if terminal == Terminal::Failed {
            let error = &response["error"];
            if !error["code"].is_string() || !error["message"].is_string() {
                self.fault(
                    "response-fields-missing",
                    "a failed response says `error.code` and `error.message`",
                );
            }
        } else {
            if self.error.is_some() {
                self.fault("error-without-failed", format!("{kind} after an error"));
            }
            self.all_done(terminal);
            self.none_cut_off(terminal);
            self.output(&response["output"]);
        }
        self.summary.terminal = Some(terminal);
    }

    /// The response object, on every event that carries one.
    fn response(&mut self, response: &Value) {
        if !response.is_object() {
            return;
        }
        match response["id"].as_str().filter(|id| !id.is_empty()) {
            None => self.fault(
                "response-id-missing",
                format!("`id` is {}", shape(&response["id"])),
            ),
            Some(id) => {
                if self.response_id.as_deref().is_some_and(|first| first != id) {
                    self.fault(
                        "response-id-changed",
                        format!("{id}, first {:?}", self.response_id),
                    );
                }
                self.response_id.get_or_insert_with(|| id.to_owned());
            }
        }
        for (field, fits) in [
            ("object", response["object"] == "response"),
            ("created_at", response["created_at"].is_number()),
            ("model", response["model"].is_string()),
            ("status", response["status"].is_string()),
            ("output", response["output"].is_array()),
        ] {
            if !fits {
                self.fault(
                    "response-fields-missing",
                    format!("`{field}` is {}", shape(&response[field])),
                );
            }
        }
        self.usage(&response["usage"]);
    }

    /// Whole, or null: codex-rs fails the parse of half a usage and asks again.
    fn usage(&mut self, usage: &Value) {
        let whole = ["input_tokens", "output_tokens", "total_tokens"]
            .iter()
            .all(|field| usage[*field].is_u64());
        let details = [
            ("input_tokens_details", "cached_tokens"),
            ("output_tokens_details", "reasoning_tokens"),
        ]
        .iter()
        .all(|(field, within)| usage[*field].is_null() || usage[*field][*within].is_u64());
        let fits = usage.is_null() || (whole && details);
        if !fits {
            self.fault("usage-incomplete", usage.to_string());
        }
    }

    /// Under the upstream's own terminal everything is closed, and the indices have no hole. An incomplete response may
    /// leave a call unfinished: to close it would be to say that it can be run.
    fn all_done(&mut self, terminal: Terminal) {
        let cut = terminal == Terminal::Incomplete;
        let open: Vec<u64> = self
            .items
            .iter()
            .filter(|(_, item)| item.done.is_none() && !(cut && item.is_call()))
            .map(|(at, _)| *at)
            .collect();
        if !open.is_empty() {
            self.fault("item-done-missing", format!("still open: {open:?}"));
        }
        let indices: Vec<u64> = self.items.keys().copied().collect();
        if indices
            .iter()
            .zip(0..)
            .any(|(index, place)| *index != place)
        {
            self.fault("output-index-gap", format!("{indices:?}"));
        }
    }

    /// An item that ends incomplete makes its response incomplete.
    fn none_cut_off(&mut self, terminal: Terminal) {
        let cut = |item: &&super::items::Item| {
            item.done
                .as_ref()
                .is_some_and(|done| done["status"] == "incomplete")
        };
        if self.open
            && terminal == Terminal::Completed
            && self.items.values().any(|item| cut(&item))
        {
            self.fault(
                "item-incomplete-not-last",
                "an item is incomplete, its response is completed",
            );
        }
    }

    /// `output` holds the items that were done, in index order, saying the same.
    fn output(&mut self, output: &Value) {
        let Some(output) = output.as_array() else {
            return;
        };
        let done: Vec<(u64, Value)> = self
            .items
            .iter()
            .filter_map(|(at, item)| Some((*at, item.done.clone()?)))
            .collect();
        if output.len() != done.len() {
            let message = format!(
                "`output` holds {} items, {} were done",
                output.len(),
                done.len()
            );
            self.fault("terminal-output-missing", message);
        }
        for (held, (at, item)) in output.iter().zip(&done) {
            if ["type", "id", "call_id"]
                .iter()
                .any(|field| held[*field] != item[*field])
            {
                self.fault(
                    "terminal-output-missing",
                    format!("`output` holds something else in place {at}"),
                );
            } else if said_by(held) != said_by(item) {
                self.fault(
                    "done-text-mismatch",
                    format!("`output` and the done item {at} disagree"),
                );
            }
        }
    }
}

fn ids(output: &Value) -> Vec<&str> {
    output
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|item| item["id"].as_str())
        .collect()
}
