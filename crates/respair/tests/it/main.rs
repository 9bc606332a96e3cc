//! The binary, as a process: against a relay in this one, over HTTP.

#![allow(clippy::unwrap_used, clippy::expect_used, unreachable_pub)]

mod agent;
mod agent_endings;
mod bin;
#[cfg(unix)]
mod chat;
mod check;
mod check_endpoint;
mod config;
mod endings;
#[cfg(unix)]
mod guarded;
#[cfg(target_os = "linux")]
mod inherited;
mod json;
#[cfg(unix)]
mod kept;
#[cfg(target_os = "linux")]
mod killed;
#[cfg(target_os = "linux")]
mod left;
#[cfg(unix)]
mod mcp;
#[cfg(target_os = "linux")]
mod namespaced;
mod piped;
mod relay;
mod repair;
mod schema;
mod secrets;
mod serve;
mod sessions;
mod state;
mod streams;
#[cfg(unix)]
mod terminal;
mod waits;
mod words;
