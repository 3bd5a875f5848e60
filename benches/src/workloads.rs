//! The workloads, by name.

mod bulk;
mod grpc;
mod http1;
mod idle;
mod startup;
mod tcp;
mod udp;

use crate::bench::Bench;
use crate::report::Table;

/// Measures one workload; the name says which, where one function serves several.
pub type Workload = fn(&Bench, &'static str) -> Table;

/// All of them, in the order of the report.
pub const ALL: &[(&str, Workload)] = &[
    ("http1", http1::small),
    ("http1-64k", http1::large),
    ("rate-2000", http1::rate),
    ("rate-5000", http1::rate),
    ("grpc-unary", grpc::unary),
    ("grpc-stream", grpc::stream),
    ("tcp", tcp::small),
    ("connect", http1::connect),
    ("bulk-1", bulk::run),
    ("bulk-8", bulk::run),
    ("idle", idle::run),
    ("udp", udp::run),
    ("startup", startup::run),
];
