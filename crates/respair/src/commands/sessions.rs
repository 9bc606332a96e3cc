//! `respair sessions list|show|export|delete`: conversations that were kept.

use std::io::{self, BufWriter, Write as _};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use respair_agent::sessions::{SessionInfo, Sessions, SessionsError};
use respair_agent::transcript;
use serde_json::json;

use crate::args::{self, Common, Export};
use crate::paths::Env;
use crate::{USAGE, config, run, term};

/// Sessions among which one that was misspelled is looked for.
const SEARCHED: usize = 1_000;

/// Runs it.
pub(crate) fn command(common: &Common, what: &args::Sessions) -> u8 {
    let env = Env::Process;
    // The configuration need not be whole: only where the state is kept matters.
    let loaded = config::load(common.config.as_deref(), &common.flags(), &env);
    let Some(dir) = loaded.state_dir(&env) else {
        term::error("there is no home directory to keep anything in");
        term::help("name a directory with --state-dir");
        return USAGE;
    };
    let path = dir.join("sessions.db");
    if !path.exists() {
        return nothing(common, what);
    }
    let runtime = match run::runtime() {
        Ok(runtime) => runtime,
        Err(code) => return code,
    };
    runtime.block_on(async {
        let sessions = match Sessions::open(&path) {
            Ok(sessions) => sessions,
            Err(error) => return refused(&error),
        };
        let done = match what {
            args::Sessions::List { limit } => list(common, &sessions, *limit).await,
            args::Sessions::Show { id } => show(common, &sessions, id.as_deref()).await,
            args::Sessions::Export { id, format, output } => {
                // As `/export FILE.json` in a conversation.
                let is_json = output
                    .as_ref()
                    .is_some_and(|file| file.extension() == Some("json".as_ref()));
                let format = format.unwrap_or(match common.json || is_json {
                    true => Export::Json,
                    false => Export::Markdown,
                });
                export(&sessions, id.as_deref(), format, output.as_deref()).await
            }
            args::Sessions::Delete { ids } => delete(common, &sessions, ids).await,
        };
        match done {
            Ok(code) => code,
            Err(error) => {
                let code = refused(&error);
                if let SessionsError::Unknown(id) = &error {
                    help(&sessions, id).await;
                }
                code
            }
        }
    })
}

fn refused(error: &SessionsError) -> u8 {
    term::error(&term::one_line(&error.to_string()));
    1
}

/// Points to what may have been meant.
async fn help(sessions: &Sessions, id: &str) {
    /// Letters that may be wrong.
    const WRONG: usize = 2;
    let list = sessions.list(SEARCHED).await.unwrap_or_default();
    let near = list
        .into_iter()
        .map(|info| (strsim::damerau_levenshtein(id, &info.id), info))
        .filter(|(wrong, _)| *wrong <= WRONG)
        .min_by_key(|(wrong, _)| *wrong);
    match near {
        Some((_, info)) => {
            let title = term::one_line(&info.title);
            term::help(&format!("there is `{}`: {title}", info.id));
        }
        None => term::help("`respair sessions list` shows them"),
    }
}

/// There is no database, and none is made.
fn nothing(common: &Common, what: &args::Sessions) -> u8 {
    match what {
        args::Sessions::List { .. } => {
            if !common.quiet && !common.json {
                term::notice("no conversation was kept yet");
            }
            0
        }
        _ => {
            term::error(&SessionsError::None.to_string());
            1
        }
    }
}

async fn list(common: &Common, sessions: &Sessions, limit: usize) -> Result<u8, SessionsError> {
    let list = sessions.list(limit).await?;
    if list.is_empty() && limit > 0 && !common.quiet && !common.json {
        term::notice("no conversation was kept yet");
    }
    let rows = list.iter().map(|info| match common.json {
        true => format!("{}\n", line(info)),
        false => row(info),
    });
    Ok(super::printed(print(rows, term::stdout_is_terminal())))
}

