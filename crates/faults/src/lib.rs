//! A scripted Responses API relay that misbehaves on purpose.
//!
//! Every test's upstream, and the demo's. It has three layers, each usable without the next:
//!
//! 1. [`ev`] builds single events and [`Stream`] strings them together: conforming by default, and
//!    as complete as the native service sends them, so that a test names only what is wrong.
//!    `Stream::to_bytes` gives the body without any server.
//! 2. [`Script`] says how those bytes travel: status, headers, chunk boundaries, delays, gates that
//!    a test opens, and how the body ends (properly, cut, reset, or never).
//! 3. [`Relay`] is a small HTTP/1.1 server that plays scripts and records what it was asked.
//!
//! [`obedient`] answers what it is asked, for tests that ask in several ways;
//! [`scenarios`] is the table of ready-made misbehaviour behind `respair relay --scenario NAME`.
//!
//! ```
//! use respair_faults::{ev, Stream};
//!
//! // A relay that never sends `response.created`:
//! let body = Stream::new()
//!     .push(ev::in_progress())
//!     .message(["Hel", "lo"])
//!     .complete()
//!     .to_bytes();
//! assert!(body.starts_with(b"event: response.in_progress\ndata: {\"type\":\"response.in_progress\""));
//! ```
//!
//! The server is written on a bare `TcpStream`, with httparse for the request head only: a framework
//! would repair what this one must break (chunk ends, half-sent headers, resets).

#![forbid(unsafe_code)]

pub mod ev;
mod obedient;
mod relay;
mod scenarios;
mod script;
mod stream;
mod words;

pub use obedient::{obedient, obedient_but, obedient_stream, refusal};
pub use relay::{Answer, Ended, Exchange, Relay, RelayBuilder, RelayEvent, Request};
pub use scenarios::{Ends, Holds, Scenario, scenario, scenarios};
pub use script::{BodyLength, Gate, Pace, Script, Step};
pub use stream::{Stream, conforming_reasoning_then_text, conforming_text, conforming_tool_call};
pub use words::Words;
