//! Weft as a whole: real processes of the real binary, and the order of the house that they come from.
//!
//! Each test starts what it needs on loopback, or in network namespaces, and takes it down again. What can't run on this machine
//! says so (`testbed::not_run`), and `./test` counts it.
#![allow(
    clippy::unwrap_used,
    reason = "a test that meets what it didn't expect has failed"
)]

mod it {
    mod cli;
    mod demo;
    mod drain;
    mod faults;
    mod federation;
    mod gateway;
    mod grpc;
    mod house;
    mod network;
    mod renewal;
    mod restart;
    mod sealed;
    mod sight;
    mod units;
    mod up;
}
