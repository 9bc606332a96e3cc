//! The one model of a stream, and the two things done with it: [`inspect`](Model::inspect) says what is wrong with the
//! next event and changes nothing; [`apply`](Model::apply) takes the event in, mending what was found.
//!
//! The strict reading stops at a finding with the model as it was before the event. So the tolerant reading can take
//! over at any event, and nothing has to be replayed.

mod commit;
mod defaulted;
mod habit;
mod identity;
mod look;
mod numbers;
mod plain;

use std::collections::{HashMap, HashSet};

use crate::context::{Context, Mint};
use crate::ending::ResponseError;
use crate::event::{Class, Event, EventKind, Field, Payload};
use crate::json::{Edit, quote};
use crate::limits::Limits;
use crate::mend::{Draft, Mend};
use crate::rules::{self, Finding};
use crate::slots::Slots;
use crate::violation::{Code, Profile};

pub(crate) use defaulted::Defaulted;
pub(crate) use habit::Habit;
pub(crate) use identity::{Closed, Identity};
use numbers::Numbers;

pub(crate) use look::{Look, Place, effective_kind, nested_of, text_kind_of};

/// How often one event may be mended and inspected again before it is given up: each pass closes at least one gap, and
/// no event has so many.
const MAX_PASSES: usize = 8;

/// What the stream has been so far.
#[derive(Debug, Clone)]
pub struct Model {
    pub(crate) slots: Slots,
    /// `response.created` is out.
    pub(crate) created: bool,
    /// The one response id, as the first lifecycle event gave it; inner `None` where that had none.
    pub(crate) response_id: Option<Option<String>>,
    /// A real id that came after one was made up, or instead of the first.
    pub(crate) upstream_response_id: Option<String>,
    /// Raw `created_at` and `model` of the first response object that has them.
    pub(crate) created_at: Option<String>,
    pub(crate) model_name: Option<String>,
    /// The upstream's last sequence number.
    pub(crate) upstream_sequence: Option<u64>,
    /// How the upstream counts.
    pub(crate) numbers: Numbers,
    /// The last one that went downstream.
    pub(crate) sequence: Option<u64>,
    /// Sequence numbers are written anew from here on.
    pub(crate) renumber: bool,
    /// The items that were closed, by identity: openai-python keeps the same book.
    pub(crate) closed: HashMap<Identity, Closed>,
    /// Which of them was closed last at an output index.
    pub(crate) closed_at: HashMap<Option<u64>, Identity>,
    /// The identities of the items that were added and are no calls.
    pub(crate) added: HashSet<Identity>,
    pub(crate) terminal: Option<EventKind>,
    /// What `error` said, until `response.failed` follows.
    pub(crate) error: Option<ResponseError>,
    /// What makes the response fail although the upstream did not say so.
    pub(crate) failure: Option<ResponseError>,
    /// Required fields that were filled and not yet reported.
    pub(crate) defaulted: Defaulted,
    /// Text, arguments or a closed item went downstream.
    pub(crate) content: bool,
    /// The last `id:` line downstream was not empty.
    pub(crate) id_line: bool,
    /// A second `created` came after content: what is added again from here on was told before.
    pub(crate) restarted: bool,
    /// Deltas may repeat the whole text so far (`compat.cumulative_deltas`).
    pub(crate) cumulative: bool,
    /// How the event before was mended, if it was a delta and nothing else happened.
    habit: Option<Box<Habit>>,
    pub(crate) mint: Mint,
    pub(crate) context: Context,
}

impl Model {
    /// A model of a stream of which nothing was read yet.
    #[must_use]
    pub fn new(context: Context, limits: &Limits) -> Self {
        Self {
            slots: Slots::new(limits.response),
            created: false,
            response_id: None,
            upstream_response_id: None,
            created_at: None,
            model_name: None,
            upstream_sequence: None,
            numbers: Numbers::default(),
            sequence: None,
            renumber: false,
            closed: HashMap::new(),
            closed_at: HashMap::new(),
            added: HashSet::new(),
            terminal: None,
            error: None,
            failure: None,
            defaulted: Defaulted::default(),
            content: false,
            id_line: false,
            restarted: false,
            cumulative: false,
            habit: None,
            mint: Mint::new(context.entropy),
            context,
        }
    }

