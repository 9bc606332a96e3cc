//! How a conversation behaves, by concern.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../support/mod.rs"]
mod support;

mod amid;
mod broken;
mod budgets;
mod call_ids;
mod compacting;
mod cut;
mod drawn;
mod elsewhere;
#[cfg(unix)]
mod family;
mod forms;
mod interrupts;
mod mcp;
mod mcp_hostile;
mod mcp_real;
mod mcp_script;
mod orders;
mod others;
mod phases;
mod recorded;
mod repeating;
mod replaying;
mod sessions;
mod store;
mod summaries;
mod too_long;
mod tool_loop;
mod tools;
mod whole_calls;
