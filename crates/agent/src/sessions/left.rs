//! What a process that died had shown, and had not kept otherwise.

use crate::entry::{Body, Entry, Partial};
use crate::journal::{Shown, ShownKind};

/// The entry that tells it; `None` when there is nothing of the kind.
pub(super) fn entry(entries: &[Entry], pieces: Vec<Shown>, status: &str) -> Option<Entry> {
    let last = entries.last();
    Some(Entry {
        seq: last.map_or(0, |last| last.seq + 1),
        turn: last.map_or(1, |last| last.turn),
        at: last.map_or(0, |last| last.at),
        body: Body::Partial(left_over(entries, pieces, status)?),
    })
}

/// What of the pieces stands in no item: the text of a response that was under way when its process died.
fn left_over(entries: &[Entry], pieces: Vec<Shown>, status: &str) -> Option<Partial> {
    let mut partial = Partial {
        status: status.to_owned(),
        ..Partial::default()
    };
    for piece in pieces {
        match piece.kind {
            ShownKind::Text => partial.text.push_str(&piece.text),
            ShownKind::Reasoning => partial.reasoning.push_str(&piece.text),
        }
    }
    // The items of the responses that the pieces are of: those at the end.
    let items = entries.iter().rev().map_while(|entry| match &entry.body {
        Body::Item(item) if item.issuer.is_some() => Some(&item.raw),
        _ => None,
    });
    items.for_each(|item| partial.without(item));
    // What stands between two items' reasoning is nobody's.
    if partial.reasoning.trim().is_empty() {
        partial.reasoning.clear();
    }
    (!partial.text.is_empty() || !partial.reasoning.is_empty()).then_some(partial)
}
