//! What is said to be done is what was delivered.

use crate::event::{Class, Field};
use crate::json::{Edit, edit, is_string, quote};
use crate::mend::{Mend, conform};
use crate::model::Look;
use crate::slots::{Part, Slot, Told, payload_text};
use crate::violation::Code;

use super::cumulative::looks_cumulative;
use super::done_missing::part_of;
use super::{Grade, Rule, Said, say};

/// A done text that is not the sum of its deltas.
pub(super) static DONE_TEXT_MISMATCH: Rule = Rule {
    code: Code("done-text-mismatch"),
    sdk: Grade::No,
    portable: Grade::Violation,
    open: Grade::Info,
    demands: "A done text is the sum of its deltas, and so are its part, its item and `output`.",
    mends: "A missing end is sent as a delta first; in a contradiction what was delivered stands, and a call is failed.",
    advice: "Send in each `.done` event exactly what its deltas add up to, neither trimmed nor rendered anew; and send pieces as deltas, not the text so far.",
    evidence: "DEVIATIONS 3.13, 9.1; tailcallhq/forgecode#2558, mlx-node/mlx-node#45, Nomadcxx/opencode-cursor#41",
    fixture: "done-text-mismatch",
    on: &[
        Class::TextDone,
        Class::PartDone,
        Class::CallDone,
        Class::ItemDone,
    ],
    inspect,
    mend,
};

const SENTENCE: &str = "What is done is not the sum of its deltas";
const CUMULATIVE: &str = "What is done is not the sum of its deltas: each repeats the text so far (`compat.cumulative_deltas` takes them so)";

fn inspect(look: &Look<'_>) -> Said {
    let slot = look
        .slot()
        .filter(|slot| slot.is_open() && !slot.partial && !slot.held)?;
    let differs = match look.class {
        Class::TextDone => {
            let text = look.text_kind()?;
            let delivered = look.part.map_or("", |part| &slot.parts(text)[part].text);
            let waits = look
                .part
                .is_some_and(|part| !slot.parts(text)[part].seed.is_empty());
            waits || look.event.text(text.text_field()).as_deref() != Some(delivered)
        }
        Class::PartDone => {
            let text = look.text_kind()?;
            let part = &slot.parts(text)[look.part?];
            let whole = Part::from_raw(0, look.event.field(Field::Part)?);
            part.kind.is_some() && (whole.text != part.text || !part.seed.is_empty())
        }
        Class::CallDone => {
            let raw = look.event.field(look.payload_field());
            return call(slot, raw, raw.is_some_and(is_string));
        }
        _ if slot.kind.is_call() => {
            let raw = look.nested.get(slot.kind.payload_field())?;
            return call(slot, Some(raw), true);
        }
        _ => {
            let raw = look.event.field(Field::Item)?;
            slot.has_seed() || !conform(slot, raw, "completed").text.is_empty()
        }
    };
    if !differs {
        return None;
    }
    say(if is_cumulative(look, slot).unwrap_or(false) {
        CUMULATIVE
    } else {
        SENTENCE
    })
}

/// Whether the deltas of what is done each repeated the text so far.
fn is_cumulative(look: &Look<'_>, slot: &Slot) -> Option<bool> {
    let told = match look.class {
        Class::TextDone => {
            let text = look.text_kind()?;
            let whole = look.event.text(text.text_field())?;
            looks_cumulative(&slot.parts(text)[look.part?].text, &whole)
        }
        Class::PartDone => {
            let whole = Part::from_raw(0, look.event.field(Field::Part)?).text;
            looks_cumulative(&slot.parts(look.text_kind()?)[look.part?].text, &whole)
        }
        _ => {
            let whole = Slot::from_item(look.event.field(Field::Item)?, 0, None);
            let parts = slot.summary.iter().chain(&slot.content);
            let mut pairs = parts.zip(whole.summary.iter().chain(&whole.content));
            pairs.any(|(part, whole)| looks_cumulative(&part.text, &whole.text))
        }
    };
    Some(told)
}

/// What an event says that a call's arguments are, beside what was delivered of them.
fn call(slot: &Slot, raw: Option<&str>, is_string: bool) -> Said {
    let whole = payload_text(raw);
    match slot.told(whole.as_deref()) {
        Told::Same if is_string => None,
        Told::Contradicts
            if looks_cumulative(&slot.payload, whole.as_deref().unwrap_or_default()) =>
        {
            say(CUMULATIVE)
        }
        Told::Contradicts => say("The arguments that are done contradict their deltas"),
        _ => say(SENTENCE),
    }
}

pub(super) fn mend(mend: &mut Mend<'_>) {
    match mend.kind.class() {
        Class::TextDone => {
            let Some((at, text, part)) = part_of(mend) else {
                return;
            };
            let field = text.text_field();
            let whole = mend.event.text(field).unwrap_or_default().into_owned();
            mend.send_rest(at, text, part, &whole);
            let delivered = mend.slot_ref(at).parts(text)[part].text.clone();
            if delivered != whole || !mend.event.field(field).is_some_and(is_string) {
                mend.draft.set(field.name(), quote(&delivered));
            }
        }
        Class::PartDone => mend_part_done(mend),
        Class::CallDone => mend.mend_payload_done(),
        _ => mend.mend_item_done(),
    }
}

/// Closes the text of the part that is done, and makes the part say what was delivered.
pub(super) fn mend_part_done(mend: &mut Mend<'_>) {
    let Some((at, list, part)) = part_of(mend) else {
        return;
    };
    let whole = Part::from_raw(0, mend.event.field(Field::Part).unwrap_or("{}"));
    let Some(kind) = mend.slot_ref(at).parts(list)[part].kind else {
        return;
    };
    mend.send_rest(at, kind, part, &whole.text);
    mend.close_text(at, list, part);
    let delivered = mend.slot_ref(at).parts(list)[part].text.clone();
    if delivered != whole.text {
        let raw = mend
            .draft
            .current(mend.event, Field::Part)
            .unwrap_or("{}")
            .to_owned();
        mend.draft.set(
            "part",
            edit(
                &raw,
                &[Edit::Set(kind.text_field().name(), quote(&delivered))],
            ),
        );
    }
}