fn line(info: &SessionInfo) -> serde_json::Value {
    json!({
        "id": info.id,
        "title": info.title,
        "directory": info.directory,
        "created": info.created,
        "updated": info.updated,
        "turns": info.turns,
        "entries": info.entries,
    })
}

fn row(info: &SessionInfo) -> String {
    let turns = match info.turns {
        1 => "1 turn".to_owned(),
        n => format!("{n} turns"),
    };
    format!(
        "{}  {:>8}  {:>8}  {}\n",
        info.id,
        age(info.updated),
        turns,
        term::one_line(&info.title)
    )
}

/// How long ago that was, in its largest unit.
fn age(then: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = now.map_or(0, |now| now.as_secs()).saturating_sub(then);
    match seconds {
        0..60 => "now".to_owned(),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// To be read, so that nothing in it is obeyed, wherever it goes.
async fn show(common: &Common, sessions: &Sessions, id: Option<&str>) -> Result<u8, SessionsError> {
    let info = sessions.find(id).await?;
    let entries = sessions.entries(&info.id).await?;
    let shown = match common.json {
        true => print(
            transcript::json_pieces(&info, &entries),
            term::stdout_is_terminal(),
        ),
        false => {
            let title = term::one_line(&info.title);
            print(transcript::markdown_pieces(&title, &entries), true)
        }
    };
    Ok(super::printed(shown))
}

/// As it was said. Only what a terminal would obey is shown there instead.
async fn export(
    sessions: &Sessions,
    id: Option<&str>,
    format: Export,
    output: Option<&Path>,
) -> Result<u8, SessionsError> {
    let info = sessions.find(id).await?;
    let entries = sessions.entries(&info.id).await?;
    let pieces: Box<dyn Iterator<Item = String>> = match format {
        Export::Markdown => Box::new(transcript::markdown_pieces(&info.title, &entries)),
        Export::Json => Box::new(transcript::json_pieces(&info, &entries)),
    };
    let Some(path) = output.filter(|path| *path != Path::new("-")) else {
        return Ok(super::printed(print(pieces, term::stdout_is_terminal())));
    };
    match write(path, pieces) {
        Ok(()) => Ok(0),
        Err(error) => {
            let system = term::system(&error);
            let path = term::one_line(&path.display().to_string());
            term::error(&format!("{path}: {system}"));
            Ok(1)
        }
    }
}

/// Writes pieces to standard output as they are made. A reader that has gone away is no error.
fn print(pieces: impl Iterator<Item = String>, harmless: bool) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    let mut neutral = term::Neutral::default();
    let write = || {
        for piece in pieces {
            let piece = match harmless {
                true => neutral.piece(&piece),
                false => piece,
            };
            out.write_all(piece.as_bytes())?;
        }
        out.write_all(neutral.rest().as_bytes())?;
        out.flush()
    };
    match write() {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Writes pieces to a file, which is its owner's alone where it is new.
fn write(path: &Path, pieces: impl Iterator<Item = String>) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = BufWriter::new(options.open(path)?);
    for piece in pieces {
        file.write_all(piece.as_bytes())?;
    }
    file.flush()
}

/// Deletes all of them, or, when one is not to be found, none.
async fn delete(common: &Common, sessions: &Sessions, ids: &[String]) -> Result<u8, SessionsError> {
    let mut found: Vec<SessionInfo> = Vec::new();
    for id in ids {
        let info = sessions.find(Some(id)).await?;
        if !found.iter().any(|other| other.id == info.id) {
            found.push(info);
        }
    }
    let mut code = 0;
    for info in found {
        sessions.delete(&info.id).await?;
        let title = term::one_line(&info.title);
        let said = match common.json {
            true => format!("{}\n", json!({"deleted": info.id, "title": info.title})),
            false => format!("deleted: {}  {title}\n", info.id),
        };
        if !common.quiet || common.json {
            code = super::printed(term::print(&said)).max(code);
        }
    }
    Ok(code)
}
