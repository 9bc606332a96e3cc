#![doc = include_str!("../README.md")]

mod accumulate;
mod context;
mod ending;
mod event;
mod json;
mod limits;
mod mend;
mod model;
mod page;
mod reader;
mod rules;
mod schema;
mod slots;
pub mod sse;
mod usage;
mod violation;
mod watchdog;

pub use accumulate::{Accumulator, INTERIM_PHASES, Response, Update, is_interim};
pub use context::{Context, NotARequest, RequestFacts, is_made_up};
pub use ending::{
    EndOfBody, Ending, ErrorSource, NoStream, NoStreamKind, ResponseError, RetryVerdict,
};
pub use event::{Class, Event, EventKind, Field, Payload};
pub use json::well_formed;
pub use limits::{Limits, size};
pub use model::Model;
pub use page::page;
pub use reader::{Mode, Reader, ReaderOptions, Step};
pub use rules::{Finding, Grade, Measured, Rule, clients, grouped, measurements, rules};
pub use violation::{Code, Profile, Repair, Severity, Violation};
pub use watchdog::{Expired, Timeouts, Watchdog};
