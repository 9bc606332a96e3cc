//! The relay over real sockets, driven by a client that sees every byte.
#![allow(clippy::unwrap_used, clippy::expect_used, unreachable_pub)]

mod client;
mod scenarios;
mod server;
mod steps;
