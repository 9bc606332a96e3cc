//! The one model of a stream, and the two things done with it: [`inspect`](Model::inspect) says what is wrong with the
//! next event and changes nothing; [`apply`](Model::apply) takes the event in, mending what was found.
//!
//! The strict reading stops at a finding with the model as it was before the event. So the tolerant reading can take
//! over at any event, and nothing has to be replayed.

mod commit;
mod identity;
mod look;

use std::collections::HashMap;

use crate::context::{Context, Mint};
use crate::ending::ResponseError;
use crate::event::{Event, EventKind};
use crate::limits::Limits;
use crate::mend::Mend;
use crate::rules::{self, Finding};
use crate::slots::Slots;
use crate::violation::{Code, Profile, Severity};

pub(crate) use identity::Identity;
pub(crate) use look::{Look, effective_kind, nested_of, text_kind_of};

/// What the stream has been so far.
#[derive(Debug, Clone)]
pub struct Model {
    pub(crate) slots: Slots,
    /// `response.created` is out.
    pub(crate) created: bool,
    /// `response.queued` or `response.in_progress` is out: the highest of them.
    pub(crate) progressed: Option<EventKind>,
    /// The one response id, as the first lifecycle event gave it; inner `None` where that had none.
    pub(crate) response_id: Option<Option<String>>,
    /// A real id that came after one was made up, or instead of the first.
    pub(crate) upstream_response_id: Option<String>,
    /// Raw `created_at` and `model` of the first response object that has them.
    pub(crate) created_at: Option<String>,
    pub(crate) model_name: Option<String>,
    /// The upstream's last sequence number.
    pub(crate) upstream_sequence: Option<u64>,
    /// The last one that went downstream.
    pub(crate) sequence: Option<u64>,
    /// Sequence numbers are written anew from here on.
    pub(crate) renumber: bool,
    /// The items that were closed, by identity, with the output index of each: openai-python keeps the same book.
    pub(crate) closed: HashMap<Identity, Option<u64>>,
    pub(crate) terminal: Option<EventKind>,
    /// What `error` said, until `response.failed` follows.
    pub(crate) error: Option<ResponseError>,
    /// What makes the response fail although the upstream did not say so.
    pub(crate) failure: Option<ResponseError>,
    /// Text, arguments or a closed item went downstream.
    pub(crate) content: bool,
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
            progressed: None,
            response_id: None,
            upstream_response_id: None,
            created_at: None,
            model_name: None,
            upstream_sequence: None,
            sequence: None,
            renumber: false,
            closed: HashMap::new(),
            terminal: None,
            error: None,
            failure: None,
            content: false,
            mint: Mint::new(context.entropy),
            context,
        }
    }

    /// What is wrong with `event` as the next one, under `profile`, in the order of the rules. Pure.
    pub fn inspect(&self, event: &Event, profile: Profile, without: &[Code]) -> Vec<Finding> {
        let look = Look::new(self, event, profile);
        let mut findings = Vec::new();
        rules::inspect(&look, without, &mut findings);
        findings
    }

    /// Takes `event` in and gives to `sink` what goes downstream: the event itself, byte for byte, where nothing was
    /// found; else the mended one, with the events that had to be made before and behind it. Only findings that are
    /// violations are mended.
    pub fn apply(
        &mut self,
        event: Event,
        findings: &[Finding],
        profile: Profile,
        sink: &mut Vec<Event>,
    ) {
        let look = Look::new(self, &event, profile);
        let (kind, slot, part) = (look.kind, look.slot, look.part);
        drop(look);
        if findings
            .iter()
            .all(|finding| finding.severity != Severity::Violation)
            && !self.renumber
        {
            self.commit(&event, &event, kind, slot);
            sink.push(event);
            return;
        }
        let mut mend = Mend::new(self, &event, kind, slot, part, sink);
        for finding in findings
            .iter()
            .filter(|finding| finding.severity == Severity::Violation)
        {
            if mend.is_over() {
                break;
            }
            (finding.rule.mend)(&mut mend);
        }
        mend.finish();
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

    /// The id of the response, made up if the upstream has given none.
    pub(crate) fn pin_response_id(&mut self) -> String {
        if let Some(Some(id)) = &self.response_id {
            return id.clone();
        }
        let id = self.mint.id("resp");
        self.response_id = Some(Some(id.clone()));
        id
    }
}
