//! How a conversation behaves, by concern.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../support/mod.rs"]
mod support;

mod broken;
mod compacting;
mod elsewhere;
mod mcp;
mod mcp_real;
mod recorded;
mod replaying;
mod sessions;
mod store;
mod tool_loop;
mod tools;
mod whole_calls;
