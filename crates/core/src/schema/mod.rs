//! The public schema of Open Responses, as far as a stream's events need it: what the profile `open-responses` demands
//! of their shape, and how an event is made to fit.
//!
//! In come an event or a response object as raw JSON, out go the edits that make it fit; nothing else of it changes.
//! The grammar (order, ids, indices, what is opened and closed) is the matter of the other rules.

mod shape;
mod tables;

use crate::context::RequestFacts;
use crate::event::{Class, EventKind};
use crate::json::{Edit, Object, edit};

use shape::{Fit, Fitter, Need, Property};

pub(crate) use shape::{VENDOR, has_prefix};

/// A type's name as OpenAI has it: without OpenAI's own prefix.
pub(crate) fn bare(name: &str) -> &str {
    name.strip_prefix(VENDOR).unwrap_or(name)
}

/// What has to change for something to fit.
#[derive(Debug, Default)]
pub(crate) struct Misfit {
    /// The edits of its fields.
    pub(crate) edits: Vec<Edit>,
    /// Which fields did not fit, as paths.
    pub(crate) names: Vec<String>,
}

/// What has to change in an event of this kind.
pub(crate) fn misfit(kind: EventKind, data: &str) -> Misfit {
    let properties = properties(kind);
    let Some(event) = Object::parse(data).filter(|_| !properties.is_empty()) else {
        return Misfit::default();
    };
    let mut fitter = Fitter::new(status(kind));
    let edits = properties
        .iter()
        .filter_map(|property| fitter.property(property, event.get(property.name))?)
        .collect();
    Misfit {
        edits,
        names: fitter.changed,
    }
}

/// An event of this kind, made to fit.
pub(crate) fn fitted(kind: EventKind, data: &str) -> String {
    edit(data, &misfit(kind, data).edits)
}

/// What events of a kind have besides what the grammar's rules see to.
fn properties(kind: EventKind) -> &'static [Property] {
    match kind.class() {
        Class::Prelude | Class::Terminal => tables::LIFECYCLE,
        Class::ItemAdded | Class::ItemDone => tables::OF_ITEM,
        Class::PartAdded | Class::PartDone => tables::OF_PART,
        Class::TextDelta | Class::TextDone | Class::CallDelta => tables::PIECE,
        Class::Error => tables::FAILING,
        _ if kind == EventKind::OutputTextAnnotationAdded => tables::ANNOTATED,
        _ => &[],
    }
}

/// The status of an item that came without one, by the event that carries it.
fn status(kind: EventKind) -> &'static str {
    match kind.class() {
        Class::Prelude | Class::ItemAdded => "in_progress",
        _ => "completed",
    }
}

/// A field of a response that the upstream left out, and what it is filled with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filled {
    pub(crate) name: &'static str,
    pub(crate) raw: String,
    /// Copied from the request; else it is the specification's default.
    pub(crate) asked: bool,
}

/// What is wrong with the 31 required fields of a response, its items and its usage aside, which have rules of their
/// own: the fields that are filled, and the edits of those that fit in part.
pub(crate) fn response_fields(raw: &str, request: &RequestFacts) -> (Vec<Filled>, Vec<Edit>) {
    let response = Object::parse(raw).unwrap_or_default();
    let mut fitter = Fitter::new("completed");
    let (mut filled, mut edits) = (Vec::new(), Vec::new());
    for property in tables::RESPONSE {
        let given = response.get(property.name);
        if property.name == "output" || property.name == "usage" && given.is_some() {
            continue;
        }
        let step = fitter.property(property, given).flatten();
        match (step, property.need) {
            (Some(Edit::Set(name, raw)), Need::Default(default)) if raw == default => {
                filled.push(fill(property, name, default, request));
            }
            (step, _) => edits.extend(step),
        }
    }
    (filled, edits)
}