    /// What is wrong with `event` as the next one, under `profile`, in the order of the rules. Pure.
    pub fn inspect(&self, event: &Event, profile: Profile, without: &[Code]) -> Vec<Finding> {
        self.look(event, profile, without).0
    }

    /// What is wrong with the event, and where it belongs.
    pub(crate) fn look(
        &self,
        event: &Event,
        profile: Profile,
        without: &[Code],
    ) -> (Vec<Finding>, Place) {
        match self.plain(event, profile) {
            Some(place) => (self.look_at_plain(event, place, profile, without), place),
            None => self.look_closely(event, profile, without),
        }
    }

    /// [`look`](Self::look), asking every rule.
    fn look_closely(
        &self,
        event: &Event,
        profile: Profile,
        without: &[Code],
    ) -> (Vec<Finding>, Place) {
        let look = Look::new(self, event, profile);
        let mut findings = Vec::new();
        rules::inspect(&look, without, &mut findings);
        let renamed = self.slots.names_other_call(event).is_some();
        let alone = |one: &Finding| {
            one.rule.code == rules::EVENT_REPEATED.code
                || renamed && one.rule.code == rules::EVENT_ALIAS.code
        };
        if findings.iter().any(|one| alone(one) && one.is_violation()) {
            // All else that is wrong with it follows from that.
            findings.retain(alone);
        }
        (findings, look.place())
    }

    /// Takes `event` in and gives to `sink` what goes downstream: the event itself, byte for byte, where nothing was
    /// found; else the mended one, with the events that had to be made before it. Only findings that are violations are
    /// mended. What is mended is inspected again, because one gap can hide another (a delta without its item also
    /// lacks its part); the answer is everything that was found on the way beyond `findings`.
    pub fn apply(
        &mut self,
        event: Event,
        findings: &[Finding],
        profile: Profile,
        without: &[Code],
        sink: &mut Vec<Event>,
    ) -> Vec<Finding> {
        let place = Look::new(self, &event, profile).place();
        self.take_in(event, place, findings, profile, without, sink)
    }

    /// [`apply`](Self::apply) of an event whose place is known.
    pub(crate) fn take_in(
        &mut self,
        event: Event,
        mut place: Place,
        findings: &[Finding],
        profile: Profile,
        without: &[Code],
        sink: &mut Vec<Event>,
    ) -> Vec<Finding> {
        self.habit = None;
        if place.kind.class() == Class::Error {
            // Behind an error comes nothing but `response.failed`.
            self.show_what_waits(profile, sink);
        }
        let (made_before, mut fields) = (sink.len(), None);
        let mut moved = self.was_moved(place);
        if !findings.iter().any(Finding::is_violation) && !self.renumber && !moved {
            self.commit(&event, &event, place);
            sink.push(event);
            return Vec::new();
        }
        let mut mended: Option<Event> = None;
        let mut more: Vec<Finding> = Vec::new();
        let mut open: Vec<Finding> = findings
            .iter()
            .filter(|finding| finding.is_violation())
            .cloned()
            .collect();
        let mut passes = 0;
        while !open.is_empty() || moved {
            let now = mended.as_ref().unwrap_or(&event);
            let mut mend = Mend::new(self, now, &event, place, profile, sink);
            for finding in &open {
                if mend.is_over() {
                    break;
                }
                (finding.rule.mend)(&mut mend);
            }
            if moved && !mend.is_over() {
                mend.follow();
            }
            passes += 1;
            fields = mend.draft.fields_set().filter(|_| passes == 1);
            let over = mend.is_over();
            let Some((next, found)) = mend.result().filter(|_| passes < MAX_PASSES) else {
                if !over && place.kind.class() == Class::Terminal {
                    // The upstream's last word is never dropped in silence.
                    let why = open
                        .first()
                        .map(|finding| finding.message.clone().into_owned())
                        .unwrap_or_default();
                    self.failure = Some(ResponseError::local("upstream_contradiction", why));
                }
                self.note_dropped(&event);
                return more;
            };
            place = found;
            moved = false;
            open.clear();
            self.look_again(&next, profile, place, without, &mut open);
            open.retain(|finding| finding.is_violation() && !finding.rule.is_about_numbers());
            more.extend(open.iter().cloned());
            mended = Some(next);
        }
        let whole = match mended {
            Some(mended) if !self.renumber || self.has_next_number(&mended) => mended,
            Some(mended) => self.numbered(&mended),
            None if self.renumber => self.numbered(&event),
            None => event.clone(),
        };
        let alone = sink.len() == made_before && more.is_empty();
        if let Some(fields) = fields.filter(|_| alone && self.is_plain_again(&whole, place)) {
            let habit = Habit::of(&event, place, profile, findings, fields);
            self.commit(&whole, &event, place);
            self.habit = habit.map(Box::new);
        } else {
            self.commit(&whole, &event, place);
        }
        sink.push(whole);
        more
    }

