//! Where a compaction cuts: what stands before is summed up, what stands behind is sent as it is.

use crate::{Body, Entry};

/// What a compaction is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The user asked for it: the last exchanges stay.
    Asked,
    /// The conversation does not fit: no more than half of it stays, where that can be had.
    TooLong,
}

/// Steps of the last turn that stay where that turn itself has to be cut: a call with its output, or an answer.
const KEPT_STEPS: usize = 2;

/// The first entry that stays, or nothing where nothing stands before it that is not summed up yet.
///
/// A cut falls before a message of the user's. Where the last turn is all there is, or where it is too long itself, the cut falls
/// between two of its steps; what the user said in it stays ([`crate::replay`]).
pub(super) fn boundary(live: &[&Entry], exchanges: usize, why: Why) -> Option<u64> {
    let done = live.iter().rev().find_map(|entry| match &entry.body {
        Body::Compacted(compacted) => Some(compacted.until),
        _ => None,
    });
    let items: Vec<Item> = live
        .iter()
        .filter(|entry| entry.seq >= done.unwrap_or(0))
        .filter_map(|entry| Item::of(entry))
        .collect();
    let cuts = cuts(&items, exchanges);
    let bytes = |items: &[Item]| items.iter().map(|item| item.bytes).sum::<usize>();
    let all = bytes(&items);
    let fits = |&&at: &&usize| match why {
        Why::Asked => true,
        Why::TooLong => bytes(&items[at..]) <= all / 2,
    };
    let at = cuts.iter().find(fits).or(cuts.last())?;
    Some(items[*at].seq)
}

/// Places among `items` where they may be cut, from the one that keeps most.
fn cuts(items: &[Item], exchanges: usize) -> Vec<usize> {
    let begins = |at: usize| items[at].turn != items[at - 1].turn;
    let turns: Vec<usize> = (1..items.len()).filter(|&at| begins(at)).collect();
    let last_turn = turns.last().copied().unwrap_or(0);
    // A step is what a model sends behind what it was sent.
    let step =
        |at: usize| items[at].model && !items[at - 1].model && items[at].turn == items[at - 1].turn;
    let steps: Vec<usize> = (last_turn + 1..items.len())
        .filter(|&at| step(at))
        .skip(1)
        .collect();
    let last = |places: &[usize], most: usize| places[places.len().saturating_sub(most)..].to_vec();
    // The first turn begins where nothing stands before it, so it is no cut and counts as one.
    let mut cuts = last(&turns, exchanges.max(1));
    if cuts.len() > 1 {
        cuts = vec![cuts[0], last_turn];
    }
    cuts.extend(last(&steps, KEPT_STEPS));
    cuts
}

/// An item as far as a cut is concerned.
struct Item {
    seq: u64,
    turn: u64,
    /// It came from a model.
    model: bool,
    bytes: usize,
}

impl Item {
    fn of(entry: &Entry) -> Option<Self> {
        let Body::Item(item) = &entry.body else {
            return None;
        };
        Some(Self {
            seq: entry.seq,
            turn: entry.turn,
            model: item.issuer.is_some(),
            bytes: item.raw.get().len(),
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;
    use crate::{Compacted, StoredItem};

    /// Entries, written as one letter each: `u` the user, `c` a call, `o` an output, `a` an answer, `O` an output of 1,000
    /// bytes, `S` a summary of all before; a space begins a turn.
    fn entries(script: &str) -> Vec<Entry> {
        let mut turn = 1;
        let mut entries: Vec<Entry> = Vec::new();
        for letter in script.chars() {
            let seq = entries.len() as u64;
            let raw =
                |bytes: usize| RawValue::from_string(format!("\"{}\"", "x".repeat(bytes - 2)));
            let item = |bytes, issuer: Option<&str>| {
                Body::Item(StoredItem {
                    raw: raw(bytes).unwrap(),
                    issuer: issuer.map(str::to_owned),
                })
            };
            let body = match letter {
                ' ' => {
                    turn += 1;
                    continue;
                }
                'u' | 'o' => item(10, None),
                'O' => item(1000, None),
                'c' | 'a' => item(10, Some("issuer")),
                'S' => Body::Compacted(Compacted {
                    until: seq,
                    ..Compacted::default()
                }),
                _ => panic!("{letter}"),
            };
            entries.push(Entry {
                seq,
                turn,
                at: 0,
                body,
            });
        }
        entries
    }

    fn cut(script: &str, why: Why) -> Option<String> {
        let entries = entries(script);
        let live: Vec<&Entry> = entries.iter().collect();
        let until = boundary(&live, 2, why)? as usize;
        let letters: Vec<char> = script.chars().filter(|letter| *letter != ' ').collect();
        Some(letters[until..].iter().collect())
    }

    #[test]
    fn a_cut_falls_where_it_keeps_what_it_should() {
        use Why::{Asked, TooLong};
        for (script, why, kept) in [
            ("ua", Asked, None),
            ("u", TooLong, None),
            ("uc", TooLong, None),
            ("uco", TooLong, None),
            // The last two exchanges.
            ("ua ua ua", Asked, Some("uaua")),
            ("ua ua", Asked, Some("ua")),
            // What is summed up already is not summed up again.
            ("ua ua Sua ua ua", Asked, Some("uaua")),
            ("ua ua Sua", Asked, None),
            // One turn alone: its last steps.
            ("ucococoa", Asked, Some("coa")),
            ("ucoa", Asked, Some("a")),
            ("ucocococo", TooLong, Some("coco")),
            ("ucococo", TooLong, Some("co")),
            // Half of it stays at most.
            ("ua ua ua u", TooLong, Some("uau")),
            ("uOa ua ucoOcoOco", TooLong, Some("coOco")),
            ("ua ua ucOcO", TooLong, Some("cO")),
            ("ua ua uccccOOOO", TooLong, Some("uccccOOOO")),
        ] {
            assert_eq!(cut(script, why).as_deref(), kept, "{script:?} {why:?}");
        }
    }
}
