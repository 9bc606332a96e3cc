//! `respair repair`: a stream in, the mended stream out, live.
//!
//! Three parties: the input (a thread, [`crate::input`]), the [`filter`] (a thread, because the reader of its output may
//! not take what is written), and the signals, which are waited for here.

mod files;
mod filter;
mod request;
mod summary;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use respair_core::{Code, Context, Ending, Profile, Reader, ReaderOptions, RequestFacts};
use tokio::sync::oneshot;

use crate::args::{self, Common};
use crate::input::Input;
use crate::report::Report;
use crate::run::{INTERRUPTED, Signals};
use crate::{USAGE, run, term};

use files::Files;
use filter::{Filter, Stop, Stopped};

/// How long an output that takes nothing may hold up an interrupted command.
const PATIENCE: Duration = Duration::from_millis(300);

/// Runs it.
pub(crate) fn command(common: &Common, repair: &args::Repair) -> u8 {
    let runtime = match run::runtime() {
        Ok(runtime) => runtime,
        Err(code) => return code,
    };
    let typed = Typed {
        repair: repair.clone(),
        model: common.model.clone(),
        quiet: common.quiet,
        verbose: common.verbose > 0,
    };
    let code = runtime.block_on(watched(typed));
    runtime.shutdown_background();
    code
}

/// What was typed.
struct Typed {
    repair: args::Repair,
    model: Option<String>,
    quiet: bool,
    verbose: bool,
}

/// Runs the filter, and waits for signals meanwhile.
async fn watched(typed: Typed) -> u8 {
    let mut signals = match Signals::new() {
        Ok(signals) => signals,
        Err(error) => {
            let why = term::system(&error);
            term::error(&format!("signals cannot be handled: {why}"));
            return USAGE;
        }
    };
    let stop = Stop::default();
    let (done, mut code) = oneshot::channel();
    let stopped = stop.clone();
    std::thread::spawn(move || {
        let code = match prepare(typed) {
            Ok(job) => job.filter(&stopped),
            Err(code) => code,
        };
        // The command ended meanwhile: nobody wants to know.
        let _ = done.send(code);
    });
    tokio::select! {
        code = &mut code => return code.unwrap_or(USAGE),
        () = signals.next() => stop.stop(),
    }
    // What was read is written and ended, unless that hangs or another signal comes.
    tokio::select! {
        code = tokio::time::timeout(PATIENCE, code) => match code {
            Ok(Ok(code)) => code,
            _ => INTERRUPTED,
        },
        () = signals.next() => INTERRUPTED,
    }
}

/// What is repaired, how, and where to.
struct Job {
    input: Input,
    files: Files,
    options: ReaderOptions,
    context: Context,
    quiet: bool,
    verbose: bool,
}

/// Everything that can be wrong before the first byte is read.
fn prepare(typed: Typed) -> Result<Job, u8> {
    let Typed {
        repair,
        model,
        quiet,
        verbose,
    } = typed;
    let input = Input::open(repair.input.as_deref())?;
    let mut request = match &repair.request {
        Some(path) => request::facts(path)?,
        None => RequestFacts::default(),
    };
    if request.model.is_none() {
        request.model = model;
    }
    let context = Context::new(now(), entropy()).with_request(request);
    let input = match input.is_file() {
        true => input.at_last_attempt(!quiet)?,
        false => input,
    };
    let files = Files::open(&input, repair.output.as_deref(), repair.report.as_deref())?;
    let mut without: Vec<Code> = Vec::new();
    for code in &repair.without {
        if !without.contains(code) {
            without.push(*code);
        }
    }
    let profile = repair.profile.unwrap_or(Profile::Portable);
    Ok(Job {
        input,
        files,
        options: ReaderOptions::tolerant()
            .with_profile(profile)
            .without(without)
            .cumulative(repair.cumulative_deltas),
        context,
        quiet,
        verbose,
    })
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

fn entropy() -> u128 {
    u128::from(fastrand::u64(..)) << 64 | u128::from(fastrand::u64(..))
}

impl Job {
    /// Runs the filter, and says what it did.
    fn filter(self, stop: &Stop) -> u8 {
        let Job {
            input,
            mut files,
            options,
            context,
            quiet,
            verbose,
        } = self;
        let (profile, without) = (options.profile, options.without.clone());
        let (name, start) = (input.name().to_owned(), input.start());
        let mut filter = Filter::new(Reader::new(options, context), &mut files);
        let stopped = filter.run(input, stop);
        let (reader, out) = filter.done();
        let report = Report::of(&reader, profile, out, start, &without);
        let mut code = match &stopped {
            Stopped::Ended | Stopped::AnotherBody => exit_code(reader.ended()),
            Stopped::Interrupted => INTERRUPTED,
            Stopped::Closed => 0,
            Stopped::Unreadable(_) | Stopped::Unwritable(_) => USAGE,
        };
        // Who closed the pipe knows; what would have come is not known.
        if !quiet && !matches!(stopped, Stopped::Closed) {
            summary::tell(&reader, &report, verbose);
        }
        match stopped {
            Stopped::AnotherBody if !quiet => {
                term::notice(&format!(
                    "{name} is a trace of several requests; request 1 was read"
                ));
                term::help("name the file to repair the last one: `respair repair FILE`");
            }
            Stopped::Unreadable(error) => {
                crate::input::unreadable(&name, &error);
            }
            Stopped::Unwritable(error) => {
                term::error(&format!(
                    "{}: {}",
                    files.output_name(),
                    term::system(&error)
                ));
            }
            _ => {}
        }
        if let Err(told) = files.write_report(&report) {
            code = told;
        }
        code
    }
}

/// CONTRACT.md, exit codes.
fn exit_code(ending: Option<&Ending>) -> u8 {
    match ending {
        Some(Ending::Completed { .. } | Ending::Incomplete { .. }) => 0,
        Some(Ending::Truncated { .. } | Ending::Empty { .. }) => 3,
        _ => 1,
    }
}
