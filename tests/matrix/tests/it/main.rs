//! A small part of the matrix, for every run of the tests: the SDKs and Codex CLI through the gateway.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod codex;
mod judged;
mod small;
mod support;
