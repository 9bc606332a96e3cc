//! What is said of one answer, and of all of them.

use respair_client::probe::{Answer, BodyEnd, Judgement, Outcome, Probe};
use respair_core::{Grade, Profile, RequestFacts, Rule, rules};

use super::super::stream::{Group, Judge, Judged, Origin};
use crate::term;

/// One probe, its answer, and what is said of it.
pub(super) struct Probed {
    pub(super) answer: Answer,
    pub(super) outcome: Outcome,
    /// One line.
    pub(super) says: String,
    /// What the stream itself does not show.
    pub(super) findings: Vec<Finding>,
    /// The stream, where one came.
    pub(super) judged: Option<Judged>,
    /// No further probe could tell more.
    is_final: bool,
}

/// A finding with what the profile makes of it.
pub(super) struct Finding {
    pub(super) rule: &'static Rule,
    pub(super) is_violation: bool,
    pub(super) message: String,
}

impl Probed {
    pub(super) fn new(answer: Answer, judgement: Judgement, profile: Profile) -> Self {
        let finding = |found: &respair_client::probe::Finding| {
            let rule = rules().iter().find(|rule| rule.code == found.code)?;
            let grade = rule.grade(profile);
            (grade != Grade::No).then(|| Finding {
                rule,
                is_violation: grade == Grade::Violation,
                message: found.message.clone(),
            })
        };
        Self {
            findings: judgement.findings.iter().filter_map(finding).collect(),
            judged: stream(&answer, profile),
            outcome: judgement.outcome,
            says: judgement.says,
            is_final: judgement.is_final,
            answer,
        }
    }

    pub(super) fn probe(&self) -> Probe {
        self.answer.probe
    }

    /// The rules that are broken, as the profile has it.
    pub(super) fn broken(&self) -> usize {
        let carried = self.findings.iter().filter(|found| found.is_violation);
        carried.count() + self.judged.as_ref().map_or(0, Judged::broken)
    }

    /// Whether it is as it should be; `None` where that cannot be said.
    pub(super) fn conforming(&self) -> Option<bool> {
        match self.outcome {
            _ if self.broken() > 0 => Some(false),
            Outcome::Undecided => None,
            _ => Some(true),
        }
    }

    /// The verdict in a word or two.
    pub(super) fn verdict(&self) -> String {
        match (self.broken(), self.outcome) {
            (0, Outcome::Undecided) => "undecided".to_owned(),
            (0, Outcome::Unsupported) => "n/a".to_owned(),
            (0, _) => "ok".to_owned(),
            (1, _) => "1 rule broken".to_owned(),
            (n, _) => format!("{n} rules broken"),
        }
    }
}

/// The stream's own judgement: where a stream was asked for, and where one came in place of a refusal.
fn stream(answer: &Answer, profile: Profile) -> Option<Judged> {
    let is_success = answer.head.as_ref().is_some_and(|head| head.is_success());
    let asked = answer.probe.is_streamed() || answer.probe.is_wrong() && answer.is_stream();
    if !is_success || !asked || answer.end == BodyEnd::Interrupted {
        return None;
    }
    let sent = answer.sent.body.as_ref().map(ToString::to_string);
    let facts = RequestFacts::from_json(sent.unwrap_or_default()).unwrap_or_default();
    let name = answer.probe.name().to_owned();
    let mut judge = Judge::new(name, profile, facts, Origin::default());
    judge.push(answer.body.clone());
    Some(judge.finish(answer.end.cause()))
}

/// Everything that was asked, and what was not.
pub(super) struct Checked {
    /// The base URL, as it may be shown.
    pub(super) endpoint: String,
    pub(super) model: String,
    pub(super) profile: Profile,
    pub(super) probed: Vec<Probed>,
    pub(super) left_out: Vec<Probe>,
}

/// The findings of one code over all probes.
pub(super) struct Found<'a> {
    pub(super) rule: &'static Rule,
    pub(super) is_violation: bool,
    pub(super) message: &'a str,
    /// Where the stream shows it first.
    pub(super) group: Option<&'a Group>,
    /// The probes that show it, in their order.
    pub(super) probes: Vec<&'static str>,
}

impl Checked {
    /// Whether the endpoint is as it should be; `None` where that cannot be said.
    pub(super) fn conforming(&self) -> Option<bool> {
        let all = || self.probed.iter().map(Probed::conforming);
        match () {
            () if all().any(|one| one == Some(false)) => Some(false),
            () if self.probed.is_empty() || all().any(|one| one.is_none()) => None,
            () => Some(true),
        }
    }

    /// Every code once: what does not conform first, then by where it is shown first.
    pub(super) fn found(&self) -> Vec<Found<'_>> {
        let mut all: Vec<Found<'_>> = Vec::new();
        for probed in &self.probed {
            let carried = probed
                .findings
                .iter()
                .map(|found| (found.rule, found.is_violation, found.message.as_str(), None));
            let streamed = probed.judged.iter().flat_map(|judged| &judged.groups);
            let streamed = streamed.map(|group| {
                let message = group.first.message.as_str();
                (group.rule, group.is_violation(), message, Some(group))
            });
            for (rule, is_violation, message, group) in carried.chain(streamed) {
                let name = probed.probe().name();
                match all.iter_mut().find(|found| found.rule.code == rule.code) {
                    Some(found) => found.probes.push(name),
                    None => all.push(Found {
                        rule,
                        is_violation,
                        message,
                        group,
                        probes: vec![name],
                    }),
                }
            }
        }
        all.sort_by_key(|found| !found.is_violation);
        all
    }

    /// How many probes came out so, in words: `7 ok, 1 n/a`.
    pub(super) fn tally(&self) -> String {
        let count = |what: &dyn Fn(&Probed) -> bool| self.probed.iter().filter(|p| what(p)).count();
        let broken = count(&|probed| probed.broken() > 0);
        let of = |outcome: &dyn Fn(Outcome) -> bool| {
            count(&|probed| probed.broken() == 0 && outcome(probed.outcome))
        };
        let rows = [
            (of(&|o| matches!(o, Outcome::Done | Outcome::NotDone)), "ok"),
            (broken, "not conforming"),
            (of(&|o| o == Outcome::Unsupported), "n/a"),
            (of(&|o| o == Outcome::Undecided), "undecided"),
        ];
        let rows = rows.iter().filter(|(n, _)| *n > 0);
        let rows: Vec<String> = rows.map(|(n, what)| format!("{n} {what}")).collect();
        rows.join(", ")
    }

    /// Whether the endpoint is not there, or lets nobody in.
    pub(super) fn is_shut(&self) -> bool {
        let last = self.probed.last();
        last.is_some_and(|last| last.is_final && last.conforming().is_none())
    }

    /// What could not be checked, each with what can be done about it.
    pub(super) fn undecided(&self) -> Vec<(String, Option<String>)> {
        let open = self.probed.iter().filter(|one| one.conforming().is_none());
        open.map(|one| {
            let hint = one
                .answer
                .error
                .as_ref()
                .and_then(|error| error.hint.as_deref());
            let busy = one
                .answer
                .head
                .as_ref()
                .is_some_and(|head| matches!(head.status, 408 | 429 | 500 | 502..=504 | 506..));
            let hint = hint.or(busy.then_some("ask again later; `--max-requests N` asks less"));
            let what = match one.is_final {
                true => self.endpoint.as_str(),
                false => one.probe().name(),
            };
            (
                format!(
                    "{} could not be checked: {}",
                    what,
                    term::one_line(&one.says)
                ),
                hint.map(term::one_line),
            )
        })
        .collect()
    }
}
