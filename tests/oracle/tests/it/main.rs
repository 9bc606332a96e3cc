//! The oracle itself, tried: on conforming streams, on changed ones, beside the real clients, on recordings.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod agreement;
mod changed;
mod conforming;
mod native;
