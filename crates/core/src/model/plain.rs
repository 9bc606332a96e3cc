//! The plain delta, which most of a stream is made of: it goes on where the delta before it stopped.
//!
//! What [`Model::plain`] asks is enough for every rule in `rules::plain`; those are not asked again. It decides
//! nothing by itself: where it says nothing, the rules do, and in a debug build each of its answers is compared with theirs.

use crate::event::{Class, Event, EventKind, Field};
use crate::json;
use crate::rules::{self, Finding};
use crate::slots::{Part, Slot, TextKind, want};
use crate::violation::{Code, Profile};

use super::{Look, Model, Place};

impl Model {
    /// Where a delta belongs that breaks none of the rules in `rules::plain`, under any profile. `None` where
    /// that takes a closer look.
    pub(crate) fn plain(&self, event: &Event, profile: Profile) -> Option<Place> {
        // There a delta is asked about its schema, and about its name in it.
        if profile == Profile::OpenResponses {
            return None;
        }
        let kind = event.kind();
        let class = kind.class();
        if !matches!(class, Class::TextDelta | Class::CallDelta) || !self.created || self.cumulative
        {
            return None;
        }
        let number = event.integer(Field::SequenceNumber)?;
        if !is_clean(event, kind) || self.upstream_sequence.is_some_and(|last| number <= last) {
            return None;
        }
        let at = self.slots.named_exactly(event, kind)?;
        let slot = &self.slots.list[at];
        if !slot.is_open() || slot.held || slot.shown_index() != event.integer(Field::OutputIndex) {
            return None;
        }
        let part = match class {
            Class::TextDelta => Some(open_part(slot, event, TextKind::of(kind)?)?),
            _ => {
                takes_arguments(slot, event).then_some(())?;
                None
            }
        };
        Some(Place {
            kind,
            slot: Some(at),
            part,
        })
    }

    /// What is wrong with an event that was mended and belongs to `place`.
    pub(super) fn look_again(
        &self,
        event: &Event,
        profile: Profile,
        place: Place,
        without: &[Code],
        findings: &mut Vec<Finding>,
    ) {
        if self.is_plain_again(event, place)
            && !rules::breakable_by_plain(profile, place.kind.class())
        {
            debug_assert!(
                {
                    rules::inspect(&Look::again(self, event, profile, place), without, findings);
                    findings
                        .iter()
                        .all(|one| one.rule.is_about_numbers() || !one.is_violation())
                },
                "a mended delta breaks {findings:?}: {}",
                String::from_utf8_lossy(event.raw())
            );
            return;
        }
        rules::inspect(&Look::again(self, event, profile, place), without, findings);
    }

    /// [`plain`](Self::plain) for an event that was mended: it names its item and part as they are called downstream.
    pub(super) fn is_plain_again(&self, event: &Event, place: Place) -> bool {
        let (kind, Some(at)) = (event.kind(), place.slot) else {
            return false;
        };
        let slot = &self.slots.list[at];
        let named = slot
            .id
            .as_ref()
            .is_some_and(|id| event.is_quoted(Field::ItemId, id));
        let index = event.integer(Field::OutputIndex);
        let at_part = || {
            let text = TextKind::of(kind)?;
            let (place, index) = (place.part?, event.integer(text.index_field())?);
            let part = slot.parts(text).get(place)?;
            // openai-python finds a part by its position.
            (part.index == index && place as u64 == index && takes_text(part, text)).then_some(())
        };
        self.created
            && !self.cumulative
            && kind == place.kind
            && event.integer(Field::SequenceNumber).is_some()
            && is_clean(event, kind)
            && slot.is_open()
            && !slot.held
            && named
            && index.is_some()
            && slot.shown_index() == index
            && want(kind) == Some(slot.kind)
            && match kind.class() {
                Class::TextDelta => at_part().is_some(),
                Class::CallDelta => takes_arguments(slot, event),
                _ => false,
            }
    }

    /// What is wrong with a plain delta: only the rules are asked that such a one can break.
    pub(super) fn look_at_plain(
        &self,
        event: &Event,
        place: Place,
        profile: Profile,
        without: &[Code],
    ) -> Vec<Finding> {
        let mut findings = Vec::new();
        if rules::breakable_by_plain(profile, place.kind.class()) {
            let look = Look::new(self, event, profile);
            rules::inspect_plain(&look, without, &mut findings);
        }
        debug_assert!(
            self.agrees(event, place, profile, without, &findings),
            "a plain delta breaks a rule in `rules::plain`: {}",
            String::from_utf8_lossy(event.raw())
        );
        findings
    }

