//! Judges one body: bytes in, a [`Judged`] out.
//!
//! The body is read tolerantly and what comes of it is thrown away, so one missing event is one finding. Three readers
//! read it at once, one for each profile; a decoder beside them holds the frame of a finding just long enough to show it.

use std::collections::VecDeque;

use bytes::Bytes;
use respair_core::sse::{Decoder, Frame};
use respair_core::{
    Code, Context, EndOfBody, Ending, Event, Limits, Profile, Reader, ReaderOptions, RequestFacts,
    Rule, Severity, Step, Violation, rules,
};

use super::excerpt::{Excerpt, beginning};
use crate::report::{Out, Report, conforms};

/// A body that was judged.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    /// What the body is called: a file's name, a probe.
    pub(crate) name: String,
    /// The contract's report.
    pub(crate) report: Report,
    /// How the stream ended.
    pub(crate) ending: Ending,
    /// What was found, by code, in the order of the first of each.
    pub(crate) groups: Vec<Group>,
    /// What the other profiles make of it.
    pub(crate) others: Vec<Verdict>,
}

impl Judged {
    /// How many rules the stream breaks under the profile asked for.
    pub(crate) fn broken(&self) -> usize {
        self.groups
            .iter()
            .filter(|group| group.is_violation())
            .count()
    }
}

/// The findings of one code.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// The rule.
    pub(crate) rule: &'static Rule,
    /// The first finding.
    pub(crate) first: Violation,
    /// Where it is, and how it looks there.
    pub(crate) excerpt: Option<Excerpt>,
    /// The events of those that follow, as far as they are listed.
    pub(crate) more: Vec<u64>,
    /// How many there are.
    pub(crate) count: u64,
}

impl Group {
    /// The stream does not conform because of it.
    pub(crate) fn is_violation(&self) -> bool {
        self.first.severity == Severity::Violation
    }
}

/// One line on another profile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verdict {
    /// The profile.
    pub(crate) profile: Profile,
    /// The rules that are broken; none means that the stream conforms.
    pub(crate) broken: usize,
}

/// Where a body stands in what is read: a trace holds several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The position of its first byte, from 0.
    pub(crate) byte: u64,
    /// The number of its first line, from 1.
    pub(crate) line: u64,
}

impl Default for Origin {
    fn default() -> Self {
        Self { byte: 0, line: 1 }
    }
}

/// Judges a body while it comes.
pub(crate) struct Judge {
    name: String,
    origin: Origin,
    /// The profile asked for first.
    readings: Vec<Reading>,
    decoder: Decoder,
    /// The last frames, oldest first, each with the number of its first line.
    frames: VecDeque<(u64, Frame)>,
    line: u64,
    /// The beginning of the body, for what is no stream.
    head: Vec<u8>,
    /// Violations of the first reading that were looked at.
    seen: usize,
    groups: Vec<Group>,
    ending: Option<Ending>,
}

struct Reading {
    profile: Profile,
    reader: Reader,
    out: Out,
}

/// Frames that are kept behind the newest chunk: a reader may know only with the next frame what is wrong with one.
const KEPT: usize = 4;
/// How much of a body that is no stream is shown.
const HEAD: usize = 512;

impl Judge {
    /// A judge of the body called `name`, which answers `request` as far as that is known.
    pub(crate) fn new(
        name: String,
        profile: Profile,
        request: RequestFacts,
        origin: Origin,
    ) -> Self {
        // Nothing goes out: made-up ids may as well be the same every time.
        let context = Context::new(0, 0).with_request(request);
        let others = Profile::ALL.iter().filter(|other| **other != profile);
        let readings = std::iter::once(&profile).chain(others).map(|profile| {
            let options = ReaderOptions::judging().with_profile(*profile);
            Reading {
                profile: *profile,
                reader: Reader::new(options, context.clone()),
                out: Out::default(),
            }
        });
        Self {
            name,
            origin,
            readings: readings.collect(),
            decoder: Decoder::new(Limits::default().frame),
            frames: VecDeque::new(),
            line: origin.line,
            head: Vec::new(),
            seen: 0,
            groups: Vec::new(),
            ending: None,
        }
    }

    /// Takes a chunk in.
    pub(crate) fn push(&mut self, chunk: Bytes) {
        let room = HEAD.saturating_sub(self.head.len()).min(chunk.len());
        self.head.extend_from_slice(&chunk[..room]);
        self.decoder.push(chunk.clone());
        while let Some(frame) = self.decoder.next_frame() {
            self.keep(frame.ok());
        }
        for reading in &mut self.readings {
            reading.reader.push(chunk.clone());
        }
        self.read();
    }

