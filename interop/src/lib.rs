//! Weft against software that we did not write: curl, wrk and nginx for HTTP/1.1, Python's gRPC and WebSocket on both sides, raw
//! sockets, PostgreSQL and Redis over TCP, DNS and statsd over UDP.
//!
//! Every test goes through two nodes and a gateway, from the trust domain `east.example` into `west.example`:
//!
//! ```text
//!   curl, wrk, grpcio ── node n1 of east ══ gateway of west ══ node n1 of west ── nginx, grpcio
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a test bed fails by panicking"
)]

pub mod crossing;
pub mod grpc;
pub mod nginx;
pub mod script;
pub mod servers;

pub use crossing::Crossing;
