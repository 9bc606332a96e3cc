//! A model that goes round in circles: the same calls with the same results, response after response.

use std::collections::{BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::ToolOutput;
use crate::call::Call;

/// What the calls of the responses so far gave, as hashes. Calls of one response count once: beside one another they are
/// no answer to what the model was told.
#[derive(Default)]
pub(crate) struct Repeats {
    /// Every call and result of the turn.
    seen: HashSet<u64>,
    /// Those of the response before, and of the one under way.
    before: BTreeSet<u64>,
    now: BTreeSet<u64>,
    /// The tools of the response under way.
    names: BTreeSet<String>,
    /// Responses in a row with the same calls and results.
    same: u32,
    /// Responses in a row without a call and result that was not there before: the same in turns, A, B, A, B.
    nothing_new: u32,
}

/// What is done about a response whose calls ran.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    GoOn,
    /// The model is told.
    Tell(String),
    /// It was told, and did it again.
    Stop(String),
}

impl Repeats {
    /// A call of the response under way, and what it gave.
    pub(crate) fn note(&mut self, call: &Call, output: &ToolOutput) {
        let mut hasher = DefaultHasher::new();
        (&call.name, &call.arguments, output.content.to_string()).hash(&mut hasher);
        self.now.insert(hasher.finish());
        self.names.insert(format!("`{}`", call.name));
    }

    /// The response under way has no more calls. `most` is how often the same may be given in a row; things that take
    /// turns may do so for twice as many responses, since waiting for something can look like that.
    pub(crate) fn judge(&mut self, most: u32) -> Verdict {
        let now = std::mem::take(&mut self.now);
        let names: Vec<String> = std::mem::take(&mut self.names).into_iter().collect();
        let names = names.join(", ");
        self.same = if now == self.before { self.same + 1 } else { 1 };
        let new = now.iter().filter(|call| self.seen.insert(**call)).count();
        self.nothing_new = if new > 0 { 0 } else { self.nothing_new + 1 };
        self.before = now;
        let (same, old, turns) = (self.same, self.nothing_new, most.saturating_mul(2));
        if same > most {
            return Verdict::Stop(format!(
                "{same} responses in a row called {names} with the same arguments and the same result"
            ));
        }
        if old > turns {
            return Verdict::Stop(format!(
                "{old} responses in a row only repeated earlier calls, with the same results; the last called {names}"
            ));
        }
        if same == most {
            return Verdict::Tell(format!(
                "[This has given the same result {same} times in a row. Do something else, or answer.]"
            ));
        }
        if old == turns {
            return Verdict::Tell(format!(
                "[The last {old} responses only repeated earlier calls, with the same results. Do something else, or answer.]"
            ));
        }
        Verdict::GoOn
    }
}
