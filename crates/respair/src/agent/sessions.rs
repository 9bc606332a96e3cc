//! Where a conversation is kept: which session, and the conversation that goes on in it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use respair_agent::sessions::{Session, Sessions};
use respair_agent::{Agent, Conversation};

use crate::args::Common;
use crate::config::Settings;
use crate::term;

/// What follows from sessions that cannot be opened.
pub(crate) const UNKEPT: &str = "what is said is not kept";

/// A conversation, and where it is kept.
pub(crate) struct Kept {
    pub(crate) conversation: Conversation,
    /// The session's id; `None` when it is kept nowhere.
    pub(crate) id: Option<String>,
}

impl Kept {
    /// One that ends with the process.
    pub(crate) fn nowhere(agent: Agent) -> Self {
        Self {
            conversation: Conversation::new(agent),
            id: None,
        }
    }

    /// One that begins in this session.
    pub(crate) fn begun(agent: Agent, session: Session) -> Self {
        Self {
            id: Some(session.id().to_owned()),
            conversation: kept_in(session, Conversation::new(agent)),
        }
    }
}

/// The session's id is what an endpoint finds the conversation by in its cache.
fn kept_in(session: Session, conversation: Conversation) -> Conversation {
    conversation
        .with_cache_key(format!("respair-{}", session.id()))
        .with_journal(Arc::new(session))
}

/// The file that holds the sessions.
pub(crate) fn path(settings: &Settings) -> Option<PathBuf> {
    Some(settings.state_dir.as_ref()?.join("sessions.db"))
}

/// The sessions.
///
/// # Errors
/// Why they cannot be opened, in a sentence.
pub(crate) fn sessions(settings: &Settings) -> Result<Sessions, String> {
    let path = path(settings).ok_or("there is no state directory to keep sessions in")?;
    Sessions::open(&path).map_err(|error| term::one_line(&error.to_string()))
}

/// Begins a session for `new`, and goes on with one for `last` or an id. What cannot be kept is said all the same: one notice
/// (CONTRACT.md, state).
///
/// # Errors
/// Why not, in a sentence.
pub(crate) async fn open(
    common: &Common,
    settings: &Settings,
    agent: Agent,
    id: &str,
) -> Result<Kept, String> {
    let sessions = match sessions(settings) {
        Err(why) if id == "new" => {
            super::told(common, &[format!("{why}; {UNKEPT}")]);
            return Ok(Kept::nowhere(agent));
        }
        opened => opened?,
    };
    match id {
        "new" => begin(&sessions, agent),
        "last" => resume(&sessions, agent, None).await,
        id => resume(&sessions, agent, Some(id)).await,
    }
}

/// Begins a session in the working directory.
///
/// # Errors
/// Why not, in a sentence.
pub(crate) fn begin(sessions: &Sessions, agent: Agent) -> Result<Kept, String> {
    let directory = std::env::current_dir().map_err(|error| term::system(&error))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |since| since.as_secs());
    Ok(Kept::begun(agent, sessions.begin(&directory, now)))
}

/// Goes on with a session: the one whose id begins so, else the latest.
///
/// # Errors
/// Why not, in a sentence.
pub(crate) async fn resume(
    sessions: &Sessions,
    agent: Agent,
    id: Option<&str>,
) -> Result<Kept, String> {
    let (session, entries) = sessions
        .resume(id)
        .await
        .map_err(|error| term::one_line(&error.to_string()))?;
    Ok(Kept {
        id: Some(session.id().to_owned()),
        conversation: kept_in(session, Conversation::resume(agent, entries)),
    })
}
