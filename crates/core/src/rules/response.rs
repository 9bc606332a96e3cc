//! The `response` object of a lifecycle event: there, with one id, with the fields that strict readers need.

use std::borrow::Cow;

use crate::ending::ResponseError;
use crate::event::{Class, EventKind, Field};
use crate::json::{Edit, edit, is_array, is_object, is_string, is_truthy};
use crate::mend::{Mend, error_object};
use crate::model::Look;
use crate::schema;
use crate::violation::{Code, Profile};

use super::{Grade, Rule, Said, say};

const LIFECYCLE: &[Class] = &[Class::Prelude, Class::Terminal];

fn has_object(look: &Look<'_>) -> bool {
    look.event.field(Field::Response).is_some_and(is_object)
}

/// An ending is the upstream's word, whatever shape it has (PROTOCOL.md, profiles).
fn is_ending(look: &Look<'_>) -> bool {
    look.class == Class::Terminal && look.kind != EventKind::Completed
}

/// `response` is missing or null, or its fields stand at the top level.
pub(super) static OBJECT_MISSING: Rule = Rule {
    code: Code("response-object-missing"),
    sdk: Grade::Violation,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "A lifecycle event carries a `response` object.",
    mends: "The object is built from the event's own fields, and from what is known of the response.",
    advice: "Put the response's fields into an object under `response`: `{\"type\":\"response.completed\",\"response\":{\"id\":…,\"output\":[…]}}`. They do not belong at the top level, and `null` is no response.",
    evidence: "DEVIATIONS 1.5, 3.4; 7836246/cursor2api#116, BerriAI/litellm#22102",
    fixture: "response-object-missing",
    on: LIFECYCLE,
    inspect: |look| {
        if has_object(look) || look.is_sdk() && is_ending(look) {
            return None;
        }
        Some(format!("`{}` carries no `response` object", look.kind.name()).into())
    },
    mend: |mend| {
        let status = status_of(mend.kind);
        let event = mend.event;
        let flat = [Field::Id, Field::Output, Field::Status]
            .iter()
            .any(|field| event.present(*field).is_some());
        let built = if flat {
            let drop =
                ["type", "sequence_number", "response"].map(|key| Edit::Remove(key.to_owned()));
            edit(event.data(), &drop)
        } else {
            mend.build_response(status, "[]", None)
        };
        let edits = mend.response_edits(&built, status, mend.kind == EventKind::Created);
        mend.draft.set("response", edit(&built, &edits));
    },
};

fn missing_id(look: &Look<'_>) -> bool {
    look.nested.filled("id").is_none()
}

/// The response has no id.
pub(super) static ID_MISSING: Rule = Rule {
    code: Code("response-id-missing"),
    sdk: Grade::Violation,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "Every lifecycle event has the response's id.",
    mends: "The first id is written throughout; where the upstream gives none, one is made up (`resp_respair_…`).",
    advice: "Send `response.id` with every lifecycle event, the same from `response.created` to the terminal event.",
    evidence: "DEVIATIONS 4.11; Oaklight/llm-rosetta#56 (codex-rs: \"missing field `id`\"); openai-python: \"Lifecycle response identity changed.\"",
    fixture: "response-id-missing",
    on: LIFECYCLE,
    inspect: |look| {
        let known = look.model.response_id().is_some();
        if !has_object(look) || !missing_id(look) || look.is_sdk() && (is_ending(look) || !known) {
            return None;
        }
        say("Lifecycle response identity changed: the response has no id")
    },
    mend: pin_id,
};

/// The response's id is another one.
pub(super) static ID_CHANGED: Rule = Rule {
    code: Code("response-id-changed"),
    sdk: Grade::Violation,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "One response id, from the first event to the last.",
    mends: "The first id is written throughout; the last one is reported as `upstream_response_id`.",
    advice: "Settle the response's id at `response.created` and write that one into every later `response` object, whatever the upstream calls it by then.",
    evidence: "DEVIATIONS 1.9 (GitHub Copilot); duolahypercho/codex-router#814; openai-python: \"Lifecycle response identity changed.\"",
    fixture: "response-id-changed",
    on: LIFECYCLE,
    inspect: |look| {
        if look.is_sdk() && is_ending(look) {
            return None;
        }
        let now = look.nested.filled("id")?;
        let first = look.model.response_id.as_ref()?;
        if first.as_deref() == Some(&*now) {
            return None;
        }
        let first: Cow<'_, str> = first
            .as_deref()
            .map_or("none".into(), |id| format!("`{id}`").into());
        Some(format!("Lifecycle response identity changed: from {first} to `{now}`").into())
    },
    mend: pin_id,
};

fn pin_id(mend: &mut Mend<'_>) {
    if let Some(object) = mend
        .event
        .field(Field::Response)
        .and_then(crate::json::Object::parse)
    {
        mend.model.learn_response(&object);
    }
    let pinned = mend.model.pin_response_edit();
    mend.draft.edit_nested([pinned]);
}

