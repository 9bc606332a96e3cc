//! The whole line for one response body: bytes in, events out, until the stream has ended.
//!
//! ```text
//! push(bytes) ─► sse::Decoder ─► Event ─► inspect ─► apply ─► poll() gives Step::Event … Step::Ended
//!                                            └─ strict: Step::Refused, then take_over() or stop
//! ```

mod ahead;
mod ended;
mod heartbeat;
mod instead;
mod late;
mod ledger;
mod options;
mod reread;
mod second;
mod short;
mod sniff;

use std::collections::VecDeque;

use bytes::Bytes;

use crate::context::Context;
use crate::ending::{EndOfBody, Ending};
use crate::event::{Class, Event, Stencil};
use crate::limits::Limits;
use crate::model::{Model, Place, effective_kind};
use crate::rules::{self, Finding};
use crate::sse::{Decoder, Frame, Oddities};
use crate::violation::{Code, Profile, Repair, Severity, Violation};

use ahead::Ahead;
use ledger::Ledger;
pub use options::{Mode, ReaderOptions, Step};
use reread::{Reread, by_its_name, read_again};
use sniff::{Sniff, Sniffer};

/// What the strict reading stopped at.
#[derive(Debug)]
enum Refusal {
    Event(Box<Event>, Vec<Finding>),
    /// The body as a whole: one JSON response.
    Body,
}

/// Reads one response body.
#[derive(Debug)]
pub struct Reader {
    mode: Mode,
    profile: Profile,
    limits: Limits,
    without: Vec<Code>,
    decoder: Decoder,
    stencil: Stencil,
    sniffer: Sniffer,
    model: Model,
    /// A second model, which the upstream's own events are judged by.
    judge: Option<Model>,
    /// Under `openai-sdk`, from the first repair on: what was given out, judged strictly.
    shadow: Option<Model>,
    /// What is given out goes nowhere.
    judging: bool,
    clean: bool,
    ledger: Ledger,
    queue: VecDeque<Step>,
    refused: Option<Refusal>,
    /// Events that wait for what decides about them.
    ahead: Option<Ahead>,
    /// Events that waited and are next, before any frame.
    pending: VecDeque<Event>,
    /// The frame behind them is too long.
    too_long: Option<(String, u64)>,
    ending: Option<Ending>,
    /// The body is over.
    over: Option<EndOfBody>,
    /// Where the current event stands, from 0 over the frames that carry data.
    position: u64,
    /// `[DONE]` is out.
    sentinel: bool,
    /// Where the last frame that was read ends in the body.
    read_to: u64,
    sink: Vec<Event>,
}

impl Reader {
    /// Reads a new body.
    #[must_use]
    pub fn new(options: ReaderOptions, context: Context) -> Self {
        let mut model = Model::new(context, &options.limits);
        model.created = options.resumed;
        model.cumulative = options.cumulative_deltas;
        let judge = options.judge.then(|| model.clone());
        Self {
            mode: options.mode,
            profile: options.profile,
            decoder: Decoder::new(options.limits.frame),
            stencil: Stencil::default(),
            sniffer: Sniffer::new(options.limits.frame),
            model,
            limits: options.limits,
            without: options.without,
            judge,
            shadow: None,
            judging: options.judging,
            clean: true,
            ledger: Ledger::default(),
            // Room for what nearly every event makes: one. Thousands of streams may be open at once.
            queue: VecDeque::with_capacity(1),
            refused: None,
            ahead: None,
            pending: VecDeque::new(),
            too_long: None,
            ending: None,
            over: None,
            position: 0,
            sentinel: false,
            read_to: 0,
            sink: Vec::with_capacity(1),
        }
    }

    /// Takes bytes in as they arrive, in any pieces. Read what they make with [`Reader::poll`] before the next push.
    pub fn push(&mut self, chunk: Bytes) {
        if self.over.is_some() {
            return;
        }
        if let Some(chunk) = self.sniffer.push(chunk) {
            self.decoder.push(chunk);
        }
    }

    /// The body is over. Poll again afterwards: what was left is read, and the ending is said.
    pub fn finish(&mut self, cause: EndOfBody) {
        if self.over.is_none() {
            if let Some(rest) = self.sniffer.finish() {
                self.decoder.push(rest);
            }
            self.over = Some(cause);
        }
    }

