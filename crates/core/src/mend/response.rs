//! The `response` object where the upstream left it, or its fields, out.

use crate::event::EventKind;
use crate::json::{Edit, Object, edit, quote};
use crate::schema;

use super::Mend;

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

    /// A whole response object from what is known: of the request where it is, else of the specification's defaults. It
    /// belongs to an event that is made up, which is reported as such, and not field by field.
    pub(crate) fn build_response(
        &mut self,
        status: &str,
        output: &str,
        error: Option<&str>,
    ) -> String {
        let pinned = self.model.pin_response_edit();
        let (created_at, model) = (self.created_at(), self.model_name());
        let request = &self.model.context.request;
        let mut echoed = String::new();
        for field in schema::echo(request) {
            echoed.push_str(&format!(r#","{}":{}"#, field.name, field.raw));
        }
        let whole = format!(
            r#"{{"id":null,"object":"response","created_at":{created_at},"status":{},"model":{model},"output":{output}{echoed}}}"#,
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
                "object" => given == value,
                "created_at" => given.bytes().all(|byte| byte.is_ascii_digit()),
                _ => given.starts_with('"') && given.len() > 2,
            });
            if reset && given != Some(&value) || !usable {
                self.note_filled(key);
                edits.push(Edit::Set(key, value));
            }
        }
        edits
    }

    /// Fills what the schema requires of the event's response besides, from the request or with the specification's
    /// defaults.
    pub(crate) fn fill_required(&mut self, raw: &str) {
        let (filled, edits) = schema::response_fields(raw, &self.model.context.request);
        for field in filled {
            // What a failed response says of its error is set where its other fields are.
            if field.name == "error" && self.kind == EventKind::Failed {
                continue;
            }
            self.model.defaulted.note(field.name, field.asked);
            self.draft.set_nested(field.name, field.raw);
        }
        self.draft.edit_nested(edits);
    }

    /// Reports a field that no event of the upstream's told: its model, its time.
    fn note_filled(&mut self, name: &'static str) {
        let model = &mut *self.model;
        match name {
            "model" if !known_model(model.model_name.as_deref()) => {
                let asked = model.context.request.model.is_some();
                model.defaulted.note("model", asked);
            }
            "created_at" if !known_time(model.created_at.as_deref()) => {
                model.defaulted.note("created_at", false);
            }
            _ => {}
        }
    }

    fn created_at(&self) -> String {
        let known = self.model.created_at.as_deref();
        known
            .filter(|raw| known_time(Some(raw)))
            // The time of a finer clock loses its fraction.
            .and_then(|raw| raw.split('.').next())
            .map_or_else(|| self.model.context.now_unix.to_string(), str::to_owned)
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
            .filter(|raw| known_model(Some(raw)))
            .unwrap_or_else(|| quote(asked()))
    }
}

/// A model's name as raw JSON, and not an empty one.
fn known_model(raw: Option<&str>) -> bool {
    raw.is_some_and(|raw| raw.len() > 2)
}

/// A time as raw JSON: seconds, perhaps with a fraction.
fn known_time(raw: Option<&str>) -> bool {
    raw.is_some_and(|raw| raw.bytes().all(|at| at.is_ascii_digit() || at == b'.'))
}

/// The usage that a response object already tells.
fn usage(response: &str) -> Option<&str> {
    Object::parse(response)?.present("usage")
}
