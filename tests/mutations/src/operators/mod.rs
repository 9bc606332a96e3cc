//! Damage, by name. Each operator says which rule it breaks, and what is lost by it whatever the reader does.
//!
//! An operator that finds nothing to damage in a stream leaves it alone.

mod blind;
mod calls;
mod ending;
mod framing;
mod identity;
mod item;
mod junk;
mod prelude;
mod text;

use serde_json::Value;

use crate::dice::Dice;
use crate::said::Content;
use crate::wire::Wire;

const CREATED: &str = "response.created";
const IN_PROGRESS: &str = "response.in_progress";
const COMPLETED: &str = "response.completed";
const ADDED: &str = "response.output_item.added";
const DONE: &str = "response.output_item.done";
const PART: &str = "response.content_part.added";
const PART_DONE: &str = "response.content_part.done";
const SUMMARY_PART: &str = "response.reasoning_summary_part.added";
const SUMMARY_PART_DONE: &str = "response.reasoning_summary_part.done";
const TEXT: &str = "response.output_text.delta";
const TEXT_DONE: &str = "response.output_text.done";
const SUMMARY: &str = "response.reasoning_summary_text.delta";
const SUMMARY_DONE: &str = "response.reasoning_summary_text.done";
const ARGUMENTS: &str = "response.function_call_arguments.delta";
const ARGUMENTS_DONE: &str = "response.function_call_arguments.done";
const REASONING_NAMES: [(&str, &str); 2] = [
    ("response.reasoning_text.delta", "response.reasoning.delta"),
    ("response.reasoning_text.done", "response.reasoning.done"),
];
const LIFECYCLE: &[&str] = &[CREATED, IN_PROGRESS, "response.queued"];
const TERMINALS: &[&str] = &[COMPLETED, "response.incomplete", "response.failed"];

/// How a damaged stream may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ends {
    /// As it did before: the damage can be mended whole.
    Same,
    /// As it did before and whole, or else as failed: both are honest.
    SameOrFailed,
    /// Not as completed.
    Failed,
    /// In any way.
    Any,
}

/// One kind of damage.
#[derive(Debug, Clone)]
pub struct Operator {
    /// What it does, in words.
    pub name: &'static str,
    /// The rule that is broken under `portable`; `None` where the stream still conforms, or breaks this rule or that.
    pub code: Option<&'static str>,
    /// What may be lost by it.
    pub loses: &'static [Content],
    /// The words may come in another order.
    pub reorders: bool,
    /// How the stream may end.
    pub ends: Ends,
    /// It writes values that no type allows where no rule looks: in fields that may be left out.
    pub garbles: bool,
    /// Does it.
    pub apply: fn(&mut Wire, &mut Dice<'_>),
}

const fn legal(name: &'static str, apply: fn(&mut Wire, &mut Dice<'_>)) -> Operator {
    Operator {
        name,
        code: None,
        loses: &[],
        reorders: false,
        ends: Ends::Same,
        garbles: false,
        apply,
    }
}

const fn breaks(
    code: &'static str,
    name: &'static str,
    apply: fn(&mut Wire, &mut Dice<'_>),
) -> Operator {
    let mut operator = legal(name, apply);
    operator.code = Some(code);
    operator
}

impl Operator {
    const fn loses(mut self, what: &'static [Content]) -> Self {
        self.loses = what;
        self
    }

    const fn reorders(mut self) -> Self {
        self.reorders = true;
        self
    }

    const fn garbles(mut self) -> Self {
        self.garbles = true;
        self
    }

    const fn ends(mut self, ends: Ends) -> Self {
        self.ends = ends;
        self
    }
}

/// What two of them do together, though neither does alone: each takes away what the other would be mended from.
const TOGETHER: &[(&str, &str, &[Content], Ends)] = &[
    (
        "arguments come only with the item",
        "done calls have no arguments",
        &[Content::Calls],
        Ends::Same,
    ),
    // Nothing but the done event names the call, until the terminal does.
    (
        "no item is added",
        "a done call has another call_id",
        &[Content::CallIds],
        Ends::SameOrFailed,
    ),
    // ARCHITECTURE, endings: a status that is none of the three is unknown, and failed.
    (
        "response.done for completed",
        "the terminal says in_progress",
        &[],
        Ends::SameOrFailed,
    ),
];

/// What is lost by all of these together and by none of them alone, and how the stream may end.
pub(crate) fn together(by: &[&Operator]) -> (Vec<Content>, Ends) {
    let has = |name: &str| by.iter().any(|operator| operator.name == name);
    let mut both = (Vec::new(), Ends::Same);
    for (_, _, lost, ends) in TOGETHER
        .iter()
        .filter(|(one, other, ..)| has(one) && has(other))
    {
        both.0.extend(*lost);
        both.1 = both.1.max(*ends);
    }
    both
}

/// Every operator that breaks one rule, or none: what it does to the content is known.
pub fn known() -> impl Iterator<Item = &'static Operator> {
    [
        prelude::OPERATORS,
        framing::OPERATORS,
        junk::OPERATORS,
        item::OPERATORS,
        identity::OPERATORS,
        text::OPERATORS,
        calls::OPERATORS,
        ending::OPERATORS,
    ]
    .into_iter()
    .flatten()
}

/// Operators that do anything anywhere.
pub fn blind() -> impl Iterator<Item = &'static Operator> {
    blind::OPERATORS.iter()
}

/// Every operator, the [`known`] and the [`blind`] ones.
pub fn all() -> impl Iterator<Item = &'static Operator> {
    known().chain(blind())
}

/// One of these places, if there is one.
fn one_of(places: &[usize], dice: &mut Dice<'_>) -> Option<usize> {
    (!places.is_empty()).then(|| *dice.pick(places))
}

/// Changes the data of one of the events of these types.
fn change_one(
    wire: &mut Wire,
    dice: &mut Dice<'_>,
    kinds: &[&str],
    change: impl FnOnce(&mut Value),
) {
    let places = wire.places_that(|piece| kinds.contains(&piece.kind()));
    if let Some(at) = one_of(&places, dice) {
        change(wire.data(at));
    }
}

/// Takes out one of the events of these types.
fn drop_one(wire: &mut Wire, dice: &mut Dice<'_>, kinds: &[&str]) {
    let places = wire.places_that(|piece| kinds.contains(&piece.kind()));
    if let Some(at) = one_of(&places, dice) {
        wire.pieces.remove(at);
    }
}

/// Takes a field out of an object.
fn remove(value: &mut Value, field: &str) {
    if let Some(fields) = value.as_object_mut() {
        fields.remove(field);
    }
}

/// Sets a field of an object that has it.
fn replace(value: &mut Value, field: &str, by: impl Into<Value>) {
    if let Some(place) = value.get_mut(field) {
        *place = by.into();
    }
}
