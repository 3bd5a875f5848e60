//! One shard: outbound, inbound and capture on one thread. A flow stays where it was accepted; shards share what is swapped whole
//! and what is counted, nothing else.

use std::sync::Arc;
use std::time::Duration;

use identity::Trust;
use protocol::name::Locality;
use protocol::view::View;
use tokio::time::{MissedTickBehavior, interval};
use tunnel::{Alpn, CloseCode};

use crate::capture::{Capture, PortShare};
use crate::credentials::Credentials;
use crate::health::Health;
use crate::inbound::Inbound;
use crate::inbound::limit::Limits;
use crate::observe::Observer;
use crate::outbound::Outbound;

/// What all shards have in common.
#[derive(Debug, Clone)]
pub(super) struct Common {
    pub(super) here: Locality,
    pub(super) trust: Trust,
    pub(super) credentials: Arc<Credentials>,
    pub(super) health: Arc<Health>,
    pub(super) observer: Arc<Observer>,
    pub(super) limits: Limits,
    pub(super) ports: PortShare,
    /// What tunnels out carry.
    pub(super) encoding: Alpn,
}

/// One of the shards; clones are the same one.
#[derive(Debug, Clone)]
pub(super) struct Shard {
    pub(super) outbound: Arc<Outbound>,
    pub(super) inbound: Arc<Inbound>,
    pub(super) capture: Arc<Capture>,
    endpoint: tunnel::Endpoint,
}

impl Shard {
    /// Wires one up; it dials from `endpoint`, and accepts there.
    pub(super) fn new(common: &Common, number: u8, endpoint: tunnel::Endpoint) -> Self {
        let outbound = Arc::new(Outbound::new(
            common.here.clone(),
            endpoint.clone(),
            Arc::clone(&common.trust),
            Arc::clone(&common.credentials),
            Arc::clone(&common.observer),
            common.encoding,
        ));
        let inbound = Arc::new(Inbound::new(
            Arc::clone(&common.trust),
            Arc::clone(&common.credentials),
            Arc::clone(&common.health),
            Arc::clone(&common.observer),
            common.limits.clone(),
        ));
        let capture = Arc::new(Capture::new(Arc::clone(&outbound), common.ports.of(number)));
        Self {
            outbound,
            inbound,
            capture,
            endpoint,
        }
    }

    /// Puts a View in force here. On the shard's own thread, as listeners and tunnels are made.
    pub(super) fn apply(&self, view: &View) {
        self.inbound.apply(view);
        self.outbound.apply(view);
        self.capture.apply(view);
    }

    /// Accepts tunnels, and does what must happen now and then. Ends only with the endpoint.
    pub(super) async fn run(&self) {
        tokio::select! {
            () = self.inbound.run(&self.endpoint) => {}
            () = self.tick() => {}
        }
    }

    async fn tick(&self) {
        let mut ticks = interval(Duration::from_secs(1));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.outbound.sweep();
            self.inbound.sweep();
            self.capture.retry();
        }
    }

    /// Closes every tunnel.
    pub(super) async fn close(&self) {
        self.outbound.close();
        self.endpoint.close(CloseCode::Draining).await;
    }
}
