//! A conversation whose process is killed, again and again, each time at another point; then the database has to be whole, with
//! everything in it that was told but for the last event, and the conversation has to go on with a valid request.
//!
//! Where a kill falls follows from the seed and its number: behind a line that was told, behind a byte from the relay, while a
//! tool runs, once the database's log has grown to a size, and within the write that crosses a size (there the kernel ends the
//! process itself, with SIGXFSZ, and the write stays torn).

mod judge;
mod model;
mod process;
mod report;

use std::io;
use std::path::{Path, PathBuf};

use fastrand::Rng;

pub use report::Kills;

use process::{Fall, Home, Measures};

/// How the kills are made.
#[derive(Debug, Clone)]
pub struct Options {
    /// The respair binary.
    pub binary: PathBuf,
    /// How many.
    pub kills: usize,
    /// What every choice follows from.
    pub seed: u64,
}

/// Draws for one kill before it is given up: a process may be over before it is met.
const DRAWS: usize = 20;

/// Kills as often as the options say.
///
/// # Errors
/// When the binary or a relay cannot be started, or a turn that nobody kills does not end well. What a killed one left that it
/// should not have is in the report.
pub fn run(options: &Options) -> io::Result<Kills> {
    let binary = options.binary.canonicalize()?;
    let long = Home::with_history(&binary)?;
    let measures = [
        measured(&Home::empty(&binary)?)?,
        measured(&long.copied()?)?,
    ];
    let mut report = Kills::new(options.seed);
    let mut rng = Rng::with_seed(options.seed);
    for number in 0..options.kills {
        let (mut made, mut draws) = (None, 0);
        while made.is_none() && draws < DRAWS {
            made = kill(&binary, &long, &measures, number, &mut rng, &mut report)?;
            draws += 1;
        }
        if made.is_none() {
            report.missed(number);
        }
    }
    Ok(report)
}

/// How much there is of everything in a turn that nobody kills.
fn measured(home: &Home) -> io::Result<Measures> {
    let killed = home.turn(None, false)?;
    match killed.died {
        false => Ok(killed.measures),
        true => Err(io::Error::other(format!(
            "a turn that nobody killed did not end well: {:?}",
            killed.told.last()
        ))),
    }
}

/// One kill. `None` when the process was over before.
fn kill(
    binary: &Path,
    long: &Home,
    measures: &[Measures; 2],
    number: usize,
    rng: &mut Rng,
    report: &mut Kills,
) -> io::Result<Option<()>> {
    // Every other one goes on with a session that has a past.
    let has_past = number % 2 == 1;
    let home = match has_past {
        false => Home::empty(binary)?,
        true => long.copied()?,
    };
    // Of half the answer is cut, and asked for again.
    let cut = rng.bool();
    let fall = Fall::drawn(number / 2, &measures[usize::from(has_past)], rng);
    let killed = home.turn(Some(fall), cut)?;
    if !killed.died {
        return Ok(None);
    }
    let judged = judge::judge(&home, &killed);
    report.add(number, fall, &killed, judged);
    Ok(Some(()))
}