    /// `true` when the stream has ended: only `[DONE]` and comments may still come.
    pub(crate) fn has_ended(&self) -> bool {
        self.ending.is_some()
    }

    /// `true` after an `error` event: only `response.failed` may still come.
    pub(crate) fn is_draining(&self) -> bool {
        self.readings.iter().any(|one| one.reader.is_draining())
    }

    /// The body is over.
    pub(crate) fn finish(mut self, cause: EndOfBody) -> Judged {
        while let Some(frame) = self.decoder.finish() {
            self.keep(frame.ok());
        }
        for reading in &mut self.readings {
            reading.reader.finish(cause);
        }
        self.read();
        let asked = &self.readings[0];
        for group in &mut self.groups {
            group.count = asked.reader.found(group.rule.code);
        }
        let others = self.readings[1..].iter().map(|other| Verdict {
            profile: other.profile,
            broken: broken(&other.reader),
        });
        Judged {
            name: self.name,
            report: Report::of(
                &asked.reader,
                asked.profile,
                asked.out,
                self.origin.byte,
                &[],
            ),
            // The reader says how a body ended once it is over.
            ending: self.ending.unwrap_or(Ending::Empty { cause }),
            groups: self.groups,
            others: others.collect(),
        }
    }

    fn keep(&mut self, frame: Option<Frame>) {
        // The bytes of a block that is too large are gone, and with them the count of its lines.
        let Some(frame) = frame else { return };
        let lines = line_ends(frame.raw());
        self.frames.push_back((self.line, frame));
        self.line += lines;
    }

    /// Reads what can be read, and looks at what was found.
    fn read(&mut self) {
        for (at, reading) in self.readings.iter_mut().enumerate() {
            while let Some(step) = reading.reader.poll() {
                match step {
                    Step::Event(event) => reading.out.count(&event),
                    Step::Ended(ending) if at == 0 => self.ending = Some(ending),
                    _ => {}
                }
            }
        }
        let found = self.readings[0].reader.violations();
        for violation in &found[self.seen..] {
            let known = self
                .groups
                .iter_mut()
                .find(|g| g.rule.code == violation.code);
            if let Some(group) = known {
                group.more.push(violation.event);
            } else if let Some(rule) = rule(violation.code) {
                let excerpt = self.excerpt(violation);
                self.groups.push(Group {
                    rule,
                    first: in_the_input(violation, self.origin.byte),
                    excerpt,
                    more: Vec::new(),
                    count: 0,
                });
            }
        }
        self.seen = found.len();
        while self.frames.len() > KEPT {
            self.frames.pop_front();
        }
    }

    fn excerpt(&self, violation: &Violation) -> Option<Excerpt> {
        let (start, end) = (violation.byte_start, violation.byte_end);
        if start == end {
            // What should have come next.
            let before = self
                .frames
                .iter()
                .rev()
                .find(|(_, frame)| frame.end() == start);
            let (line, frame) = before?;
            return Some(Excerpt::behind(&Event::read(frame.clone()), *line));
        }
        let at = |(_, frame): &&(u64, Frame)| frame.offset() == start;
        if let Some((line, frame)) = self.frames.iter().find(at) {
            return Some(Excerpt::of(&Event::read(frame.clone()), *line, violation));
        }
        // A body that is no stream is one finding, over all of it.
        let longer = end > HEAD as u64;
        (start == 0).then(|| beginning(&self.head, self.origin.line, longer))
    }
}

/// The rules that `reader`'s stream breaks under its profile.
fn broken(reader: &Reader) -> usize {
    if conforms(reader) {
        return 0;
    }
    let mut codes: Vec<Code> = Vec::new();
    for found in reader.violations() {
        if found.severity == Severity::Violation && !codes.contains(&found.code) {
            codes.push(found.code);
        }
    }
    codes.len()
}

/// The same finding, its place counted from the beginning of what is read.
fn in_the_input(violation: &Violation, start: u64) -> Violation {
    let mut placed = violation.clone();
    placed.byte_start += start;
    placed.byte_end += start;
    placed
}

fn rule(code: Code) -> Option<&'static Rule> {
    rules().iter().find(|rule| rule.code == code).copied()
}

/// How many lines end in these bytes, CR LF and a lone CR taken as editors take them: one kind in one file.
fn line_ends(bytes: &[u8]) -> u64 {
    let count = |end: u8| bytes.iter().filter(|byte| **byte == end).count() as u64;
    match count(b'\n') {
        0 => count(b'\r'),
        lines => lines,
    }
}
