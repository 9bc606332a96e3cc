//! What the core promises, over fixtures, recordings, scenarios and generated streams.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod adversary;
mod call_ids;
mod calls;
mod captures;
mod catalogue;
mod corpus;
mod cumulative;
mod endings;
mod events;
mod fixtures;
mod generated;
mod habits;
mod heartbeat;
mod hosted;
mod instead;
mod judging;
mod native;
mod open_responses;
mod prefilled;
mod regressions;
mod reviewed;
mod run;
mod schema;
mod strays;
mod strictness;
mod tenets;
mod typed;
mod usage;
mod violations;
mod withstand;
