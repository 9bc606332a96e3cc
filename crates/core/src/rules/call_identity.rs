//! An item keeps its type, and a call its `call_id`, from added to done.

use crate::event::{Class, Field};
use crate::json::{Object, is_object};
use crate::model::{Identity, Look};
use crate::schema::bare;
use crate::slots::ItemType;
use crate::violation::Code;

use super::{Grade, Rule, Said, say};

/// A call whose identity changes cannot be joined to its output.
pub(super) static CALL_IDENTITY_CHANGED: Rule = Rule {
    code: Code("call-identity-changed"),
    sdk: Grade::Violation,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "An item keeps its type and `call_id` from added to done.",
    mends: "A `call_id` that is left out is filled in; a contradiction makes the response fail.",
    advice: "Build `response.output_item.done` from the item that was added: the same `type`, the same `call_id`. Do not parse the model's answer a second time for the final items.",
    evidence: "DEVIATIONS 2.9, 9.2; vllm-project/vllm#56285, router-for-me/CLIProxyAPI#5692; openai-python: \"Completed output item identity changed.\"",
    fixture: "call-identity-changed",
    on: &[Class::ItemDone],
    inspect,
    mend: |mend| {
        mend.fail(
            "call_identity_conflict",
            "the upstream changed a call's identity between its start and its end",
        );
    },
};

fn inspect(look: &Look<'_>) -> Said {
    if look.is_sdk() {
        let at = look.at_index()?;
        let added =
            Identity::of(&Object::parse(&look.model.slots.list[at].added).unwrap_or_default());
        if !look.event.field(Field::Item).is_some_and(is_object) {
            return say("Completed output item identity changed: the item is missing");
        }
        let done = Identity::of(&look.nested);
        // The native service changes it for this type (PROTOCOL.md, native recordings).
        let excused = added.type_name == "tool_search_call" && done.type_name == added.type_name;
        if !excused && (added.type_name != done.type_name || added.call_id != done.call_id) {
            return say("Completed output item identity changed.");
        }
        return None;
    }
    let slot = look.slot().filter(|slot| slot.is_open())?;
    let name = look.nested.filled("type").unwrap_or_default();
    if (slot.kind.is_call() || ItemType::from_name(&name).is_call())
        && bare(&name) != bare(&slot.type_name)
        && !name.is_empty()
    {
        return Some(
            format!(
                "The item was a `{}` when it was added and is a `{name}` when it is done",
                slot.type_name
            )
            .into(),
        );
    }
    let (added, done) = (
        slot.call_id.as_deref().filter(|_| slot.kind.is_call())?,
        look.nested.filled("call_id")?,
    );
    if *done == *added {
        return None;
    }
    Some(format!("The call was `{added}` when it was added and is `{done}` when it is done").into())
}