    /// The event speaks of an item that goes by another index or id downstream.
    fn was_moved(&self, place: Place) -> bool {
        match place.slot {
            Some(at) => self.slots.list[at].moved,
            None => {
                place.kind == EventKind::Completed && self.slots.list.iter().any(|slot| slot.moved)
            }
        }
    }

    /// The event with the next sequence number, where it is one that has a number.
    fn numbered(&self, event: &Event) -> Event {
        if event.payload() != Payload::Object {
            return event.clone();
        }
        let mut draft = Draft::default();
        draft.set("sequence_number", self.next_sequence().to_string());
        draft.finish(event, &event.type_name(), None)
    }

    /// The event was given its number when it was mended.
    fn has_next_number(&self, event: &Event) -> bool {
        event.integer(Field::SequenceNumber) == Some(self.next_sequence())
    }

    pub(crate) fn next_sequence(&self) -> u64 {
        self.sequence.map_or(0, |last| last.saturating_add(1))
    }

    /// A dropped event's number was still the upstream's last one.
    fn note_dropped(&mut self, event: &Event) {
        self.numbers.note(event, self.upstream_sequence);
        if let Some(number) = event.integer(Field::SequenceNumber) {
            self.upstream_sequence = self.upstream_sequence.max(Some(number));
        }
    }

    /// Notes that an item was closed, in place of what was closed at its index before.
    pub(crate) fn note_closed(&mut self, identity: Identity, closed: Closed) {
        if let Some(before) = self
            .closed_at
            .insert(closed.index, identity.clone())
            .filter(|before| *before != identity)
        {
            self.closed.remove(&before);
        }
        self.closed.insert(identity, closed);
    }

    /// The id of the response downstream.
    #[must_use]
    pub fn response_id(&self) -> Option<&str> {
        self.response_id.as_ref()?.as_deref()
    }

    /// The upstream's own id, where it differs from [`Model::response_id`].
    #[must_use]
    pub fn upstream_response_id(&self) -> Option<&str> {
        self.upstream_response_id.as_deref()
    }

    /// Text, arguments or a closed item went downstream: sending the request again could deliver something twice.
    #[must_use]
    pub fn has_content(&self) -> bool {
        self.content
    }

    /// The id of the response, made up if the upstream has given none; `None` when `created` went out without one,
    /// which `openai-sdk` allows as long as it stays so.
    pub(crate) fn pin_response_id(&mut self) -> Option<String> {
        match &self.response_id {
            Some(Some(id)) => Some(id.clone()),
            Some(None) if self.created => None,
            _ => {
                let id = self.mint.id("resp");
                self.response_id = Some(Some(id.clone()));
                Some(id)
            }
        }
    }

    /// The edit that gives a response object that id, or takes its own out.
    pub(crate) fn pin_response_edit(&mut self) -> Edit {
        match self.pin_response_id() {
            Some(id) => Edit::Set("id", quote(&id)),
            None => Edit::Remove("id".to_owned()),
        }
    }
}
