//! Where a conversation is kept while it goes on: each entry as it is made, each piece as it is shown.

use crate::{BoxFuture, Entry};

/// Keeps a conversation: [`crate::sessions`] in SQLite; a library may bring its own, or none.
pub trait Journal: Send + Sync {
    /// Keeps an entry. When the future is ready the entry outlives the process.
    fn append<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<(), JournalError>>;

    /// Notes a piece of the response under way before it is shown, so that a process that dies leaves it behind. When the
    /// future is ready, every piece before this one outlives the process: at most this one is lost.
    fn shown(&self, piece: Shown) -> BoxFuture<'_, ()>;
}

/// A piece of a response under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The turn of the user's.
    pub turn: u64,
    /// What it is a piece of.
    pub kind: ShownKind,
    /// The piece.
    pub text: String,
}

/// What a shown piece belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShownKind {
    /// The answer.
    Text,
    /// The reasoning.
    Reasoning,
}

/// The conversation is not kept any further. The turn goes on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// Another process goes on with the same conversation.
    #[error("another process goes on with this session; what is said here is not kept any more")]
    Taken,
    /// Somebody deleted it.
    #[error("this session was deleted; what is said from here on is not kept")]
    Deleted,
    /// It cannot be written.
    #[error("the session cannot be written ({0}); what is said from here on is not kept")]
    Unwritable(String),
}
