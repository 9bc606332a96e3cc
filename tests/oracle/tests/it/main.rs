//! The oracle itself, tried: on conforming streams, on mutated ones, beside the real clients, on recordings.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod agreement;
mod mutations;
mod native;
mod portable;
mod random;
mod wire;