    /// The closer look comes to the same.
    fn agrees(
        &self,
        event: &Event,
        place: Place,
        profile: Profile,
        without: &[Code],
        findings: &[Finding],
    ) -> bool {
        let (others, elsewhere) = self.look_closely(event, profile, without);
        let codes = |all: &[Finding]| all.iter().map(|one| one.rule.code).collect::<Vec<_>>();
        place == elsewhere && codes(findings) == codes(&others)
    }

    /// Takes in a delta that goes downstream as it came, and says whether `event` is one; else nothing was done.
    pub(crate) fn pass(&mut self, event: &Event, profile: Profile, without: &[Code]) -> bool {
        if self.renumber {
            return false;
        }
        let Some(place) = self.plain(event, profile) else {
            return false;
        };
        let passes = !self.was_moved(place)
            && self
                .look_at_plain(event, place, profile, without)
                .is_empty();
        if passes {
            self.take_plain(event, place);
        }
        passes
    }

    /// A plain delta of a stream that is numbered anew, with its number; it was taken in.
    pub(crate) fn renumbered(
        &mut self,
        event: &Event,
        profile: Profile,
        without: &[Code],
    ) -> Option<Event> {
        if !self.renumber {
            return None;
        }
        let place = self
            .plain(event, profile)
            .filter(|place| !self.was_moved(*place))?;
        if !self
            .look_at_plain(event, place, profile, without)
            .is_empty()
        {
            return None;
        }
        let mut digits = json::Digits::default();
        let number = (Field::SequenceNumber, digits.of(self.next_sequence()));
        let numbered = event.with_fields(place.kind.name(), &[number])?;
        debug_assert!(Event::read(numbered.frame().clone()) == numbered);
        self.habit = None;
        self.commit(&numbered, event, place);
        Some(numbered)
    }

    fn take_plain(&mut self, event: &Event, place: Place) {
        self.habit = None;
        let number = event.integer(Field::SequenceNumber);
        self.numbers.note(event, self.upstream_sequence);
        self.upstream_sequence = number;
        self.sequence = number;
        if let Some(at) = place.slot {
            self.slots.commit(at, event, place.kind, place.part);
        }
        self.content |= !self.slots.changes.is_empty();
        self.slots.changes.clear();
    }
}

/// The frame and the JSON are as they should be, and the delta is a string.
fn is_clean(event: &Event, kind: EventKind) -> bool {
    event.frame().oddities().is_empty()
        && event.frame().is_named(kind.name())
        && !matches!(kind, EventKind::ReasoningDelta)
        && !event.has_duplicates()
        && event.field(Field::Error).is_none()
        && event.is_string(Field::Delta)
        && !(event.has_escapes() && json::has_lone_surrogate(event.frame().data()))
}

/// The delta goes on with the call's arguments or input.
pub(super) fn takes_arguments(slot: &Slot, event: &Event) -> bool {
    let open = !slot.payload_done && slot.lost.is_none() && slot.payload_seed.is_empty();
    open && rules::continue_arguments(slot, event)
}

/// More text of this kind may come for the part.
fn takes_text(part: &Part, text: TextKind) -> bool {
    part.kind == Some(text)
        && !(part.untyped || part.text_done || part.done || part.again)
        && part.seed.is_empty()
}

/// The part that the delta names by its index, if text may still come for it.
fn open_part(slot: &Slot, event: &Event, text: TextKind) -> Option<usize> {
    let index = event.integer(text.index_field())?;
    let place = usize::try_from(index).ok()?;
    let fits = |part: &&Part| {
        part.index == index && part.upstream_index == index && takes_text(part, text)
    };
    let parts = slot.parts(text);
    // An index that stands for several parts (DEVIATIONS 2.8) leads to the newest.
    let shared = |last: &Part| last.upstream_index == index && last.index != index;
    let alone = !parts.last().is_some_and(shared);
    parts
        .get(place)
        .filter(fits)
        .filter(|_| alone)
        .map(|_| place)
}
