//! One id an item, from added to done and on every event between.

use std::borrow::Cow;

use crate::event::{Class, EventKind, Field};
use crate::json::{Object, is_object, quote};
use crate::mend::Mend;
use crate::model::{Identity, Look};
use crate::schema::bare;
use crate::violation::Code;

use super::{Grade, OF_ITEM, Rule, Said, say};

/// The item's id in the event.
fn given<'l>(look: &'l Look<'_>) -> Option<Cow<'l, str>> {
    match look.class {
        Class::ItemAdded | Class::ItemDone => look.nested.filled("id"),
        _ => look
            .address
            .id
            .as_deref()
            .map(Cow::Borrowed)
            .or_else(|| look.event.text(Field::ItemId)),
    }
    .filter(|id| !id.is_empty())
}

fn carries_item(look: &Look<'_>) -> bool {
    !matches!(look.class, Class::ItemAdded | Class::ItemDone)
        || look.event.field(Field::Item).is_some_and(is_object)
}

/// The item has no id.
pub(super) static MISSING: Rule = Rule {
    code: Code("item-id-missing"),
    sdk: Grade::Violation,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "Every event of an item has the item's id.",
    mends: "The item's first id is written; where the upstream gives none at all, one is made up (`msg_respair_…`).",
    advice: "Give the item an `id` when it is added, and send it as `item_id` with each of its events.",
    evidence: "DEVIATIONS 2.1, 9.2; CLIENTS.md, ids_missing; tjardoo/openai-client#124",
    fixture: "ids-missing",
    on: OF_ITEM,
    inspect: |look| {
        if look.exact {
            return None;
        }
        if look.is_sdk() {
            return sdk_done(look, true);
        }
        let needed =
            matches!(look.class, Class::ItemAdded | Class::ItemDone) || look.kind.needs_item_id();
        let never = look.slot().is_some_and(|slot| slot.id.is_none());
        if never || !needed || given(look).is_some() || !carries_item(look) || is_late_added(look) {
            return None;
        }
        say("The event does not say which item it belongs to: it has no item id")
    },
    mend: |mend| match (mend.kind.class(), mend.slot) {
        (Class::ItemAdded, _) => mint(mend),
        (Class::ItemDone, Some(at)) => {
            let id = mend.slot_ref(at).id_as_added();
            mend.draft.edit_nested([id]);
        }
        _ => mend.readdress(),
    },
};

fn is_late_added(look: &Look<'_>) -> bool {
    look.class == Class::ItemAdded && look.slot.is_some()
}

fn mint(mend: &mut Mend<'_>) {
    let item = mend
        .event
        .field(Field::Item)
        .and_then(Object::parse)
        .unwrap_or_default();
    let kind = crate::slots::ItemType::from_name(&item.string("type").unwrap_or_default());
    let id = mend.model.mint.id(kind.id_prefix());
    mend.draft.set_nested("id", quote(&id));
}

/// The item's id is another one.
pub(crate) static CHANGED: Rule = Rule {
    code: Code("item-id-changed"),
    sdk: Grade::Violation,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "An item keeps its id.",
    mends: "The item's first id is written throughout.",
    advice: "Settle an item's id when it is added and use it until the item is done. Where the upstream changes ids on the way, find the item by `output_index`.",
    evidence: "DEVIATIONS 2.1 (GitHub Copilot), 2.9; vercel/ai#18548 (\"text part … not found\"), BerriAI/litellm#30071",
    fixture: "rotating-ids",
    on: &[
        Class::PartAdded,
        Class::TextDelta,
        Class::TextDone,
        Class::PartDone,
        Class::CallDelta,
        Class::CallDone,
        Class::ItemStatus,
        Class::ItemDone,
        Class::Terminal,
    ],
    inspect: |look| {
        if look.exact {
            return None;
        }
        if look.class == Class::Terminal {
            return if look.is_sdk() {
                sdk_terminal(look)
            } else {
                None
            };
        }
        if look.is_sdk() {
            return sdk_done(look, false);
        }
        let (slot, now) = (look.slot()?, given(look)?);
        match slot.id.as_deref() {
            Some(first) if *now == *first => None,
            // Why it goes by another one was said where it was added.
            Some(_) if slot.moved && slot.upstream_id.as_deref() == Some(&*now) => None,
            Some(first) => Some(format!("The item's id was `{first}` and is `{now}`").into()),
            None if look.class == Class::ItemDone => {
                Some(format!("The item had no id and now is `{now}`").into())
            }
            None => None,
        }
    },
    mend: |mend| {
        let nameless = mend.slot.filter(|at| mend.slot_ref(*at).id.is_none());
        if mend.kind.class() == Class::Terminal {
            mend.conclude();
        } else if let Some(at) = nameless.filter(|_| mend.kind == EventKind::OutputItemDone) {
            // Added without an id, which openai-python allows as long as it stays so.
            let id = mend.slot_ref(at).id_as_added();
            mend.draft.edit_nested([id]);
        } else {
            mend.readdress();
        }
    },
};

