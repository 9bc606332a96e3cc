//! A conversation with tools over a Responses API endpoint.
//!
//! An [`Agent`] is what does not change while one talks: endpoints, tools, settings. A [`Conversation`] is what was said:
//! a list of [`Entry`]s that only grows, so that whatever happens to the process, the list on disk is the truth up to the
//! last entry. [`Conversation::send`] gives a [`Work`]: a stream of [`AgentEvent`]s that runs while it is asked, and ends
//! with an [`Answer`].
//!
//! One turn of the user's is a walk round this circle, a *step* at a time:
//!
//! 1. [`replay`] writes the entries as the `input` of a request: no ids that a server would look up, reasoning only to the
//!    issuer that encrypted it, no call without its output.
//! 2. A [`respair_client::Turn`] makes the request, with all of its recovery; what is shown is shown once.
//! 3. The items that the upstream closed become entries, as they come. A response that broke off leaves a
//!    [`Body::Partial`], which is kept to be read and never sent.
//! 4. The calls among them run when they are whole: the item done, its arguments a JSON object. What is wrong with a call
//!    is told to the model as that call's output; nothing is guessed.
//! 5. The outputs become entries, in the order of the calls, and the walk goes on; without calls it ends.
//!
//! Everything that goes round is bounded: steps, tokens, calls that fail, calls that repeat themselves, continuations
//! ([`Limits`]).

#![forbid(unsafe_code)]

mod agent;
mod answer;
mod approval;
mod call;
mod calls;
mod command;
mod compact;
mod conversation;
mod entry;
mod event;
mod fallback;
mod fingerprint;
mod journal;
mod limits;
#[cfg(unix)]
pub mod mcp;
mod remedy;
mod repeats;
pub mod replay;
pub mod sessions;
mod step;
mod tool;
#[cfg(unix)]
pub mod tools;
pub mod transcript;
mod turn;
mod work;

pub use agent::{Agent, AgentOptions, Link};
pub use answer::{Answer, AnswerStatus, Totals};
pub use approval::{Approval, Decision, Permission, Permissions, Rule};
pub use conversation::{Conversation, Input, TakenBack};
pub use entry::{Body, Compacted, Continued, Ended, Entry, Partial, StoredItem, Undone};
pub use event::AgentEvent;
pub use journal::{Journal, JournalError, Shown, ShownKind};
pub use limits::Limits;
pub use tool::{CallContext, Preview, Tool, ToolOutput, ToolSpec, Toolbox};
pub use work::Work;

/// A boxed future, as the traits of this crate give them.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;
