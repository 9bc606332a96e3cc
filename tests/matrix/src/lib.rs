//! Real clients over every scenario of the relay, direct and through the gateway.
//!
//! A *column* is a pinned client in one way of using it, a *cell* that column asked about one scenario. For each cell a relay
//! and, for the way through, a gateway before it are started afresh, and the column's runner is asked once:
//!
//! 1. [`columns`] lists the columns and where their clients are installed;
//! 2. [`endpoint`] is the relay, and the gateway;
//! 3. [`runner`] asks: a runner of `clients/` that takes many cells, or Codex CLI, which is a process a cell;
//! 4. [`heard`] is what came back, and [`judge`] holds it against what the scenario [holds](respair_faults::Holds);
//! 5. [`table`] keeps the cells, [`page`] writes them for a person.
//!
//! No exception is not enough for a right answer: the text, the reasoning and the calls have to be those of the scenario. A cut
//! stream has to be told as one.

#![forbid(unsafe_code)]

pub mod columns;
pub mod endpoint;
pub mod heard;
pub mod judge;
pub mod page;
pub mod reasons;
pub mod runner;
pub mod table;
