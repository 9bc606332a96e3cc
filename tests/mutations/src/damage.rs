//! A conforming stream, and what became of it.

use crate::bases::{Base, bases};
use crate::dice::{Dice, bytes_of};
use crate::operators::{self, Ends, Operator};
use crate::said::{Content, Said};

/// What may be expected of a damaged stream, once it is mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// What the damage itself loses.
    pub loses: Vec<Content>,
    /// The words may come in another order.
    pub reorders: bool,
    /// How it may end.
    pub ends: Ends,
}

/// A damaged stream.
#[derive(Debug, Clone)]
pub struct Damaged {
    /// The base's name and the operators', in order.
    pub name: String,
    /// The bytes.
    pub body: Vec<u8>,
    /// What it said before.
    pub truth: Said,
    /// Whether there are values in it that no type allows (an operator says so of itself).
    pub garbled: bool,
    /// What of it has to be there afterwards.
    pub expected: Expected,
}

/// Damages a stream: the base first, then each operator in turn.
#[must_use]
pub fn damage(base: &Base, by: &[&Operator], dice: &mut Dice<'_>) -> Damaged {
    let mut wire = base.wire.clone();
    let (loses, ends) = operators::together(by);
    let mut expected = Expected {
        loses,
        reorders: false,
        ends,
    };
    let mut name = base.name.to_owned();
    for operator in by {
        (operator.apply)(&mut wire, dice);
        name.push_str(", ");
        name.push_str(operator.name);
        expected.loses.extend(operator.loses);
        expected.reorders |= operator.reorders;
        expected.ends = expected.ends.max(operator.ends);
    }
    Damaged {
        garbled: by.iter().any(|operator| operator.garbles),
        name,
        body: wire.write(),
        truth: base.said.clone(),
        expected,
    }
}

/// A stream with up to four damages, all drawn from these bytes.
#[must_use]
pub fn damaged(bytes: &[u8]) -> Damaged {
    let mut dice = Dice::new(bytes);
    let known: Vec<&Operator> = operators::known().collect();
    let base = dice.pick(bases());
    let count = dice.below(5);
    // Half of the damage is blind: what nobody thought of is not in a list.
    let blind: Vec<&Operator> = operators::blind().collect();
    let mut one = || match dice.below(2) {
        0 => *dice.pick(&known),
        _ => *dice.pick(&blind),
    };
    let mut chosen: Vec<&Operator> = Vec::new();
    for _ in 0..count {
        let operator = one();
        // What is known of an operator holds for it once.
        let again = chosen.iter().any(|other| other.name == operator.name);
        if operator.ends == Ends::Any || !again {
            chosen.push(operator);
        }
    }
    damage(base, &chosen, &mut dice)
}

/// The same for a case of a seed.
#[must_use]
pub fn damaged_by_seed(seed: u64, case: u64) -> Damaged {
    damaged(&bytes_of(seed, case))
}
