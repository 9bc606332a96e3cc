//! The shape of an `error` event.

use crate::ending::ResponseError;
use crate::event::{Class, EventKind, Field};
use crate::json::{Object, is_object, is_string, quote};
use crate::mend::{error_code, error_object};
use crate::violation::Code;

use super::{Grade, Rule, say};

/// OpenAI documents the flat shape and sends the nested one; clients read one or the other.
pub(super) static ERROR_SHAPE: Rule = Rule {
    code: Code("error-shape"),
    sdk: Grade::No,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "An error says `code` and `message` both at the top level and in an `error` object; under `open-responses` in the object.",
    mends: "Both shapes are put into one event, each field from where the upstream has it.",
    advice: "Say `code`, `message` and `param` at the top level of the `error` event, and once more in its `error` object.",
    evidence: "DEVIATIONS 5.2, 5.7; openai/openai-dotnet#881, Effect-TS/effect#7262, openai/openai-python#2487",
    fixture: "error-flat",
    on: &[Class::Error],
    inspect: |look| {
        let nested = look
            .event
            .field(Field::Error)
            .filter(|raw| is_object(raw))
            .and_then(Object::parse);
        if look.is_open() {
            let said = nested.is_some_and(|error| error.filled("message").is_some());
            return if said && look.event.kind() == EventKind::Error {
                None
            } else {
                say("The error is not said in an `error` object")
            };
        }
        let whole = nested.is_some_and(|error| {
            error.filled("message").is_some() && error.filled("code").is_some()
        }) && look.event.field(Field::Message).is_some_and(is_string)
            && look.event.field(Field::Code).is_some()
            && look.event.kind() == EventKind::Error;
        if whole {
            None
        } else {
            say("The error is not said in both shapes, flat and nested")
        }
    },
    mend: |mend| {
        let flat = Object::parse(mend.event.data()).unwrap_or_default();
        let error = ResponseError::merge(mend.event.present(Field::Error), &flat);
        let error =
            error.unwrap_or_else(|| ResponseError::upstream(None, String::new(), None, None));
        mend.draft.set("type", quote("error"));
        mend.draft.set("error", error_object(&error));
        mend.draft.set("code", quote(error_code(&error)));

        mend.draft.set("message", quote(&error.message));
        mend.draft.set(
            "param",
            error.param.as_deref().map_or("null".to_owned(), quote),
        );
    },
};
