//! Rounds: in each, every kind of load through nothing, nginx and respair, one after the other.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::load::{Ask, Load};
use crate::targets::{self, Starter, Target};
use crate::{Failure, options, pause, process, report};

/// What stands between load and upstream.
pub(crate) const NAMES: [&str; 3] = ["direct", "nginx", "respair"];

/// The streams whose memory is looked at, and how many may be lost of many.
const HELD: u64 = 1_000;
const MANY: u64 = 5_000;

/// Rounds of the memory's measurement, each with new processes.
const MEMORY_ROUNDS: usize = 3;

const SECOND: u64 = 1_000_000_000;

/// One kind of load.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    streams: u64,
    ask: Ask,
}

/// One kind of load through one of [`NAMES`].
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Measured {
    /// Nanoseconds of CPU time an event; 0 where nothing stands between.
    pub(crate) cpu: f64,
    /// Nanoseconds.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// Events a second.
    pub(crate) rate: f64,
    /// Streams that were not whole.
    pub(crate) lost: u64,
}

/// KiB of memory of one of nginx and respair.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Memory {
    /// RSS of the process before the first request.
    pub(crate) idle: f64,
    /// What PSS grew by with [`HELD`] streams open, for each.
    pub(crate) stream: f64,
}

/// Everything that a run has found.
#[derive(Default)]
pub(crate) struct Run {
    /// By case, then round, then [`NAMES`].
    pub(crate) cases: Vec<(&'static str, Vec<[Measured; 3]>)>,
    /// By round: nginx, respair.
    pub(crate) memory: Vec<[Memory; 2]>,
    /// Streams of [`MANY`] that were not whole: nginx, respair.
    pub(crate) lost: Option<[u64; 2]>,
    /// Load averages of the machine, one a round.
    pub(crate) loads: Vec<f64>,
}

struct Settings<'a> {
    rounds: usize,
    seconds: u64,
    /// Names of cases, `memory` and `many`; empty: all.
    only: Vec<&'a str>,
    starter: Starter,
}

impl Settings<'_> {
    fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.contains(&name)
    }
}

pub(crate) fn command(args: &[String]) -> Result<(), Failure> {
    let mut settings = Settings {
        rounds: 5,
        seconds: 5,
        only: Vec::new(),
        starter: Starter {
            respair: PathBuf::from("target/release/respair"),
            directory: std::env::temp_dir().join(format!("respair-bench-{}", std::process::id())),
        },
    };
    let (mut write, mut measured_at) = (None, report::At::default());
    for (name, value) in options(args)? {
        match name {
            "rounds" => settings.rounds = value.parse()?,
            "seconds" => settings.seconds = value.parse()?,
            "only" => settings.only = value.split(',').collect(),
            "respair" => settings.starter.respair = value.into(),
            "write" => write = Some(value),
            "commit" => measured_at.commit = value,
            "date" => measured_at.date = value,
            _ => return Err(format!("no option --{name}").into()),
        }
    }
    std::fs::create_dir_all(&settings.starter.directory)?;
    let run = all(&settings);
    // The system clears its temporary directory in any case.
    let _ = std::fs::remove_dir_all(&settings.starter.directory);
    let text = report::text(&run?, &measured_at);
    print!("{text}");
    write.map_or(Ok(()), |file| report::write(file, &text))
}

fn all(settings: &Settings<'_>) -> Result<Run, Failure> {
    let mut run = Run::default();
    let upstream = targets::upstream()?;
    let cases = cases(settings.seconds);
    let wanted = || cases.iter().filter(|case| settings.wants(case.name));
    run.cases = wanted().map(|case| (case.name, Vec::new())).collect();
    let between = [
        None,
        Some(settings.starter.nginx(upstream.address)?),
        Some(settings.starter.respair(upstream.address)?),
    ];
    for round in 0..settings.rounds {
        for (case, (_, rows)) in wanted().zip(&mut run.cases) {
            let mut row = [Measured::default(); 3];
            for turn in 0..NAMES.len() {
                // Each comes first once: what warms up or is throttled hits all.
                let at = (turn + round) % NAMES.len();
                row[at] = measure(case, between[at].as_ref(), upstream.address)?;
                report::say(round, case.name, NAMES[at], &row[at]);
            }
            rows.push(row);
        }
        run.loads.push(process::load());
    }
    drop(between);
    if settings.wants("memory") {
        for _ in 0..MEMORY_ROUNDS.min(settings.rounds) {
            run.memory.push(each(settings, upstream.address, memory)?);
        }
    }
    if settings.wants("many") {
        run.lost = Some(each(settings, upstream.address, many)?);
    }
    Ok(run)
}

