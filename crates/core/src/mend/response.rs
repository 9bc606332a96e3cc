//! The `response` object where the upstream left it, or its fields, out.

use crate::event::EventKind;
use crate::json::{Edit, Object, edit, quote};

use super::Mend;

/// The fields that the specification requires of a response, with its own defaults. `tools` and `tool_choice` are
/// what a request without tools has.
const DEFAULTS: &str = concat!(
    r#""completed_at":null,"incomplete_details":null,"previous_response_id":null,"instructions":null,"#,
    r#""error":null,"tools":[],"tool_choice":"auto","truncation":"disabled","parallel_tool_calls":true,"#,
    r#""text":{"format":{"type":"text"}},"top_p":1.0,"presence_penalty":0.0,"frequency_penalty":0.0,"#,
    r#""top_logprobs":0,"temperature":1.0,"reasoning":null,"usage":null,"max_output_tokens":null,"#,
    r#""max_tool_calls":null,"store":false,"background":false,"service_tier":"default","metadata":{},"#,
    r#""safety_identifier":null,"prompt_cache_key":null"#
);

impl Mend<'_> {
    /// Gives out `response.created`, unless it is out. `like` is a response object to take it from.
    pub(crate) fn ensure_created(&mut self, like: Option<&str>) {
        if self.model.created {
            return;
        }
        if let Some(object) = like.and_then(Object::parse) {
            self.model.learn_response(&object);
        }
        self.model.pin_response_id();
        let response = match like {
            Some(raw) => {
                let mut edits = self.response_edits(raw, "in_progress", true);
                // What the response cost is known at its end (DEVIATIONS 10.5).
                edits.extend(usage(raw).map(|_| Edit::Set("usage", "null".to_owned())));
                edit(raw, &edits)
            }
            None => self.build_response("in_progress", "[]", None),
        };
        self.model.created = true;
        self.make(EventKind::Created, &format!(r#""response":{response}"#));
    }

    /// A whole response object from what is known.
    pub(crate) fn build_response(
        &mut self,
        status: &str,
        output: &str,
        error: Option<&str>,
    ) -> String {
        let pinned = self.model.pin_response_edit();
        let (created_at, model) = (self.created_at(), self.model_name());
        let whole = format!(
            r#"{{"id":null,"object":"response","created_at":{created_at},"status":{},"model":{model},"output":{output},{DEFAULTS}}}"#,
            quote(status),
        );
        let error = error.map(|error| Edit::Set("error", error.to_owned()));
        edit(
            &whole,
            &[Some(pinned), error]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>(),
        )
    }

    /// The edits that give a response object its id and the fields that every strict reader needs. With `fresh` it
    /// becomes the response of a `created` event: that status, and an empty output.
    pub(crate) fn response_edits(&mut self, raw: &str, status: &str, fresh: bool) -> Vec<Edit> {
        let object = Object::parse(raw).unwrap_or_default();
        self.model.learn_response(&object);
        let mut edits = Vec::new();
        let pinned = self.model.pin_response_edit();
        if object.filled("id").as_deref() != self.model.response_id() {
            edits.push(pinned);
        }
        for (key, value) in [
            ("object", quote("response")),
            ("created_at", self.created_at()),
            ("status", quote(status)),
            ("model", self.model_name()),
            ("output", "[]".to_owned()),
        ] {
            let reset = fresh && matches!(key, "status" | "output");
            let given = object.present(key);
            let usable = given.is_some_and(|given| match key {
                "output" => given.starts_with('['),
                "created_at" => given
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || byte == b'.'),
                _ => given.starts_with('"') && given.len() > 2,
            });
            if reset && given != Some(&value) || !usable {
                edits.push(Edit::Set(key, value));
            }
        }
        edits
    }

    fn created_at(&self) -> String {
        let known = self
            .model
            .created_at
            .as_ref()
            .filter(|raw| raw.bytes().all(|at| at.is_ascii_digit() || at == b'.'));
        known
            .cloned()
            .unwrap_or_else(|| self.model.context.now_unix.to_string())
    }

    fn model_name(&self) -> String {
        let asked = || {
            self.model
                .context
                .request
                .model
                .as_deref()
                .unwrap_or("respair_unknown")
        };
        self.model
            .model_name
            .clone()
            .filter(|raw| raw.len() > 2)
            .unwrap_or_else(|| quote(asked()))
    }
}

/// The usage that a response object already tells.
fn usage(response: &str) -> Option<&str> {
    Object::parse(response)?.present("usage")
}
