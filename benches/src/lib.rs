//! Load, baselines, and how to get each number.
//!
//! `cargo bench -p benches --bench compare` runs direct, Weft and Envoy in turn, round by round, and prints medians with their
//! spread. Every figure is of the processes that carry the traffic alone: CPU seconds come from `/proc`, rates from the load
//! generators (`wrk`, `h2load`), which we did not write.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::missing_panics_doc,
    reason = "a bench fails by panicking, and prints"
)]

pub mod envoy;
pub mod load;
pub mod path;
pub mod round;
