//! Real clusters of real processes, for tests and benches.
//!
//! Nothing here knows Weft from the inside: a [`Cluster`] is the `weft` binary started as a user would start it, with flags,
//! files and its unix socket. What goes wrong panics with the tail of the log of each process, so that a red test tells why.
//!
//! ```text
//!   Cluster ── controller, gateway, nodes      processes of target/debug/weft, each with a directory and a log of its own
//!   App     ── a little HTTP/1.1 server        records the id of each request that it was given
//!   Load    ── many callers on one listener    counts what failed, and who served
//!   Relay   ── a UDP wire between clusters     records each datagram that crosses
//!   Internet── network namespaces              two places with the same addresses behind NAT, for tests with root
//! ```
//!
//! Start reading at [`Cluster::start`].
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::missing_panics_doc,
    reason = "a test bed fails by panicking, and says why on standard error"
)]

pub mod app;
pub mod binary;
pub mod cluster;
pub mod federation;
pub mod http;
pub mod initial;
pub mod internet;
pub mod load;
pub mod manifest;
pub mod metrics;
pub mod not_run;
pub mod pcap;
pub mod ports;
pub mod process;
pub mod python;
pub mod relay;
pub mod wait;

pub use app::App;
pub use binary::Weft;
pub use cluster::{Cluster, ClusterSpec};
pub use federation::{Federation, federate};
pub use load::{Load, LoadSpec};
pub use metrics::Metrics;
pub use not_run::not_run;
pub use process::Process;
pub use relay::Relay;
