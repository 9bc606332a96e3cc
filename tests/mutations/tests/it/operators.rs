//! The operators are what they say: each breaks its rule, and what it leaves alone comes out again.

use std::collections::BTreeSet;

use respair_core::Profile;
use respair_mutations::operators::Operator;
use respair_mutations::{
    Damaged, Dice, Said, bases, damage, operators, properties, strict, tolerant,
};

#[test]
fn bases_conform_under_every_profile() {
    for base in bases() {
        let (name, body) = (base.name, base.wire.write());
        for profile in [Profile::OpenAiSdk, Profile::Portable] {
            let judged = strict(profile, &body);
            assert!(
                judged.refused.is_none(),
                "{name} under {profile}: {:?}",
                judged.refused
            );
            assert!(judged.out == body, "{name} under {profile}");
        }
        let judged = respair_oracle::judge(&body, respair_oracle::Profile::Portable);
        assert!(judged.is_ok(), "{name}: {judged:?}");
        assert!(!Said::by(&body).terminal.is_empty(), "{name}");
    }
}

#[test]
fn names_are_told_apart() {
    let mut seen = BTreeSet::new();
    for operator in operators::known() {
        assert!(seen.insert(operator.name), "{} stands twice", operator.name);
        let code = operator
            .code
            .is_none_or(|code| respair_core::Code::parse(code).is_some());
        assert!(code, "{}: no rule {:?}", operator.name, operator.code);
    }
}

/// Each damage alone, on several bases: its rule finds it, and what comes out is whole.
#[test]
fn each_breaks_its_rule_and_is_mended() {
    let mut wrong = Vec::new();
    for (place, operator) in operators::known().enumerate() {
        let mut found = operator.code.is_none();
        let mut changed = false;
        for (at, base) in bases().iter().enumerate() {
            let damaged = damage(base, &[operator], &mut Dice::first());
            if damaged.body == base.wire.write() {
                continue;
            }
            // The first three, and of the others every fourth once the rule was seen: all of them take too long.
            let skipped = found && changed && at > 2 && (at + place) % 4 > 0;
            changed = true;
            if skipped {
                continue;
            }
            let judged = std::panic::catch_unwind(|| faults(&damaged, operator));
            match judged {
                Ok((seen, faults)) => {
                    found |= seen;
                    wrong.extend(faults);
                }
                Err(_) => wrong.push(format!("{}: it panicked, see above", damaged.name)),
            }
        }
        if !changed {
            wrong.push(format!("{} changes no base", operator.name));
        }
        if !found {
            wrong.push(format!(
                "{} does not break {:?}",
                operator.name, operator.code
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{}\n{} faults",
        wrong.join("\n"),
        wrong.len()
    );
}

/// Whether the operator's rule found the damage, and what is wrong with what came of it.
fn faults(damaged: &Damaged, operator: &Operator) -> (bool, Vec<String>) {
    let healed = tolerant(Profile::Portable, &damaged.body);
    let found = healed
        .violations
        .iter()
        .any(|violation| Some(violation.code.as_str()) == operator.code);
    let legal = operator.code.is_none();
    let refused = legal && strict(Profile::Portable, &damaged.body).refused.is_some();
    let refused = refused.then(|| "is legal, and was refused".to_owned());
    let tenets = properties::fault_of_tenets(&damaged.body);
    let content = properties::fault_of_content(damaged, &healed);
    let faults = [refused, tenets, content].into_iter().flatten();
    let line = |fault: String| {
        let first = fault.lines().next().unwrap_or_default();
        format!("{}: {first}", damaged.name)
    };
    (found, faults.map(line).collect())
}
