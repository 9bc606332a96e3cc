//! The operators are what they say: each breaks its rule, and what it leaves alone comes out again.

use std::collections::BTreeSet;

use respair_core::Profile;
use respair_mutations::{Dice, Said, bases, damage, operators, properties, strict, tolerant};

use crate::not_yet::excused;

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

/// Each damage alone, on every base: its rule finds it, and what comes out is whole.
#[test]
fn each_breaks_its_rule_and_is_mended() {
    let mut wrong = Vec::new();
    for operator in operators::known() {
        let mut found = operator.code.is_none();
        let mut changed = false;
        for base in bases() {
            let damaged = damage(base, &[operator], &mut Dice::first());
            if damaged.body == base.wire.write() {
                continue;
            }
            changed = true;
            if excused(&[operator.name]) {
                found = true;
                continue;
            }
            let healed = tolerant(Profile::Portable, &damaged.body);
            found |= healed
                .violations
                .iter()
                .any(|violation| Some(violation.code.as_str()) == operator.code);
            if operator.code.is_none() && strict(Profile::Portable, &damaged.body).refused.is_some()
            {
                wrong.push(format!("{}: is legal, and was refused", damaged.name));
            }
            if let Some(fault) = properties::fault_of_tenets(&damaged.body) {
                let first = fault.lines().next().unwrap_or_default();
                wrong.push(format!("{}: {first}", damaged.name));
            }
            if let Some(fault) = properties::fault_of_content(&damaged, &healed) {
                wrong.push(format!("{}: {fault}", damaged.name));
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
