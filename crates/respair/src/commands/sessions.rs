//! `respair sessions list|show|export|delete`: conversations that were kept.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use respair_agent::sessions::{SessionInfo, Sessions, SessionsError};
use respair_agent::transcript;
use serde_json::json;

use crate::args::{self, Common, Export};
use crate::paths::Env;
use crate::{USAGE, config, run, term};

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
    let done = runtime.block_on(async {
        let sessions = Sessions::open(&path)?;
        match what {
            args::Sessions::List { limit } => list(common, &sessions, *limit).await,
            args::Sessions::Show { id } => show(&sessions, id.as_deref()).await,
            args::Sessions::Export { id, format, output } => {
                export(&sessions, id.as_deref(), *format, output.as_deref()).await
            }
            args::Sessions::Delete { ids } => delete(common, &sessions, ids).await,
        }
    });
    done.unwrap_or_else(|error| {
        term::error(&term::one_line(&error.to_string()));
        let unknown = matches!(
            error,
            SessionsError::Unknown(_) | SessionsError::Ambiguous { .. }
        );
        if unknown {
            term::help("`respair sessions list` shows them");
        }
        1
    })
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
    if list.is_empty() && !common.quiet && !common.json {
        term::notice("no conversation was kept yet");
    }
    let rows = list.iter().map(|info| match common.json {
        true => format!("{}\n", line(info)),
        false => row(info),
    });
    Ok(super::printed(term::print(&rows.collect::<String>())))
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

async fn show(sessions: &Sessions, id: Option<&str>) -> Result<u8, SessionsError> {
    let info = sessions.find(id).await?;
    let entries = sessions.entries(&info.id).await?;
    let text = transcript::markdown(&info.title, &entries);
    let mut neutral = term::Neutral::default();
    let shown = match term::stdout_is_terminal() {
        true => neutral.piece(&text),
        false => text,
    };
    Ok(super::printed(term::print(&shown)))
}

async fn export(
    sessions: &Sessions,
    id: Option<&str>,
    format: Export,
    output: Option<&Path>,
) -> Result<u8, SessionsError> {
    let info = sessions.find(id).await?;
    let entries = sessions.entries(&info.id).await?;
    let text = match format {
        Export::Markdown => transcript::markdown(&info.title, &entries),
        Export::Json => format!("{:#}\n", transcript::json(&info, &entries)),
    };
    let Some(path) = output else {
        return Ok(super::printed(term::print(&text)));
    };
    match std::fs::write(path, text) {
        Ok(()) => Ok(0),
        Err(error) => {
            let system = term::system(&error);
            term::error(&format!("{}: {system}", path.display()));
            Ok(1)
        }
    }
}

async fn delete(common: &Common, sessions: &Sessions, ids: &[String]) -> Result<u8, SessionsError> {
    for id in ids {
        let info = sessions.find(Some(id)).await?;
        sessions.delete(&info.id).await?;
        if !common.quiet {
            let title = term::one_line(&info.title);
            let text = format!("deleted: {}  {title}\n", info.id);
            match super::printed(term::print(&text)) {
                0 => {}
                code => return Ok(code),
            }
        }
    }
    Ok(0)
}
