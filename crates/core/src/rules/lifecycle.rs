//! One lifecycle in one stream.

use crate::context::is_made_up;
use crate::event::{Class, EventKind, Field};
use crate::json::Object;
use crate::mend::Mend;
use crate::model::Look;
use crate::violation::Code;

use super::{Grade, Rule, Said, say};

/// A second `created`, or an `in_progress` that takes output back.
pub(super) static LIFECYCLE_REPEATED: Rule = Rule {
    code: Code("lifecycle-repeated"),
    sdk: Grade::No,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "`response.created` comes once; a later `queued` or `in_progress` takes no output back.",
    mends: "The event is dropped; a second response that begins after output was sent ends the first as failed.",
    advice: "Send `response.created` once, and `response.in_progress` before the first item. If you may have to ask your upstream again, forward nothing before you are sure of the attempt.",
    evidence: "DEVIATIONS 1.7; mnfst/llm-gateway#2072; openai-node replaces its snapshot by the later one",
    fixture: "lifecycle-repeated",
    on: &[Class::Prelude, Class::ItemAdded],
    inspect,
    mend,
};

fn inspect(look: &Look<'_>) -> Said {
    let model = look.model;
    if look.class == Class::ItemAdded {
        return begins_anew(look);
    }
    let again = match look.kind {
        EventKind::Created => model.created,
        // An `in_progress` that carries the current output takes nothing back: some send it as a sign of life.
        _ => !holds_the_items(look),
    };
    again.then(|| format!("`{}` comes again, or too late", look.kind.name()).into())
}

/// Behind a second `created`: an item that was there before is added again, so the response is told anew.
fn begins_anew(look: &Look<'_>) -> Said {
    if !look.model.restarted || look.is_sdk() || look.slot.is_some() {
        return None;
    }
    let slots = &look.model.slots;
    let id = look.nested.filled("id");
    let index = look.event.integer(Field::OutputIndex);
    let known = id.is_some_and(|id| slots.with_id(&id).is_some())
        || index.is_some() && slots.at_index(index).is_some();
    if known {
        say("The response begins again: an item that was added before is added a second time")
    } else {
        None
    }
}

fn holds_the_items(look: &Look<'_>) -> bool {
    let slots = &look.model.slots;
    let listed = look.outputs().unwrap_or_default();
    let ids = listed.iter().map(|raw| {
        Object::parse(raw).and_then(|item| item.string("id").map(std::borrow::Cow::into_owned))
    });
    let order = slots.ordered();
    listed.len() == order.len() && ids.zip(order).all(|(id, at)| id == slots.list[at].id)
}

fn mend(mend: &mut Mend<'_>) {
    if mend.kind.class() == Class::ItemAdded {
        return restarted(mend);
    }
    let known = mend.model.response_id().map(str::to_owned);
    let response = mend
        .event
        .field(Field::Response)
        .and_then(Object::parse)
        .unwrap_or_default();
    let other = response
        .filled("id")
        .is_some_and(|id| known.as_deref().is_some_and(|known| known != id));
    let real = known.as_deref().is_some_and(|known| !is_made_up(known));
    if mend.kind == EventKind::Created && other && real && mend.model.content {
        return restarted(mend);
    }
    mend.model.restarted |= mend.kind == EventKind::Created && mend.model.content;
    mend.model.learn_response(&response);
    mend.drop_event();
}

/// What was sent cannot be taken back, and nothing is sent twice.
fn restarted(mend: &mut Mend<'_>) {
    mend.fail(
        "upstream_restarted",
        "the upstream began a second response in the same stream",
    );
}
