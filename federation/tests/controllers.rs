//! Whole controllers over their public doors: the UDP port and the unix socket.
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub, reason = "tests")]

#[path = "controllers/cluster.rs"]
mod cluster;
#[path = "controllers/host.rs"]
mod host;
#[path = "controllers/hosts.rs"]
mod hosts;
#[path = "controllers/peers.rs"]
mod peers;
#[path = "controllers/restart.rs"]
mod restart;
