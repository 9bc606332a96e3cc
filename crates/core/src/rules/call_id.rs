//! Which call is meant: by its call id, and by what its events say.

use crate::event::{Class, EventKind, Field};
use crate::json::Object;
use crate::mend::Mend;
use crate::model::Look;
use crate::slots::ItemType;
use crate::violation::Code;

use super::{Grade, Rule, Said, say};

/// One call id on two calls: their outputs could not be told apart.
pub(super) static DUPLICATE: Rule = Rule {
    code: Code("call-id-duplicate"),
    sdk: Grade::No,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "No two calls have the same `call_id`.",
    mends: "The second call is held until it is done. The same call again is dropped; another one gets a call id of its own.",
    advice: "Give each call a `call_id` of its own, and send each call once.",
    evidence: "DEVIATIONS 9.2; openai-python: \"Response snapshot has conflicting output identities.\"",
    fixture: "call-id-duplicate",
    on: &[Class::ItemAdded, Class::ItemDone],
    inspect: |look| {
        let own = look
            .slot
            .filter(|_| look.slot().is_some_and(|slot| slot.held));
        if look.slot.is_some() && own.is_none() {
            return None;
        }
        let kind = ItemType::from_name(&look.nested.string("type")?);
        let call_id = look.nested.filled("call_id").filter(|_| kind.is_call())?;
        look.model.slots.called(&call_id, own)?;
        Some(format!("The call id `{call_id}` already stands for another call").into())
    },
    mend,
};

fn mend(mend: &mut Mend<'_>) {
    let raw = mend.event.field(Field::Item).unwrap_or("{}").to_owned();
    let item = Object::parse(&raw).unwrap_or_default();
    let kind = ItemType::from_name(&item.string("type").unwrap_or_default());
    let call_id = item.filled("call_id").unwrap_or_default();
    match (mend.kind.class(), mend.slot) {
        (Class::ItemAdded, None) if is_same_added(mend, &item) => mend.drop_event(),
        (Class::ItemAdded, None) => {
            let at = mend.open_unknown(kind);
            let seed = crate::slots::payload_text(item.get(kind.payload_field()));
            let slot = &mut mend.model.slots.list[at];
            slot.rival = true;
            slot.payload_seed = seed.unwrap_or_default().into_owned();
            mend.drop_event();
        }
        // A held call is parted from the other one where it is released.
        (Class::ItemDone, None) if mend.model.slots.repeated_by(&call_id, &item) => {
            mend.drop_event();
        }
        _ => {}
    }
}

/// The very same `added` a second time, while its call is open.
fn is_same_added(mend: &Mend<'_>, item: &Object<'_>) -> bool {
    let call_id = item.filled("call_id").unwrap_or_default();
    let Some(at) = mend.model.slots.called(&call_id, None) else {
        return false;
    };
    let twin = mend.slot_ref(at);
    let id = item.filled("id");
    twin.is_open()
        && twin.upstream_index == mend.upstream.integer(Field::OutputIndex)
        && twin.name.as_deref() == item.filled("name").as_deref()
        && id.is_none_or(|id| mend.model.slots.with_id(&id) == Some(at))
}

/// Several calls are open, and nothing tells which one is meant.
pub(super) static AMBIGUOUS: Rule = Rule {
    code: Code("call-ambiguous"),
    sdk: Grade::Violation,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "While several calls are open, each event of a call says which one it belongs to.",
    mends: "Nothing honest can be done: the response fails, since a call with another one's arguments must not be run.",
    advice: "Send `output_index` and `item_id` on every event of a call, with the values that its `output_item.added` had.",
    evidence: "DEVIATIONS 9.3; microsoft/agent-framework#8337, langchain-ai/langchain#40392",
    fixture: "call-ambiguous",
    on: &[Class::CallDelta, Class::CallDone, Class::ItemDone],
    inspect: ambiguous,
    mend: |mend| {
        mend.fail(
            "call_identity_conflict",
            "the upstream streams several calls at once and does not say which one an event belongs to",
        );
    },
};

fn ambiguous(look: &Look<'_>) -> Said {
    // openai-python finds a call by its index alone, and looks for it only where arguments come.
    let judged = !look.is_sdk()
        || look.kind == EventKind::FunctionCallArgumentsDelta && look.at_index().is_none();
    if look.exact || !judged || !look.model.slots.is_ambiguous(&look.address) {
        return None;
    }
    say("Several calls are open, and the event does not say which one it belongs to")
}
