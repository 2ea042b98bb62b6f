//! The real program from outside. Tests of real parts are ignored here; `scripts/test` brings the parts and runs them.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that can't go on fails with the place"
)]

mod ci;
mod contracts;
mod cost;
mod directory;
mod estimate;
mod exits;
mod faults;
mod help;
mod manifest;
mod manifest_schema;
mod markdown;
mod output;
mod pipelines;
mod plans;
mod prices;
mod readme;
mod real;
mod shells;
mod standin;
mod support;
mod tidy;