fn cases(seconds: u64) -> [Case; 4] {
    let paced = |deviant| Ask {
        events: 50 * seconds,
        gap: 20_000,
        deviant,
    };
    let saturating = |deviant| Ask {
        events: 10_000,
        gap: 0,
        deviant,
    };
    let case = |name, streams, ask| Case { name, streams, ask };
    [
        case("paced", 64, paced(false)),
        case("saturating", 32, saturating(false)),
        case("paced, mended", 64, paced(true)),
        case("saturating, mended", 32, saturating(true)),
    ]
}

fn measure(
    case: &Case,
    target: Option<&Target>,
    upstream: SocketAddr,
) -> Result<Measured, Failure> {
    let cpu = || target.map_or(Ok(0), |target| process::cpu(target.pid()));
    let to = target.map_or(upstream, |target| target.address);
    let before = cpu()?;
    let seen = Load::start(to, case.streams, case.ask)?.wait()?;
    let spent = cpu()? - before;
    if let Some(wrong) = seen.wrong.first() {
        eprintln!("{}: {wrong}", case.name);
    }
    let events = seen.events.max(1) as f64;
    Ok(Measured {
        cpu: spent as f64 / events,
        p50: seen.delay(0.5) as f64,
        p99: seen.delay(0.99) as f64,
        rate: events / (seen.wall as f64 / SECOND as f64),
        lost: case.streams - seen.whole,
    })
}

/// Starts nginx and respair anew, one after the other, and looks at each.
fn each<T>(
    settings: &Settings<'_>,
    upstream: SocketAddr,
    look: fn(&Target) -> Result<T, Failure>,
) -> Result<[T; 2], Failure> {
    let nginx = look(&settings.starter.nginx(upstream)?)?;
    let respair = look(&settings.starter.respair(upstream)?)?;
    Ok([nginx, respair])
}

/// The memory of [`HELD`] streams that are all open and have each got some events.
fn memory(target: &Target) -> Result<Memory, Failure> {
    // What starting takes is over, and nothing was asked.
    pause(SECOND / 2);
    let (idle, before) = (process::rss(target.pid())?, process::pss(target.pid())?);
    let ask = Ask {
        events: 20,
        gap: 500_000,
        deviant: false,
    };
    let load = Load::start(target.address, HELD, ask)?;
    while load.begun() < HELD && !load.is_over() {
        pause(SECOND / 20);
    }
    pause(3 * SECOND);
    let held = process::pss(target.pid())?;
    let seen = load.wait()?;
    if let Some(wrong) = seen.wrong.first() {
        return Err(format!("a stream of {HELD}: {wrong}").into());
    }
    let memory = Memory {
        idle: idle as f64,
        stream: held.saturating_sub(before) as f64 / HELD as f64,
    };
    eprintln!(
        "memory: {memory:?}, afterwards {} KiB",
        process::pss(target.pid())?
    );
    Ok(memory)
}

/// How many of [`MANY`] streams were not whole.
fn many(target: &Target) -> Result<u64, Failure> {
    let ask = Ask {
        events: 10,
        gap: 2_000_000,
        deviant: false,
    };
    let seen = Load::start(target.address, MANY, ask)?.wait()?;
    for wrong in seen.wrong.iter().take(3) {
        eprintln!("{MANY} streams: {wrong}");
    }
    eprintln!(
        "{MANY} streams: {} whole, PSS afterwards {} KiB",
        seen.whole,
        process::pss(target.pid())?
    );
    Ok(MANY - seen.whole)
}
