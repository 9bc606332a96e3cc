//! `respair check` of an endpoint: a few real requests, each judged, and one report over all of them.
//!
//! This file asks; [`probed`] brings together what is said of one answer and of all, [`progress`] shows what is under way,
//! [`terminal`], [`markdown`] and [`json`] show the report.

mod json;
mod markdown;
mod probed;
mod progress;
mod terminal;

use std::time::Duration;

use respair_client::probe::{Answer, Plan, Probe, Prober, judge, models};
use respair_client::{CancellationToken, ClientOptions, Endpoint};
use respair_core::Profile;

use crate::args::{Common, Format};
use crate::paths::Env;
use crate::run::{self, INTERRUPTED, Signals};
use crate::{USAGE, commands, term};

use super::NOT_CONFORMING;
use probed::{Checked, Probed};
use progress::Progress;

/// How often a line that waits says for how long.
const TICK: Duration = Duration::from_secs(1);

/// Runs it.
pub(super) fn command(
    common: &Common,
    target: Option<&str>,
    most: Option<usize>,
    profile: Profile,
    format: Format,
) -> u8 {
    match check(common, target, most, profile) {
        Ok(checked) => report(&checked, format, common.quiet),
        Err(code) => code,
    }
}

fn check(
    common: &Common,
    target: Option<&str>,
    most: Option<usize>,
    profile: Profile,
) -> Result<Checked, u8> {
    let settings = commands::settings_of_check(common, target, &Env::Process)?;
    let options = ClientOptions {
        trace: run::trace(common)?,
        ..ClientOptions::default()
    };
    let prober = Prober::new(run::endpoint(&settings), options).map_err(|error| {
        term::error(&term::one_line(&error.to_string()));
        USAGE
    })?;
    let plan = Plan::within(most.unwrap_or(usize::MAX), settings.model.is_empty());
    if !common.quiet {
        announce(&plan, prober.endpoint(), &settings.model);
    }
    let runtime = run::runtime()?;
    let checked = runtime.block_on(async {
        let signals = Signals::new().map_err(|error| {
            let system = term::system(&error);
            term::error(&format!("signals cannot be handled: {system}"));
            USAGE
        })?;
        let asking = Asking {
            progress: Progress::new(common.quiet, plan.probes.len()),
            prober,
            signals,
            model: settings.model,
            profile,
        };
        asking.all(plan).await
    });
    // Dropping the runtime would wait for a name lookup that hangs.
    runtime.shutdown_background();
    checked
}

/// What is about to be sent, before anything is.
fn announce(plan: &Plan, endpoint: &Endpoint, model: &str) {
    let requests = match plan.probes.len() {
        1 => "1 request".to_owned(),
        n => format!("{n} requests"),
    };
    let key = match endpoint.api_key {
        Some(_) => "with your key",
        None => "without a key",
    };
    let model = match model {
        "" => "the first model that it lists".to_owned(),
        name => format!("model {}", term::one_line(name)),
    };
    let costs = match plan.probes.as_slice() {
        [] | [Probe::Models] => "",
        [_] => "; it costs some two hundred tokens",
        _ => "; they cost a few hundred tokens",
    };
    let url = endpoint.display_url();
    term::notice(&format!(
        "this sends {requests} to {url} {key} ({model}){costs}"
    ));
    if plan.probes.contains(&Probe::WrongKey) && endpoint.api_key.is_some() {
        term::notice("one of them, wrong-key, carries a made-up key in place of yours");
    }
    if !plan.left_out.is_empty() {
        let names = names(&plan.left_out);
        term::notice(&format!("`--max-requests` leaves out {names}"));
    }
}

fn names(probes: &[Probe]) -> String {
    let names: Vec<&str> = probes.iter().map(|probe| probe.name()).collect();
    listed(&names)
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// The requests, one after another.
struct Asking {
    prober: Prober,
    signals: Signals,
    progress: Progress,
    model: String,
    profile: Profile,
}

impl Asking {
    async fn all(mut self, plan: Plan) -> Result<Checked, u8> {
        let mut probed: Vec<Probed> = Vec::new();
        let mut left = plan.probes.into_iter();
        for probe in left.by_ref() {
            let Some(answer) = self.one(probe).await else {
                self.progress.clear();
                let sent = probed.len() + 1;
                term::notice(&format!(
                    "interrupted at request {sent}, {probe}; nothing is judged"
                ));
                return Err(INTERRUPTED);
            };
            let judgement = judge(&answer, self.prober.endpoint(), &self.model);
            if probe == Probe::Models && self.model.is_empty() {
                self.model = self.first_model(&answer, &judgement.says)?;
            }
            let is_final = judgement.is_final;
            probed.push(Probed::new(answer, judgement, self.profile));
            if is_final {
                break;
            }
        }
        self.progress.clear();
        let left_out = left.chain(plan.left_out).collect();
        let endpoint = self.prober.endpoint();
        Ok(Checked {
            endpoint: endpoint.display_url(),
            model: self.model,
            profile: self.profile,
            probed,
            left_out,
        })
    }

    /// One request and its answer; `None` when it is interrupted.
    async fn one(&mut self, probe: Probe) -> Option<Answer> {
        let cancel = CancellationToken::new();
        let progress = std::cell::RefCell::new(&mut self.progress);
        progress.borrow_mut().begin(probe);
        let asked = self.prober.ask(probe, &self.model, &cancel, |seen| {
            progress.borrow_mut().on(seen);
        });
        let mut asked = std::pin::pin!(asked);
        let mut ticks = tokio::time::interval(TICK);
        loop {
            tokio::select! {
                biased;
                () = self.signals.next() => return None,
                answer = &mut asked => return Some(answer),
                _ = ticks.tick() => progress.borrow_mut().tick(),
            }
        }
    }

    /// The model to ask, where nobody named one.
    fn first_model(&mut self, answer: &Answer, says: &str) -> Result<String, u8> {
        self.progress.clear();
        let is_success = answer.head.as_ref().is_some_and(|head| head.is_success());
        let listed = models(answer).filter(|_| is_success);
        match listed.and_then(|listed| listed.into_iter().next()) {
            Some(first) => {
                let shown = term::one_line(&first);
                term::notice(&format!(
                    "the model is {shown}, the first that is listed; `--model` names another"
                ));
                Ok(first)
            }
            None => {
                let url = &answer.sent.url;
                let says = term::one_line(says);
                term::error(&format!("no model is known: GET {url}: {says}"));
                term::help("name one: `respair check URL --model NAME`");
                Err(USAGE)
            }
        }
    }
}

/// Prints the report; the exit code says what it comes to.
fn report(checked: &Checked, format: Format, is_quiet: bool) -> u8 {
    let text = match format {
        Format::Terminal => terminal::text(checked, super::terminal::columns(), is_quiet),
        Format::Markdown => markdown::text(checked),
        Format::Json => json::text(checked, term::stdout_is_terminal()),
    };
    if commands::printed(term::print(&text)) != 0 {
        return USAGE;
    }
    for (what, hint) in checked.undecided() {
        term::error(&what);
        if let Some(hint) = hint {
            term::help(&hint);
        }
    }
    match checked.conforming() {
        Some(true) => 0,
        Some(false) => NOT_CONFORMING,
        None => USAGE,
    }
}
