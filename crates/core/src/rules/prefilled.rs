//! Items and parts begin empty: what they hold comes as deltas.

use crate::event::{Class, Field};
use crate::json::{Edit, is_object, quote};
use crate::mend::Mend;
use crate::model::Look;
use crate::slots::{ItemType, Part, Slot, TextKind};
use crate::violation::Code;

use super::{Grade, Rule, Said, say};

/// Text or arguments in `output_item.added` or `content_part.added`.
pub(super) static PREFILLED_ADDED: Rule = Rule {
    code: Code("prefilled-added"),
    sdk: Grade::No,
    portable: Grade::Violation,
    open: Grade::Violation,
    demands: "An item and a part are added empty; their text and arguments come as deltas.",
    mends: "The item or part is added empty. What it held waits until a delta or a done event shows whether it comes again; else it is sent as a delta.",
    advice: "Send `content: []`, `summary: []`, `arguments: \"\"` and `text: \"\"` in the added events, whatever is known by then, and the text as deltas. Mind that an object which is filled later must not be the one that is still to be written out.",
    evidence: "DEVIATIONS 3.6; PrimeIntellect-ai/verifiers#2164",
    fixture: "prefilled-added",
    on: &[
        Class::ItemAdded,
        Class::PartAdded,
        Class::TextDelta,
        Class::CallDelta,
    ],
    inspect,
    mend,
};

fn inspect(look: &Look<'_>) -> Said {
    match look.class {
        Class::ItemAdded if look.slot.is_none() => {
            let raw = look.event.field(Field::Item).filter(|raw| is_object(raw))?;
            let item = Slot::from_item(raw, 0, None);
            let parts = !item.content.is_empty() || !item.summary.is_empty();
            if item.holds_text() || item.kind.is_call() && !item.payload.is_empty() {
                return say("The added item already holds text or arguments");
            } else if parts && item.kind.has_parts() {
                return say("The added item already holds a part");
            }
            None
        }
        Class::PartAdded if look.part.is_none() => {
            let part = Part::from_raw(0, look.event.field(Field::Part)?);
            if part.text.is_empty() {
                None
            } else {
                say("The added part already holds text")
            }
        }
        Class::TextDelta => {
            let kind = look.text_kind()?;
            let part = &look.slot()?.parts(kind)[look.part?];
            goes_on(&part.seed, look)
        }
        Class::CallDelta => {
            let slot = look.slot()?;
            let goes_on = !slot.payload_seed.is_empty()
                && slot.continues_seed(&look.event.text(Field::Delta)?);
            if goes_on { say(GOES_ON) } else { None }
        }
        _ => None,
    }
}

const GOES_ON: &str = "The delta goes on behind what its item or part was added with";

/// A delta that neither begins what was there already nor goes beyond it does not say it again.
fn goes_on(seed: &str, look: &Look<'_>) -> Said {
    if seed.is_empty() {
        return None;
    }
    let delta = look.event.text(Field::Delta)?;
    if delta.is_empty() || delta.starts_with(seed) || seed.starts_with(&*delta) {
        return None;
    }
    say(GOES_ON)
}

fn mend(mend: &mut Mend<'_>) {
    match mend.kind.class() {
        Class::ItemAdded => {
            let Some(raw) = mend.event.field(Field::Item) else {
                return;
            };
            mend.draft
                .edit_nested(emptied(&Slot::from_item(raw, 0, None)));
        }
        Class::PartAdded => {
            let text = mend
                .event
                .field(Field::Part)
                .map(|raw| Part::from_raw(0, raw));
            if let Some(kind) = text.and_then(|part| part.kind) {
                mend.draft.set_nested(kind.text_field().name(), quote(""));
            }
        }
        Class::CallDelta => {
            if let Some(at) = mend.slot {
                mend.send_payload_seed(at);
            }
        }
        _ => {
            let kind = mend.text_kind();
            if let (Some(at), Some(kind), Some(part)) = (mend.slot, kind, mend.part) {
                mend.send_seed(at, kind, part);
            }
        }
    }
}

fn emptied(item: &Slot) -> Vec<Edit> {
    let holds = |list: TextKind| !item.parts(list).is_empty();
    match item.kind {
        ItemType::FunctionCall | ItemType::CustomToolCall => {
            vec![Edit::Set(item.kind.payload_field(), quote(""))]
        }
        ItemType::Message => vec![Edit::Set("content", "[]".to_owned())],
        _ => [
            ("summary", TextKind::Summary),
            ("content", TextKind::Reasoning),
        ]
        .into_iter()
        .filter(|(_, list)| holds(*list))
        .map(|(field, _)| Edit::Set(field, "[]".to_owned()))
        .collect(),
    }
}
