//! Conforming streams with damage, and what has to hold of any body. For tests and fuzzing only.
//!
//! - [`damaged`]: bytes in (the fuzzer's, a property test's, a seed's), a damaged stream out, with what it said before;
//! - [`operators`]: the damage, by name: which rule it breaks, and what is lost by it;
//! - `differential`: what comes out, before the real SDKs and another project's types;
//! - [`properties`]: what has to hold, as functions of bytes. Property tests and fuzz targets call the same ones.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a property that cannot be asked is a failed test"
)]

mod bases;
mod damage;
mod dice;
#[cfg(feature = "differential")]
pub mod differential;
pub mod not_yet;
pub mod operators;
pub mod properties;
mod run;
mod said;
mod wire;

pub use bases::{Base, bases};
pub use damage::{Damaged, Expected, damage, damaged, damaged_by_seed};
pub use dice::{Dice, bytes_of};
pub use run::{Outcome, context, read, read_chunked, strict, tolerant};
pub use said::{Call, Content, Said};
pub use wire::{Piece, Wire};
