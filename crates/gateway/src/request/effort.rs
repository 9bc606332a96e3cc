//! The effort of reasoning (DEVIATIONS 7.11): a value that the upstream refuses becomes the nearest one that it takes.

use super::json::{Object, quote};
use super::known::Known;
use super::mends::{EFFORT_CLAMPED, Mends};

/// From the least to the most.
const EFFORTS: [&str; 7] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

/// What every upstream takes that takes any.
const USUAL: [&str; 3] = ["low", "medium", "high"];

/// The effort that a request asks for.
pub(super) fn asked(body: &Object<'_>) -> Option<String> {
    body.get("reasoning")
        .and_then(Object::parse)?
        .text("effort")
}

/// The nearest to `asked` of what the upstream says it takes, the lesser of two; of the usual ones where it says nothing.
pub(super) fn nearest(asked: &str, taken: &[&str]) -> Option<String> {
    let place = |effort: &str| EFFORTS.iter().position(|known| *known == effort);
    let asked = place(asked)?;
    let said = taken.iter().filter_map(|effort| place(effort));
    let mut taken: Vec<usize> = said.filter(|at| *at != asked).collect();
    if taken.is_empty() {
        taken.extend(USUAL.iter().filter_map(|effort| place(effort)));
        taken.retain(|at| *at != asked);
    }
    let nearest = taken
        .into_iter()
        .min_by_key(|at| (at.abs_diff(asked), *at))?;
    EFFORTS.get(nearest).map(|effort| (*effort).to_owned())
}

/// Puts the effort that is taken in the place of one that is not.
pub(super) fn clamp(body: &mut Object<'_>, known: &Known, mends: &mut Mends) {
    let Some(other) = asked(body).and_then(|effort| known.efforts.get(&effort)) else {
        return;
    };
    let changed = body
        .get("reasoning")
        .and_then(Object::parse)
        .map(|mut own| {
            own.set("effort", quote(other));
            own.to_string()
        });
    if let Some(changed) = changed {
        mends.add(EFFORT_CLAMPED, other);
        body.set("reasoning", changed);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_is_taken() {
        for (asked, taken, expected) in [
            ("minimal", &["low", "medium", "high"][..], Some("low")),
            ("xhigh", &["low", "medium", "high"], Some("high")),
            ("none", &["minimal", "low"], Some("minimal")),
            ("medium", &["low", "high"], Some("low")),
            ("minimal", &[], Some("low")),
            ("max", &["model", "gpt-5"], Some("high")),
            ("my-own", &["low"], None),
        ] {
            assert_eq!(nearest(asked, taken).as_deref(), expected, "{asked}");
        }
    }
}
