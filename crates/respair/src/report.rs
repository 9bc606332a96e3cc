//! What was found in a stream and what was mended: the JSON of `repair --report` and `check --format json` (CONTRACT.md;
//! docs/report.schema.json).

use respair_core::{Code, Ending, Event, Profile, Reader, Severity};
use serde::Serialize;

/// The version of the shape.
const SCHEMA: u32 = 1;

/// The report of one stream.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    schema: u32,
    pub(crate) profile: &'static str,
    pub(crate) conforming: bool,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    pub(crate) events_in: u64,
    pub(crate) events_out: u64,
    pub(crate) ending: &'static str,
    pub(crate) violations: Vec<Violation>,
    pub(crate) repairs: Vec<Repair>,
    pub(crate) response_id: Option<String>,
    pub(crate) upstream_response_id: Option<String>,
    /// Rules that were switched off; left out when there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) without: Vec<&'static str>,
}

/// One finding.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Violation {
    pub(crate) code: &'static str,
    pub(crate) severity: &'static str,
    pub(crate) event: u64,
    pub(crate) byte_start: u64,
    pub(crate) byte_end: u64,
    pub(crate) message: String,
    pub(crate) breaks: Vec<&'static str>,
}

/// What was mended, by code.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Repair {
    pub(crate) code: &'static str,
    pub(crate) count: u64,
    pub(crate) first_event: u64,
}

/// What went out.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Out {
    pub(crate) bytes: u64,
    pub(crate) events: u64,
}

impl Out {
    /// One event more.
    pub(crate) fn count(&mut self, event: &Event) {
        self.bytes += event.raw().len() as u64;
        self.events += u64::from(event.counts());
    }
}

impl Report {
    /// The report of what `reader` has read, which begins at byte `start` of the input.
    pub(crate) fn of(
        reader: &Reader,
        profile: Profile,
        out: Out,
        start: u64,
        without: &[Code],
    ) -> Self {
        let violations = reader.violations().iter().map(|found| Violation {
            code: found.code.as_str(),
            severity: severity(found.severity),
            event: found.event,
            byte_start: start + found.byte_start,
            byte_end: start + found.byte_end,
            message: found.message.clone(),
            breaks: found.code.breaks(),
        });
        let repairs = reader.repairs().iter().map(|repair| Repair {
            code: repair.code.as_str(),
            count: repair.count,
            first_event: repair.first_event,
        });
        Self {
            schema: SCHEMA,
            profile: profile.name(),
            conforming: conforms(reader),
            bytes_in: reader.bytes_in(),
            bytes_out: out.bytes,
            events_in: reader.events_in(),
            events_out: out.events,
            ending: ending(reader.ended()),
            violations: violations.collect(),
            repairs: repairs.collect(),
            response_id: reader.response_id().map(str::to_owned),
            upstream_response_id: reader.upstream_response_id().map(str::to_owned),
            without: without.iter().map(|code| code.as_str()).collect(),
        }
    }

    /// As one line of JSON, or as an indented text for a person.
    pub(crate) fn json(&self, indented: bool) -> String {
        // Strings, numbers and lists: serialising these does not fail.
        let text = match indented {
            true => serde_json::to_string_pretty(self),
            false => serde_json::to_string(self),
        };
        text.unwrap_or_default() + "\n"
    }
}

/// `true` when nothing was found that the profile does not allow.
pub(crate) fn conforms(reader: &Reader) -> bool {
    let mut found = reader.violations().iter();
    !found.any(|found| found.severity == Severity::Violation)
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Violation => "violation",
        _ => "info",
    }
}

/// The ending in one word. Without one the stream was not read to its end.
pub(crate) fn ending(ending: Option<&Ending>) -> &'static str {
    match ending {
        Some(Ending::Completed { .. }) => "completed",
        Some(Ending::Incomplete { .. }) => "incomplete",
        Some(Ending::Empty { .. }) => "empty",
        Some(Ending::Truncated { .. }) | None => "truncated",
        Some(_) => "failed",
    }
}
