//! Conforming streams, bent at random, the same on every run.

use serde_json::{Value, json};

use super::wire::{Wire, conforming};

/// A stream bent in one to three places, for each seed below `count`.
pub(crate) fn bent(count: u64) -> Vec<Vec<u8>> {
    (0..count)
        .map(|seed| {
            let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
            let bases = conforming();
            let mut stream = bases[dice.below(bases.len())].1.clone();
            for _ in 0..=dice.below(3) {
                bend(&mut stream, &mut dice);
            }
            stream.write().into_bytes()
        })
        .collect()
}

fn bend(stream: &mut Wire, dice: &mut Dice) {
    let events = &mut stream.events;
    let at = dice.below(events.len());
    match dice.below(10) {
        0 => drop(events.remove(at)),
        1 => {
            let again = events[at].clone();
            events.insert(dice.below(events.len()), again);
        }
        2 => {
            let other = dice.below(events.len());
            events.swap(at, other);
        }
        _ => {
            let field = dice.below(usize::MAX);
            let other = [
                None,
                Some(json!(null)),
                Some(json!("")),
                Some(json!("other")),
                Some(json!(7)),
                Some(json!([])),
                Some(json!({})),
            ];
            let place = dice.below(other.len());
            replace(&mut events[at], field, other[place].clone());
        }
    }
    if events.is_empty() {
        events.push(json!({"type": "response.created"}));
    }
}

/// Replaces one field somewhere in the value, or takes it out.
fn replace(value: &mut Value, choice: usize, by: Option<Value>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            let key = fields
                .keys()
                .nth(choice % fields.len())
                .cloned()
                .unwrap_or_default();
            let nested = fields[&key].is_object() || fields[&key].is_array();
            if nested && !choice.is_multiple_of(5) {
                replace(&mut fields[&key], choice / 7, by);
            } else if let Some(by) = by {
                fields.insert(key, by);
            } else {
                fields.remove(&key);
            }
        }
        Value::Array(values) if !values.is_empty() => {
            let at = choice % values.len();
            replace(&mut values[at], choice / 3, by);
        }
        other => *other = by.unwrap_or_default(),
    }
}

/// xorshift64: the same everywhere, which is all that is asked.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap_or_default() % limit.max(1)
    }
}