    /// The next step; `None` when more bytes are needed, after a refusal, and when everything was said.
    pub fn poll(&mut self) -> Option<Step> {
        loop {
            if let Some(step) = self.queue.pop_front() {
                return Some(step);
            }
            if self.refused.is_some()
                || self.sniffer.verdict() == Sniff::Undecided && self.over.is_none()
            {
                return None;
            }
            if let Some(event) = self.pending.pop_front() {
                self.take(event);
                continue;
            }
            if let Some((message, offset)) = self.too_long.take() {
                self.oversized(&message, offset);
                continue;
            }
            match self.decoder.next_frame() {
                Some(Ok(frame)) => {
                    let mut event = self.stencil.read(frame);
                    if self.take_shortly(&mut event) {
                        return Some(Step::Event(event));
                    }
                    self.receive(event);
                }
                Some(Err(error)) => self.cut_off(error.to_string(), error.offset),
                None => {
                    let cause = self.over?;
                    match self.decoder.finish() {
                        Some(Ok(frame)) => self.take_last(frame),
                        Some(Err(error)) => self.cut_off(error.to_string(), error.offset),
                        None if self.ahead.is_some() => self.give_up_waiting(),
                        None if self.ending.is_none() => self.conclude(cause),
                        None if self.lacks_sentinel() => self.add_sentinel(),
                        None => return None,
                    }
                }
            }
        }
    }

    /// The strict reading refused an event: the tolerant one goes on with it, in the same body, mending to `profile`.
    /// Nothing is read again and nothing is given twice.
    pub fn take_over(&mut self, profile: Profile) {
        self.mode = Mode::Tolerant;
        self.profile = profile;
        self.clean = false;
        let refused = self.refused.take();
        if let Some(Refusal::Event(event, findings)) = refused {
            let (again, place) = self.model.look(&event, profile, &self.without);
            for finding in &findings {
                if !again
                    .iter()
                    .any(|other| other.rule.code == finding.rule.code)
                {
                    self.ledger.note(finding, self.position, span_of(&event));
                }
            }
            self.apply(*event, again, place);
        }
    }

    /// What events are mended to. A stream that was mended under `openai-sdk` is brought to `portable` from there on:
    /// what that profile leaves alone is only safe to leave alone in a stream that nobody has touched.
    fn demands(&self) -> Profile {
        let touched = self.mode == Mode::Tolerant && self.model.renumber && !self.judging;
        if touched && self.profile == Profile::OpenAiSdk {
            Profile::Portable
        } else {
            self.profile
        }
    }

    fn take(&mut self, event: Event) {
        if self.ending.is_some() {
            return self.after_the_end(event);
        }
        if self.is_of_chat_completions(&event) {
            return self.refuse_chat_completions(&event);
        }
        if self.model.error.is_some() && self.is_past_the_error(&event) {
            return;
        }
        let (findings, place) = self.model.look(&event, self.demands(), &self.without);
        if !findings.is_empty()
            && let Some(at) = self.has_to_wait(&findings, place)
        {
            return self.wait(at, event);
        }
        let counts = event.counts();
        self.read_to = event.frame().end();
        self.judge_beside(&event);
        if self.mode == Mode::Strict
            && let Some(first) = findings
                .iter()
                .find(|finding| finding.severity == Severity::Violation)
        {
            let violation = self.ledger.violation(first, self.position, span_of(&event));
            self.clean = false;
            for finding in &findings {
                self.ledger.note(finding, self.position, span_of(&event));
            }
            self.refused = Some(Refusal::Event(Box::new(event), findings));
            self.queue.push_back(Step::Refused(violation));
            return;
        }
        self.apply(event, findings, place);
        self.position += u64::from(counts);
    }

