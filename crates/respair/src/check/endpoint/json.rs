//! The report as JSON (docs/check-endpoint.schema.json).

use std::time::Duration;

use respair_client::probe::{BodyEnd, Outcome};
use serde::Serialize;
use serde_json::Value;

use super::probed::{Checked, Probed};
use crate::report::Report;

/// The version of the shape.
const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Endpoint<'a> {
    schema: u32,
    endpoint: &'a str,
    model: &'a str,
    profile: &'static str,
    requests: usize,
    conforming: Option<bool>,
    probes: Vec<Probe<'a>>,
    left_out: Vec<&'static str>,
}

#[derive(Serialize)]
struct Probe<'a> {
    name: &'static str,
    request: Request<'a>,
    http_status: Option<u16>,
    content_type: Option<&'a str>,
    first_byte_ms: Option<u64>,
    first_text_ms: Option<u64>,
    longest_gap_ms: Option<u64>,
    total_ms: u64,
    body_end: &'static str,
    outcome: &'static str,
    supported: Option<bool>,
    conforming: Option<bool>,
    says: &'a str,
    findings: Vec<Finding<'a>>,
    report: Option<&'a Report>,
}

#[derive(Serialize)]
struct Request<'a> {
    method: &'static str,
    url: &'a str,
    body: Option<&'a Value>,
}

#[derive(Serialize)]
struct Finding<'a> {
    code: &'static str,
    severity: &'static str,
    message: &'a str,
    breaks: Vec<&'static str>,
}

/// As one line of JSON, or as an indented text for a person.
pub(super) fn text(checked: &Checked, indented: bool) -> String {
    let endpoint = Endpoint {
        schema: SCHEMA,
        endpoint: &checked.endpoint,
        model: &checked.model,
        profile: checked.profile.name(),
        requests: checked.probed.len(),
        conforming: checked.conforming(),
        probes: checked.probed.iter().map(probe).collect(),
        left_out: checked.left_out.iter().map(|probe| probe.name()).collect(),
    };
    // Strings, numbers and lists: serialising these does not fail.
    let text = match indented {
        true => serde_json::to_string_pretty(&endpoint),
        false => serde_json::to_string(&endpoint),
    };
    text.unwrap_or_default() + "\n"
}

fn probe(probed: &Probed) -> Probe<'_> {
    let answer = &probed.answer;
    let timing = &answer.timing;
    let findings = probed.findings.iter().map(|found| Finding {
        code: found.rule.code.as_str(),
        severity: if found.is_violation {
            "violation"
        } else {
            "info"
        },
        message: &found.message,
        breaks: found.rule.code.breaks(),
    });
    Probe {
        name: probed.probe().name(),
        request: Request {
            method: answer.sent.method,
            url: &answer.sent.url,
            body: answer.sent.body.as_ref(),
        },
        http_status: answer.head.as_ref().map(|head| head.status),
        content_type: answer
            .head
            .as_ref()
            .and_then(|head| head.content_type.as_deref()),
        first_byte_ms: timing.first_byte.map(ms),
        first_text_ms: timing.first_text.map(ms),
        longest_gap_ms: timing.longest_gap.map(ms),
        total_ms: ms(timing.total),
        body_end: end(answer.end),
        outcome: outcome(probed.outcome),
        supported: match probed.outcome {
            Outcome::Done | Outcome::NotDone => Some(true),
            Outcome::Unsupported => Some(false),
            _ => None,
        },
        conforming: probed.conforming(),
        says: &probed.says,
        findings: findings.collect(),
        report: probed.judged.as_ref().map(|judged| &judged.report),
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Done => "done",
        Outcome::NotDone => "not_done",
        Outcome::Unsupported => "unsupported",
        _ => "undecided",
    }
}

fn end(end: BodyEnd) -> &'static str {
    match end {
        BodyEnd::Whole => "whole",
        BodyEnd::Closed => "closed",
        BodyEnd::Reset => "reset",
        BodyEnd::HeldOpen => "held_open",
        BodyEnd::Silent => "silent",
        BodyEnd::Garbled => "garbled",
        BodyEnd::TooLong => "too_long",
        BodyEnd::Interrupted => "interrupted",
        _ => "none",
    }
}
