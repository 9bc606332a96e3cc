//! Every two rules' deviations in one stream: the result conforms, mending it again changes nothing, and the content is whole.

use std::collections::BTreeSet;

use respair_core::Profile;
use respair_mutations::operators::{self, Operator};
use respair_mutations::{Dice, bases, damage, not_yet, properties, tolerant};

/// For each rule the first operator that breaks it.
fn one_for_each_rule() -> Vec<&'static Operator> {
    let mut seen = BTreeSet::new();
    operators::known()
        .filter(|operator| operator.code.is_some_and(|code| seen.insert(code)))
        .collect()
}

#[test]
fn every_pair_is_mended() {
    let operators = one_for_each_rule();
    assert!(operators.len() > 40, "{}", operators.len());
    let mut wrong = Vec::new();
    for (at, one) in operators.iter().enumerate() {
        for (place, other) in operators[at..].iter().enumerate() {
            // Each pair once: every second one the other way round.
            let (first, second) = if place % 2 == 0 {
                (one, other)
            } else {
                (other, one)
            };
            wrong.extend(fault(first, second));
        }
    }
    assert!(
        wrong.is_empty(),
        "{}\n{} faults",
        wrong.join("\n"),
        wrong.len()
    );
}

fn fault(first: &Operator, second: &Operator) -> Option<String> {
    let damaged = damage(&bases()[0], &[first, second], &mut Dice::first());
    let healed = tolerant(Profile::Portable, &damaged.body);
    let open = || {
        let healed = tolerant(Profile::OpenResponses, &damaged.body);
        let fault = properties::fault_under(Profile::OpenResponses, &damaged.body, &healed)?;
        Some(format!("under open-responses {fault}"))
    };
    let fault = properties::fault_under(Profile::Portable, &damaged.body, &healed)
        .or_else(|| properties::fault_of_content(&damaged, &healed))
        .or_else(open)
        .filter(|fault| !not_yet::is_known(fault))?;
    Some(format!(
        "{}: {}",
        damaged.name,
        fault.lines().next().unwrap_or_default()
    ))
}