    /// Takes an event in, gives out what comes of it, and sees whether the stream has ended.
    fn apply(&mut self, mut event: Event, mut findings: Vec<Finding>, mut place: Place) {
        let span = span_of(&event);
        self.note(&findings, span);
        let named = self.model.slots.names_other_call(&event).is_some();
        let read = if named && findings.iter().any(Finding::is_violation) {
            by_its_name(&event)
        } else {
            read_again(&event, &findings)
        };
        match read {
            Reread::Same => {}
            Reread::Nothing => return,
            Reread::Event(read) => {
                (findings, place) = self.model.look(&read, self.demands(), &self.without);
                self.note(&findings, span);
                event = *read;
            }
        }
        let kind = effective_kind(&event);
        let ends_badly = kind.class() == Class::Sentinel;
        self.cast_shadow(&findings);
        let more = self.model.take_in(
            event,
            place,
            &findings,
            self.demands(),
            &self.without,
            &mut self.sink,
        );
        for finding in &more {
            self.ledger.note(finding, self.position, span);
            self.ledger.repaired(finding.rule.code, self.position);
        }
        if self.mode == Mode::Tolerant && self.model.terminal.is_none() {
            self.frame_the_last();
        }
        self.check_shadow();
        if ends_badly {
            // `[DONE]` is no terminal event: the upstream has nothing more to say (DEVIATIONS 4.14).
            self.sink.clear();
            return self.conclude(EndOfBody::Eof);
        }
        self.give_out();
    }

    fn note(&mut self, findings: &[Finding], at: (u64, u64)) {
        for finding in findings {
            self.ledger.note(finding, self.position, at);
            if finding.severity == Severity::Violation {
                self.ledger.repaired(finding.rule.code, self.position);
            }
        }
    }

    /// Gives out what an event made, and sees whether the stream has ended with it.
    fn give_out(&mut self) {
        self.report_filled();
        let terminal = self
            .sink
            .last()
            .filter(|_| self.model.terminal.is_some())
            .cloned();
        self.queue.extend(self.sink.drain(..).map(Step::Event));
        if let Some(failure) = self.model.failure.clone() {
            return self.fail(failure);
        }
        if let Some(terminal) = terminal {
            self.end(&terminal);
        }
    }

    /// An event that the end of the body left without its blank line gets one when something is to follow. A comment that
    /// was cut is left out.
    fn frame_the_last(&mut self) {
        let cut = |event: &&mut Event| event.frame().oddities().contains(Oddities::UNTERMINATED);
        if let Some(last) = self.sink.last_mut().filter(cut) {
            if last.frame().is_comment() {
                self.sink.pop();
                return;
            }
            let name = last.type_name().into_owned();
            *last = Event::read(Frame::compose(&name, last.data().as_bytes()));
            self.ledger
                .repaired(rules::FINAL_BLANK_LINE_MISSING.code, self.position);
        }
    }

    /// How the stream is read by now.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// How the stream ended, once it has.
    #[must_use]
    pub fn ended(&self) -> Option<&Ending> {
        self.ending.as_ref()
    }

    /// `true` after an `error` event, for the `response.failed` that may follow, and under `open-responses` after the end,
    /// for `[DONE]`: wait for it at most `limits.drain`, then [`finish`](Reader::finish) with [`EndOfBody::Drained`].
    #[must_use]
    pub fn is_draining(&self) -> bool {
        match self.ending {
            None => self.model.error.is_some(),
            Some(_) => self.over.is_none() && self.lacks_sentinel(),
        }
    }

    /// `true` when text, arguments or a closed item went downstream: to send the request again could deliver it twice.
    #[must_use]
    pub fn delivered(&self) -> bool {
        self.model.has_content()
    }

    /// The bounds in force.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What was found, in order; at most sixteen of each code.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        self.ledger.violations()
    }

    /// How often a code was found, what is no longer listed included.
    #[must_use]
    pub fn found(&self, code: Code) -> u64 {
        self.ledger.found(code)
    }

    /// What was mended, by code.
    #[must_use]
    pub fn repairs(&self) -> &[Repair] {
        self.ledger.repairs()
    }

    /// `true` as long as openai-python's strict reading would have accepted the upstream's own stream.
    #[must_use]
    pub fn strict_clean(&self) -> bool {
        self.clean
    }

    /// The id of the response downstream.
    #[must_use]
    pub fn response_id(&self) -> Option<&str> {
        self.model.response_id()
    }

    /// The upstream's own response id, where it differs from [`Reader::response_id`].
    #[must_use]
    pub fn upstream_response_id(&self) -> Option<&str> {
        self.model.upstream_response_id()
    }

    /// Bytes that were taken in.
    #[must_use]
    pub fn bytes_in(&self) -> u64 {
        self.decoder.bytes_in() + self.sniffer.held()
    }

    /// How many events were read.
    #[must_use]
    pub fn events_in(&self) -> u64 {
        self.position
    }
}

fn span_of(event: &Event) -> (u64, u64) {
    (event.frame().offset(), event.frame().end())
}
