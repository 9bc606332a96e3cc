//! Running a reader over a whole body.

use bytes::Bytes;
use respair_core::{
    Accumulator, Context, EndOfBody, Ending, Limits, Profile, Reader, ReaderOptions, Repair,
    Response, Step, Update, Violation,
};

/// What came of a body.
#[derive(Debug)]
pub struct Outcome {
    /// What went out.
    pub out: Vec<u8>,
    /// What the strict reading refused.
    pub refused: Option<Violation>,
    /// How it ended.
    pub ending: Option<Ending>,
    /// What was found.
    pub violations: Vec<Violation>,
    /// What was mended.
    pub repairs: Vec<Repair>,
    /// Text and refusals, as they were shown.
    pub text: String,
    /// Reasoning, as it was shown.
    pub reasoning: String,
    /// Arguments and inputs, as they were shown.
    pub arguments: String,
    /// The final response.
    pub response: Response,
    /// Whether openai-python would have accepted the upstream's own stream.
    pub clean: bool,
}

/// The same one for every run.
#[must_use]
pub fn context() -> Context {
    Context::new(1_790_000_000, 0x0123_4567_89ab_cdef).with_model("asked-model")
}

/// Reads `body` in chunks of these sizes (the last one again and again), to its end.
///
/// # Panics
/// When `sizes` is empty, or the reader ends twice.
pub fn read_chunked(options: ReaderOptions, body: &[u8], sizes: &[usize]) -> Outcome {
    let limits = options.limits;
    let mut reader = Reader::new(options, context());
    let mut run = Run::new(&limits);
    let mut rest = body;
    let mut turn = 0;
    while !rest.is_empty() {
        let size = sizes[turn.min(sizes.len() - 1)].clamp(1, rest.len());
        turn += 1;
        let (chunk, after) = rest.split_at(size);
        rest = after;
        reader.push(Bytes::copy_from_slice(chunk));
        run.drain(&mut reader);
    }
    reader.finish(EndOfBody::Eof);
    run.drain(&mut reader);
    run.finish(&reader)
}

/// Reads `body` in one piece.
pub fn read(options: ReaderOptions, body: &[u8]) -> Outcome {
    read_chunked(options, body, &[usize::MAX])
}

/// Reads `body` strictly.
pub fn strict(profile: Profile, body: &[u8]) -> Outcome {
    read(ReaderOptions::strict().with_profile(profile), body)
}

/// Reads `body` tolerantly.
pub fn tolerant(profile: Profile, body: &[u8]) -> Outcome {
    read(ReaderOptions::tolerant().with_profile(profile), body)
}

struct Run {
    outcome: Outcome,
    accumulator: Accumulator,
}

impl Run {
    fn new(limits: &Limits) -> Self {
        let outcome = Outcome {
            out: Vec::new(),
            refused: None,
            ending: None,
            violations: Vec::new(),
            repairs: Vec::new(),
            text: String::new(),
            reasoning: String::new(),
            arguments: String::new(),
            response: Response::default(),
            clean: false,
        };
        Self {
            outcome,
            accumulator: Accumulator::new(limits),
        }
    }

    fn drain(&mut self, reader: &mut Reader) {
        while let Some(step) = reader.poll() {
            match step {
                Step::Event(event) => {
                    self.outcome.out.extend_from_slice(event.raw());
                    for update in self.accumulator.fold(&event) {
                        match update {
                            Update::Text { text, .. } => self.outcome.text.push_str(&text),
                            Update::Reasoning { text, .. } => {
                                self.outcome.reasoning.push_str(&text)
                            }
                            Update::Arguments { text, .. } => {
                                self.outcome.arguments.push_str(&text)
                            }
                            _ => {}
                        }
                    }
                }
                Step::Refused(violation) => self.outcome.refused = Some(violation),
                Step::Ended(ending) => {
                    assert!(self.outcome.ending.is_none(), "ended twice");
                    self.outcome.ending = Some(ending);
                }
                _ => {}
            }
        }
    }

    fn finish(mut self, reader: &Reader) -> Outcome {
        self.outcome.violations = reader.violations().to_vec();
        self.outcome.repairs = reader.repairs().to_vec();
        self.outcome.clean = reader.strict_clean();
        if let Some(ending) = &self.outcome.ending {
            self.outcome.response = self.accumulator.finish(ending);
        }
        self.outcome
    }
}