/// openai-python compares ids when an item is done: of what is no call, and of calls whose `added` had one.
fn sdk_done(look: &Look<'_>, missing: bool) -> Said {
    if look.kind != EventKind::OutputItemDone {
        return None;
    }
    let at = look.at_index()?;
    let added = Object::parse(&look.model.slots.list[at].added).unwrap_or_default();
    let (old, new) = (added.string("id"), look.nested.string("id"));
    let same = Identity::of(&added).compatible(old.as_deref(), new.as_deref());
    if same || new.is_none() != missing {
        return None;
    }
    say("Completed output item identity changed.")
}

fn sdk_terminal(look: &Look<'_>) -> Said {
    if look.kind != EventKind::Completed {
        return None;
    }
    for raw in look.outputs().unwrap_or_default() {
        let item = Object::parse(raw).unwrap_or_default();
        let identity = Identity::of(&item);
        let Some(closed) = look.model.closed.get(&identity) else {
            continue;
        };
        if !identity.compatible(closed.id.as_deref(), item.string("id").as_deref()) {
            return say("Completed response output identity changed.");
        }
    }
    None
}

/// One id stands for two items.
pub(super) static DUPLICATE: Rule = Rule {
    code: Code("item-id-duplicate"),
    sdk: Grade::Violation,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "No two items have the same id, and no item is added twice.",
    mends: "The same item added twice is dropped; another one gets an id of its own.",
    advice: "Give each item an id of its own, and add each item once.",
    evidence: "PROTOCOL.md; openai-python: \"Response snapshot has conflicting output identities.\"",
    fixture: "item-id-duplicate",
    on: &[Class::ItemAdded, Class::ItemDone],
    inspect: |look| {
        if look.is_sdk() {
            return sdk_duplicate(look);
        }
        if look.class == Class::ItemDone || look.slot.is_some() {
            return None;
        }
        let id = look.nested.filled("id")?;
        look.model.slots.with_id(&id)?;
        Some(format!("The id `{id}` already stands for another item").into())
    },
    mend: |mend| {
        if mend.kind.class() != Class::ItemAdded {
            return mend.readdress();
        }
        if repeats(mend) {
            mend.drop_event()
        } else {
            mint(mend)
        }
    },
};

/// The same item is added a second time: the same index, id and type.
pub(super) fn repeats(mend: &Mend<'_>) -> bool {
    let item = mend
        .event
        .field(Field::Item)
        .and_then(Object::parse)
        .unwrap_or_default();
    let Some(at) = item
        .filled("id")
        .and_then(|id| mend.model.slots.with_id(&id))
    else {
        return false;
    };
    let twin = mend.slot_ref(at);
    let index = mend.upstream.integer(Field::OutputIndex);
    twin.upstream_index == index
        && item
            .string("type")
            .is_some_and(|name| bare(&name) == bare(&twin.type_name))
}

/// openai-python raises when the second of two items with one identity is done. Of what is no call that is judged
/// where it is added, since another id can be given only there.
fn sdk_duplicate(look: &Look<'_>) -> Said {
    const SENTENCE: &str = "Response snapshot has conflicting output identities.";
    let index = look.event.integer(Field::OutputIndex);
    let identity = Identity::of(&look.nested);
    if look.class == Class::ItemDone {
        let closed = look.model.closed.get(&identity)?;
        return if closed.index == index {
            None
        } else {
            say(SENTENCE)
        };
    }
    if identity.call_id.is_some() || !carries_item(look) {
        return None;
    }
    if look.model.added.contains(&identity) {
        say(SENTENCE)
    } else {
        None
    }
}
