//! The upstream's own numbering, and the event before: what tells a frame that a proxy repeats from one that only says the
//! same.

use bytes::Bytes;

use crate::event::{Event, Field, Payload};

/// So many numbers have to have risen before two that are equal say something.
const ENOUGH: u64 = 2;

/// How the upstream numbers its events.
#[derive(Debug, Clone, Default)]
pub(crate) struct Numbers {
    /// How often a number was greater than the one before; `None` once one was not.
    risen: Option<u64>,
    begun: bool,
    /// The last event, as it came.
    last: Bytes,
}

impl Numbers {
    /// An event came.
    pub(crate) fn note(&mut self, event: &Event, before: Option<u64>) {
        // A frame that comes twice says nothing of how the upstream counts.
        if event.payload() != Payload::Object || self.begun && self.last == event.raw() {
            return;
        }
        let number = event.integer(Field::SequenceNumber);
        let rises = match (number, before) {
            (Some(number), Some(before)) => number > before,
            (number, _) => number.is_some() && !self.begun,
        };
        self.risen = match self.risen {
            None if !self.begun && rises => Some(0),
            Some(risen) if rises => Some(risen.saturating_add(1)),
            _ => None,
        };
        self.begun = true;
        self.last = event.raw().clone();
    }

    /// Some event came.
    pub(crate) fn begun(&self) -> bool {
        self.begun
    }

    /// The event is the one before it once more, number and all, in a stream whose numbers rise.
    pub(crate) fn repeats(&self, event: &Event, before: Option<u64>) -> bool {
        let number = event.integer(Field::SequenceNumber);
        number.is_some()
            && number == before
            && self.risen.is_some_and(|risen| risen >= ENOUGH)
            && self.last == event.raw()
    }
}
