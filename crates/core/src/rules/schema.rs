//! The public schema, where no other rule says it better.

use crate::event::{Class, Event, EventKind, Field};
use crate::json::is_string;
use crate::model::text_kind_of;
use crate::schema;
use crate::slots::TextKind;
use crate::violation::Code;

use super::{Grade, OBJECTS, Rule};

/// Asked only of an event in which nothing else was found: what lacks its item's fields is named by the rule of that.
pub(super) static SCHEMA_MISMATCH: Rule = Rule {
    code: Code("schema-mismatch"),
    sdk: Grade::No,
    portable: Grade::No,
    open: Grade::Violation,
    demands: "Every event fits the public schema; what the schema does not define has its vendor's prefix.",
    mends: "A field that is required gets its default, an optional one that does not fit is taken out, OpenAI's own items, parts, annotations and tools get the prefix `openai:`.",
    advice: "Validate what you send against the schema at openresponses.org: a `status` on every item, no null where a field is optional, `annotations` on every output text, and your own types as `your-slug:name`.",
    evidence: "The specification, extending items: `openai:web_search_call`; its schema of 2026-04-24",
    fixture: "schema-mismatch",
    on: OBJECTS,
    inspect: |look| {
        if says_nothing(look.event, look.kind) {
            return Some(format!("`{}` lacks what is done", look.wire_name()).into());
        }
        let misfit = schema::misfit(look.kind, look.event.data());
        if misfit.edits.is_empty() {
            return None;
        }
        let names: Vec<&str> = misfit.names.iter().map(String::as_str).take(MANY).collect();
        let more = if misfit.names.len() > MANY {
            " and more"
        } else {
            ""
        };
        Some(
            format!(
                "The event does not fit the schema: `{}`{more}",
                names.join("`, `")
            )
            .into(),
        )
    },
    mend: |mend| {
        if says_nothing(mend.event, mend.kind) {
            // Known from the deltas: not the schema's default.
            return super::done_text::mend(mend);
        }
        let misfit = schema::misfit(mend.kind, mend.event.data());
        for step in misfit.edits {
            mend.draft.edit(step);
        }
    },
};

/// So many fields are named.
const MANY: usize = 8;

/// A done event without the text, arguments or input that it is there for.
fn says_nothing(event: &Event, kind: EventKind) -> bool {
    let field = match kind.class() {
        Class::TextDone => text_kind_of(event, kind, None).map(TextKind::text_field),
        Class::CallDone if kind == EventKind::CustomToolCallInputDone => Some(Field::Input),
        Class::CallDone => Some(Field::Arguments),
        _ => None,
    };
    field.is_some_and(|field| !event.field(field).is_some_and(is_string))
}