/// The fields that a response has besides those that the stream tells, each with what the request says of it, else with
/// the specification's default.
pub(crate) fn echo(request: &RequestFacts) -> impl Iterator<Item = Filled> + '_ {
    tables::RESPONSE
        .iter()
        .filter_map(|property| match property.need {
            Need::Default(default) if property.name != "object" => Some(Filled {
                name: property.name,
                raw: request.echoed(property.name).unwrap_or(default).to_owned(),
                asked: request.echoed(property.name).is_some(),
            }),
            _ => None,
        })
}

fn fill(property: &Property, name: &'static str, default: &str, request: &RequestFacts) -> Filled {
    let asked = request.echoed(name).and_then(|raw| {
        match Fitter::new("completed").fit(&property.shape, raw) {
            Fit::Same => Some(raw.to_owned()),
            Fit::Becomes(raw) => Some(raw),
            Fit::Unfit => None,
        }
    });
    Filled {
        name,
        asked: asked.is_some(),
        raw: asked.unwrap_or_else(|| default.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_response_has_thirty_one_fields() {
        assert_eq!(tables::RESPONSE.len(), 31);
        let own = |property: &&Property| matches!(property.need, Need::Own);
        let known: Vec<&str> = tables::RESPONSE
            .iter()
            .filter(own)
            .map(|property| property.name)
            .collect();
        assert_eq!(known, ["id", "created_at", "status", "model", "output"]);
    }

    #[test]
    fn what_the_request_said_comes_before_the_default() {
        let asked = r#"{"temperature":0.2,"top_p":"much","tools":[{"type":"function","name":"f"},{"type":"web_search"}]}"#;
        let request = RequestFacts::from_json(asked).unwrap();
        let (filled, edits) = response_fields(r#"{"store":true,"text":{}}"#, &request);
        let of = |name: &str| {
            let found = filled.iter().find(|field| field.name == name);
            found.map(|field| (field.raw.as_str(), field.asked))
        };
        assert_eq!(of("temperature"), Some(("0.2", true)));
        assert_eq!(of("top_p"), Some(("1.0", false)));
        assert_eq!(of("store"), None);
        let tools = r#"[{"type":"function","name":"f","description":null,"parameters":null,"strict":null},{"type":"openai:web_search"}]"#;
        assert_eq!(of("tools"), Some((tools, true)));
        // An object that is there is completed; that is no default of the whole field.
        assert_eq!(of("text"), Some((r#"{"format":{"type":"text"}}"#, false)));
        assert!(edits.is_empty());
    }

    #[test]
    fn an_event_is_made_to_fit() {
        for (kind, data, expected) in [
            (
                EventKind::OutputItemAdded,
                r#"{"item":{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":null}}"#,
                r#"{"item":{"type":"reasoning","id":"rs_1","summary":[],"status":"in_progress"}}"#,
            ),
            (
                EventKind::OutputItemDone,
                r#"{"item":{"type":"web_search_call","id":"ws_1","status":"failed"}}"#,
                r#"{"item":{"type":"openai:web_search_call","id":"ws_1","status":"failed"}}"#,
            ),
            (
                EventKind::OutputTextDelta,
                r#"{"delta":"a","logprobs":[{"token":"a","logprob":-0.1,"bytes":null}]}"#,
                r#"{"delta":"a","logprobs":[{"token":"a","logprob":-0.1,"bytes":[],"top_logprobs":[]}]}"#,
            ),
            (
                EventKind::OutputTextDelta,
                r#"{"delta":"a","logprobs":null}"#,
                r#"{"delta":"a"}"#,
            ),
            (
                EventKind::Error,
                r#"{"error":{"message":"no","code":7}}"#,
                r#"{"error":{"message":"no","code":null,"type":"server_error","param":null}}"#,
            ),
            (EventKind::WebSearchCallSearching, "{}", "{}"),
        ] {
            assert_eq!(fitted(kind, data), expected);
            let again = misfit(kind, expected);
            assert!(again.edits.is_empty(), "{expected}: {:?}", again.names);
        }
    }
}
