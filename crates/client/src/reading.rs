//! One stream being read: core's reader and accumulator, and what of it reached the consumer.

use std::collections::BTreeSet;

use bytes::Bytes;
use respair_core::{
    Accumulator, Class, Context, EndOfBody, Ending, Profile, Reader, ReaderOptions, RequestFacts,
    Response, Step, Update, Violation, is_interim,
};

use crate::TurnEvent;
use crate::client::Shared;

/// How a stream is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// `openai-sdk`; the first violation stops it.
    Strict,
    /// `portable`, mending.
    Tolerant {
        /// With a strict judge beside it.
        judged: bool,
    },
}

/// What a stream gives, in order.
pub(crate) enum Given {
    /// Something for the consumer.
    Event(TurnEvent),
    /// The strict reading refused an event: [`Reading::take_over`] or give the stream up.
    Refused(Violation),
    /// It is over.
    Ended(Ending),
}

/// A stream in hand.
pub(crate) struct Reading {
    pub(crate) reader: Reader,
    accumulator: Accumulator,
    /// The output indices of messages that are not the answer.
    interim: BTreeSet<u64>,
    /// Events carried the response on since this was last asked.
    progressed: bool,
}

impl Reading {
    pub(crate) fn new(
        shared: &Shared,
        manner: Manner,
        request: RequestFacts,
        entropy: u128,
    ) -> Self {
        let endpoint = &shared.endpoint;
        let options = match manner {
            Manner::Strict => ReaderOptions::strict(),
            Manner::Tolerant { judged: false } => ReaderOptions::tolerant(),
            Manner::Tolerant { judged: true } => ReaderOptions::tolerant().judged(),
        };
        let context = Context::new(shared.clock.unix(), entropy).with_request(request);
        let options = options
            .with_limits(endpoint.limits)
            .without(endpoint.rules_off().to_vec())
            .cumulative(endpoint.deltas_are_cumulative());
        Self {
            reader: Reader::new(options, context),
            accumulator: Accumulator::new(&endpoint.limits),
            interim: BTreeSet::new(),
            progressed: false,
        }
    }

    /// Bytes came.
    pub(crate) fn push(&mut self, chunk: Bytes) {
        self.reader.push(chunk);
    }

    /// No more bytes will come.
    pub(crate) fn finish(&mut self, cause: EndOfBody) {
        self.reader.finish(cause);
    }

    /// Goes on tolerantly at the event that was refused.
    pub(crate) fn take_over(&mut self) {
        self.reader.take_over(Profile::Portable);
    }

    /// What the bytes so far give; to be asked until it gives nothing. One event may give several things.
    pub(crate) fn poll(&mut self, out: &mut Vec<Given>) -> bool {
        match self.reader.poll() {
            None => return false,
            Some(Step::Event(event)) => {
                self.progressed |= carries_on(event.kind().class());
                let updates = self.accumulator.fold(&event);
                for update in updates {
                    let event = self.delivered(update);
                    out.extend(event.map(Given::Event));
                }
            }
            Some(Step::Refused(violation)) => out.push(Given::Refused(violation)),
            Some(Step::Ended(ending)) => out.push(Given::Ended(ending)),
            Some(_) => {}
        }
        true
    }

    /// What of an update the consumer is given.
    fn delivered(&mut self, update: Update) -> Option<TurnEvent> {
        Some(match update {
            Update::Text { text, output_index } if self.interim.contains(&output_index) => {
                TurnEvent::Commentary(text)
            }
            Update::Text { text, .. } => TurnEvent::Text(text),
            Update::Reasoning { text, .. } => TurnEvent::Reasoning(text),
            Update::ItemAdded { item, output_index } => {
                if is_interim(item.get()) {
                    self.interim.insert(output_index);
                }
                TurnEvent::ItemAdded { item, output_index }
            }
            Update::Arguments { text, output_index } => TurnEvent::Arguments { text, output_index },
            Update::ItemDone { item, .. } => TurnEvent::ItemDone(item),
            _ => return None,
        })
    }

    /// Whether events carried the response on since this was last asked.
    pub(crate) fn take_progress(&mut self) -> bool {
        std::mem::take(&mut self.progressed)
    }

    /// The response as it stands.
    pub(crate) fn response(self, ending: &Ending) -> (Response, Reader) {
        (self.accumulator.finish(ending), self.reader)
    }
}

/// Whether an event of this class carries the response on. Lifecycle events, vendor events and comments do not: relays
/// repeat them as keep-alives while nothing moves (DEVIATIONS 6.4).
pub fn carries_on(class: Class) -> bool {
    matches!(
        class,
        Class::ItemAdded
            | Class::PartAdded
            | Class::TextDelta
            | Class::TextDone
            | Class::PartDone
            | Class::CallDelta
            | Class::CallDone
            | Class::ItemStatus
            | Class::ItemDone
            | Class::Terminal
            | Class::Error
    )
}
