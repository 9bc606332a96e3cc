//! How a turn behaves, by concern.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../support/mod.rs"]
mod support;

mod cancelling;
mod encodings;
mod limits;
mod logs;
mod memory;
mod network;
mod phases;
mod probes;
mod recovery;
mod refused_fields;
mod retries;
mod scenarios;
mod secrets;
mod silence;
mod tls;
mod words;
