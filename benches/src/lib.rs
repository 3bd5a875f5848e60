//! Load, baselines, and how to get each number.
//!
//! `cargo bench -p benches --bench mesh` (or `benches/run`, which builds the product first) runs direct, Weft and its peers in turn,
//! round by round, and prints medians with their spread and ratios that hold. Every process is one of its own: load, proxies,
//! origin, in two network namespaces for root.
//!
//! ```text
//!   Bench ─ Workload ─ Stand ─┬─ Mesh     Weft's two nodes, one cluster        weft.rs
//!                             ├─ Pair     two proxies of a peer                peers.rs
//!                             └─ Way      where load goes in, whose CPU counts way.rs
//!          rounds.rs interleaves ─ load.rs drives ─ generate.rs is the load ─ report.rs keeps every round
//! ```
//!
//! Start reading at [`bench::Bench::run`].
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "a bench fails by panicking, and tells how far it is on standard error"
)]

pub mod bench;
pub mod certificates;
pub mod cost;
pub mod docs;
pub mod generate;
pub mod goals;
pub mod ground;
pub mod link;
pub mod load;
pub mod options;
pub mod origin;
pub mod peers;
pub mod plot;
pub mod report;
pub mod rounds;
pub mod stand;
pub mod tcp_pair;
pub mod wan;
pub mod way;
pub mod weft;
pub mod workloads;
