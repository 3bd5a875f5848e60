//! What the relay forwards by, swapped whole: a reader sees one View or the next, never a mixture, and never waits.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::{ArcSwapOption, Guard};
use protocol::cid::{Doors, Handle};
use protocol::forward::Forwarder;
use protocol::view::View;
use tokio::sync::watch;

/// The forwarder in force; none until the first View.
#[derive(Debug, Default)]
pub struct Routing {
    forwarder: ArcSwapOption<Forwarder>,
    ready: watch::Sender<bool>,
}

impl Routing {
    /// Puts a View's doors in force, with the addresses that its handles resolve to.
    pub fn install(&self, view: &View, addresses: BTreeMap<Handle, SocketAddr>) {
        let doors = Doors::new(view.routing_keys.clone(), view.selectors.clone());
        self.swap(Forwarder::new(doors, addresses));
    }

    /// Puts a forwarder in force.
    pub(super) fn swap(&self, forwarder: Forwarder) {
        self.forwarder.store(Some(Arc::new(forwarder)));
        self.ready.send_replace(true);
    }

    /// Returns the forwarder in force, for a batch of packets.
    pub(super) fn current(&self) -> Guard<Option<Arc<Forwarder>>> {
        self.forwarder.load()
    }

    /// Tells whether there is one, and when there comes to be.
    pub fn ready(&self) -> watch::Receiver<bool> {
        self.ready.subscribe()
    }

    /// Tells whether there is one.
    pub fn is_ready(&self) -> bool {
        *self.ready.borrow()
    }
}