/// Fields that strict readers need.
pub(super) static FIELDS_MISSING: Rule = Rule {
    code: Code("response-fields-missing"),
    sdk: Grade::Violation,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "The response object has `object`, `created_at`, `model`, `status` and an `output` array, empty at first; under `open-responses` all 31 fields of the schema.",
    mends: "The fields are filled: from earlier events, the request, the clock, or the specification's defaults.",
    advice: "Send the whole response object from the first event on: at least `id`, `object`, `created_at`, `model`, `status`, and `output`, which is `[]` in `response.created`.",
    evidence: "DEVIATIONS 1.6, 4.11; ggml-org/llama.cpp#20607, #21174, diegosouzapw/OmniRoute#13964",
    fixture: "response-fields-missing",
    on: LIFECYCLE,
    inspect: fields,
    mend: |mend| {
        let status = status_of(mend.kind);
        let raw = mend
            .draft
            .current(mend.event, Field::Response)
            .unwrap_or("{}")
            .to_owned();
        let terminal = mend.kind.class() == Class::Terminal && mend.kind != EventKind::Failed;
        let edits = mend.response_edits(&raw, status, mend.kind == EventKind::Created);
        // A terminal's output is the matter of `terminal-output-missing`.
        let mut edits: Vec<Edit> = edits
            .into_iter()
            .filter(|step| !terminal || !matches!(step, Edit::Set("output", _)))
            .collect();
        if mend.kind == EventKind::Failed {
            // What was done before it failed is its output.
            for step in &mut edits {
                if let Edit::Set("output", raw) = step {
                    *raw = crate::json::array(mend.model.slots.output(None));
                }
            }
        }
        mend.draft.edit_nested(edits);
        let object = crate::json::Object::parse(&raw).unwrap_or_default();
        let said = object
            .get("error")
            .is_some_and(|raw| is_object(raw) && is_truthy(raw));
        if mend.kind == EventKind::Failed && !said {
            let error = mend
                .model
                .error
                .clone()
                .unwrap_or_else(ResponseError::unsaid);
            mend.draft.set_nested("error", error_object(&error));
        }
        if mend.profile == Profile::OpenResponses {
            mend.fill_required(&raw);
        }
    },
};

fn fields(look: &Look<'_>) -> Said {
    if !has_object(look) {
        return None;
    }
    let output = look.nested.get("output");
    if look.is_sdk() {
        let wrong = output.is_some_and(|raw| is_truthy(raw) && !is_array(raw)) && !is_ending(look);
        return if wrong {
            say("The response's `output` is no array")
        } else {
            None
        };
    }
    let mut missing: Vec<&str> = Vec::new();
    for key in ["object", "model", "status"] {
        if !look.nested.get(key).is_some_and(|raw| match key {
            "object" => raw == "\"response\"",
            _ => is_string(raw) && raw.len() > 2,
        }) {
            missing.push(key);
        }
    }
    if !look.nested.get("created_at").is_some_and(is_seconds) {
        missing.push("created_at");
    }
    let listed = output.is_some_and(is_array);
    // What a completed response lacks of its output is the matter of `terminal-output-missing`.
    if (look.class == Class::Prelude || look.kind == EventKind::Failed) && !listed {
        missing.push("output");
    }
    if look.kind == EventKind::Created && listed && output.is_some_and(is_truthy) {
        return say("`response.created` already holds output");
    }
    let said = look.nested.get("error").filter(|raw| is_object(raw));
    if look.kind == EventKind::Failed && !said.is_some_and(is_truthy) {
        missing.push("error");
    }
    let unfit = look.is_open().then(|| open_fields(look));
    missing.extend(unfit.iter().flatten().copied());
    if missing.is_empty() {
        return None;
    }
    Some(format!("The response lacks `{}`", missing.join("`, `")).into())
}

/// Typed readers take `created_at` for an integer, as the schema has it.
fn is_seconds(raw: &str) -> bool {
    raw.bytes().all(|byte| byte.is_ascii_digit())
}

/// Those of the schema's fields that are missing or of another type, besides the ones that every profile asks for.
fn open_fields(look: &Look<'_>) -> Vec<&'static str> {
    let raw = look.event.field(Field::Response).unwrap_or("{}");
    let (filled, edits) = schema::response_fields(raw, &look.model.context.request);
    let filled = filled.iter().map(|field| field.name);
    let names = filled.chain(edits.iter().filter_map(Edit::key));
    // A failed response's error is asked for above.
    let asked = |name: &&str| {
        !matches!(*name, "object") && (*name != "error" || look.kind != EventKind::Failed)
    };
    names.filter(asked).collect()
}

/// The status of the response in an event of this kind.
pub(super) fn status_of(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Queued => "queued",
        EventKind::Completed => "completed",
        EventKind::Incomplete => "incomplete",
        EventKind::Failed | EventKind::ResponseDone => "failed",
        _ => "in_progress",
    }
}
