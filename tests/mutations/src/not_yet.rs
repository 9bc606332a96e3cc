//! What is known not to hold yet. The table shrinks; a row says what has to be mended.

/// Operators, and why what they do is not mended yet.
const OPERATORS: &[(&str, &str)] = &[(
    "parts are added as null",
    "a refusal's part that is added as null is opened as one of output text",
)];

/// Words in a fault, and why it is not mended yet.
const FAULTS: &[(&str, &str)] = &[
    (
        " went out ",
        "deltas whose index and id both name no item are shown, and again when the item is done; so is an item that comes again under another type",
    ),
    (
        "the oracle: done-text-mismatch",
        "as above: a refusal's part that is added as null, or whose type is changed",
    ),
    (
        "missing annotation at index",
        "`annotation_index` is not asked for: a part of the grammar without a rule",
    ),
    ("annotation_index", "as above"),
    (
        "missing content at index",
        "an annotation without its `content_index`",
    ),
    ("the oracle: content-index-missing", "as above"),
    (
        "its response says",
        "an output that is matched with the wrong item where ids and indices are both wrong",
    ),
    (
        "conflicting output positions",
        "the output of a failed response is not put in order",
    ),
    (
        "missing field `status`",
        "a hosted item that is added without its status",
    ),
    (
        "schema-mismatch",
        "under open-responses an event that was renamed keeps fields of what it was",
    ),
    (
        "unknown variant",
        "a part whose type does not fit its item stays in the item",
    ),
];

/// Whether one of these operators is known not to be mended yet.
#[must_use]
pub fn excuses(operators: &[&str]) -> bool {
    let known = |name: &&str| OPERATORS.iter().any(|(known, _)| known == name);
    operators.iter().any(known)
}

/// Whether this fault is known.
#[must_use]
pub fn is_known(fault: &str) -> bool {
    let first = fault.lines().next().unwrap_or_default();
    let all = OPERATORS.iter().chain(FAULTS);
    all.into_iter().any(|(part, _)| first.contains(part))
}
