//! What a relay does to one delta it does to the next.
//!
//! A delta that names its item wrongly, or its number, or itself, is judged by every rule and mended by some; the one
//! behind it differs in its text and gets the same. A [`Habit`] is what came of the first: the rules that it broke and
//! the fields that were set. It says nothing about a delta that is not alike, and nothing once anything else has
//! happened to the model; in a debug build the rules are asked all the same.

use crate::event::{Class, Event, Field};
use crate::json;
use crate::rules::{self, Finding, Rule};
use crate::violation::{Profile, Severity};

use super::plain::takes_arguments;
use super::{Model, Place};

/// How the delta before this one was mended.
#[derive(Debug, Clone)]
pub(crate) struct Habit {
    /// That delta, as the upstream sent it.
    event: Event,
    place: Place,
    profile: Profile,
    /// What it broke.
    pub(crate) broken: Vec<(&'static Rule, Severity)>,
    /// What was set, its number aside.
    fields: Vec<(Field, String)>,
}

impl Habit {
    /// What was done to `event`, if that is all there is to do to its like. `fields` is what its mending set.
    pub(super) fn of(
        event: &Event,
        place: Place,
        profile: Profile,
        findings: &[Finding],
        fields: Vec<(Field, String)>,
    ) -> Option<Self> {
        let delta = matches!(place.kind.class(), Class::TextDelta | Class::CallDelta);
        // Under `open-responses` each delta is asked about its schema.
        let alike = delta
            && profile != Profile::OpenResponses
            && findings
                .iter()
                .all(|one| rules::is_of_the_address(one.rule));
        alike.then(|| Self {
            event: event.clone(),
            place,
            profile,
            broken: findings
                .iter()
                .map(|one| (one.rule, one.severity))
                .collect(),
            fields,
        })
    }

    fn broke(&self, rule: &'static Rule) -> bool {
        self.broken
            .iter()
            .any(|(broken, _)| std::ptr::eq(*broken, rule))
    }
}

impl Model {
    /// What the habit in force breaks.
    pub(crate) fn broken_again(&self) -> &[(&'static Rule, Severity)] {
        self.habit.as_ref().map_or(&[], |habit| &habit.broken)
    }

    /// The habit that holds for `event` as well.
    pub(crate) fn habit_for(&self, event: &Event, profile: Profile) -> Option<&Habit> {
        let habit = self.habit.as_deref()?;
        let before = &habit.event;
        let alike = habit.profile == profile
            && event.is_like(
                before,
                &[Field::SequenceNumber, Field::Delta, Field::ItemId],
            )
            && event.is_string(Field::Delta)
            && !(event.has_escapes() && json::has_lone_surrogate(event.frame().data()))
            && self.is_numbered_like(event, habit)
            && self.is_named_like(event, habit)
            && self.takes_more(event, habit.place);
        alike.then_some(habit)
    }

    /// Mends and takes in an event that has a [`habit_for`](Self::habit_for) it.
    pub(crate) fn repeat(&mut self, event: &Event) -> Option<Event> {
        let habit = self.habit.take()?;
        let mut digits = json::Digits::default();
        let mut fields: Vec<(Field, &str)> = Vec::with_capacity(habit.fields.len() + 1);
        fields.extend(
            habit
                .fields
                .iter()
                .map(|(field, raw)| (*field, raw.as_str())),
        );
        if self.renumber {
            fields.push((Field::SequenceNumber, digits.of(self.next_sequence())));
        }
        let place = habit.place;
        let mended = event.with_fields(place.kind.name(), &fields)?;
        debug_assert!(self.is_right(event, &habit, &mended));
        self.commit(&mended, event, place);
        self.habit = Some(habit);
        Some(mended)
    }

    /// Its number is as missing, as late or as right as the one before it was.
    fn is_numbered_like(&self, event: &Event, habit: &Habit) -> bool {
        let then = habit.event.integer(Field::SequenceNumber);
        let now = event.integer(Field::SequenceNumber);
        let late = now.is_some_and(|now| self.upstream_sequence.is_some_and(|last| now <= last));
        then.is_some() == now.is_some() && late == habit.broke(&rules::SEQUENCE_NOT_INCREASING)
    }

    /// It has the same item id; or another one that nobody knows either, where the index tells the item.
    fn is_named_like(&self, event: &Event, habit: &Habit) -> bool {
        if event.raw_field(Field::ItemId) == habit.event.raw_field(Field::ItemId) {
            return true;
        }
        let Some([b'"', id @ .., b'"']) = event.raw_field(Field::ItemId) else {
            return false;
        };
        let Ok(id) = std::str::from_utf8(id) else {
            return false;
        };
        let index = event.integer(Field::OutputIndex);
        let unknown = !id.is_empty() && !id.contains('\\') && self.slots.with_id(id).is_none();
        unknown
            && index.is_some()
            && self.slots.at_index(index) == habit.place.slot
            && habit.broke(&rules::ITEM_ID_CHANGED)
    }

    fn takes_more(&self, event: &Event, place: Place) -> bool {
        match place.slot {
            Some(at) if place.kind.class() == Class::CallDelta => {
                takes_arguments(&self.slots.list[at], event)
            }
            slot => slot.is_some(),
        }
    }

    /// The rules come to the same.
    fn is_right(&self, event: &Event, habit: &Habit, mended: &Event) -> bool {
        let (findings, place) = self.look_closely(event, habit.profile, &[]);
        place == habit.place
            && findings.len() >= habit.broken.len()
            && habit
                .broken
                .iter()
                .all(|(rule, _)| findings.iter().any(|one| std::ptr::eq(one.rule, *rule)))
            && self.is_plain_again(mended, place)
            && Event::read(mended.frame().clone()) == *mended
    }
}
