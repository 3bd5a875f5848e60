//! Simulated links: quinn's state machine at both ends, a bottleneck between them.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use quinn_proto::congestion::{BbrConfig, ControllerFactory, CubicConfig};

use super::Congestion;

mod alone;
mod choice;
mod clear;
mod flow;
mod link;
mod properties;
mod shared;
mod world;

type Controllers = Arc<dyn ControllerFactory + Send + Sync>;

fn ours() -> Controllers {
    Congestion::Delivery.factory(64 << 10)
}

fn cubic() -> Controllers {
    Arc::new(CubicConfig::default())
}

fn bbr() -> Controllers {
    Arc::new(BbrConfig::default())
}
