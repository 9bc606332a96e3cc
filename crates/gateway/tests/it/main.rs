//! The gateway between scripted relays and clients, all in one thread on tokio's paused clock: waits pass in no time, and only
//! when nothing else can happen.

#![allow(clippy::unwrap_used, clippy::expect_used, unreachable_pub)]

mod beginnings;
mod clients;
mod endings;
mod guards;
mod hostile;
mod ids;
mod lessons;
mod passing;
mod records;
mod requests;
mod restored;
mod scenarios;
mod seeing;
mod support;
mod tools;
mod whole;
