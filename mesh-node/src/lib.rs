//! The data plane: node and sealed gateway.
//!
//! A [`node::Node`] takes requests from apps on its host, finds who serves them, and carries them over tunnels whose both ends are
//! proven; it takes requests from other nodes, decides who may, and hands them to its apps. A [`gateway::Gateway`] routes packets that
//! it can't open. Neither decides anything about the cluster: both follow a controller, and serve on without it.
//!
//! ```text
//!   app ──> capture ──> outbound ─────── tunnel ─────── inbound ──> app
//!                        │  ^                            ^
//!          service, retry│  │pool               (maybe through a gateway)
//!     pick: failover,    v  │
//!     locality, outlier, balance           control: enrol, follow, renew ── controller
//! ```
//!
//! `outbound`, `inbound` and `gateway` don't know each other. Pure decisions (`outbound::{failover, outlier, balance, budget, retry}`,
//! `health::gauge`, `http::target`) take `now` and randomness as arguments.
//!
//! Start reading at [`node`], then `outbound.rs` and `inbound.rs`: their steps are in the order of the walk of a request.

mod capture;
pub mod control;
pub mod credentials;
pub mod fuzz;
pub mod gateway;
mod health;
pub mod http;
mod http1;
mod http2;
mod inbound;
mod io;
pub mod node;
pub mod observe;
mod outbound;
mod revocation;
mod splice;
pub mod view;

pub use observe::metrics;
