//! What this endpoint's connection IDs are made and opened with, swapped whole.

use std::time::{SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwapOption;
use protocol::cid::{AllowedSelector, Doors, Handle, NODE_ID_LEN, ROUTE_TOKEN_LEN, RoutingKeys};

/// Handle, routing keys and allowed selectors of one endpoint. Before enrolment there are none: IDs are random, all is let in.
#[derive(Debug, Default)]
pub struct Routing {
    enrolled: ArcSwapOption<Enrolled>,
}

#[derive(Debug)]
struct Enrolled {
    handle: Handle,
    keys: RoutingKeys,
    doors: Doors,
}

impl Routing {
    /// Starts without any: for a process that isn't enrolled yet, which only dials.
    #[must_use]
    pub fn new_unenrolled() -> Self {
        Self::default()
    }

    /// Takes effect with the next packet and the next connection ID.
    pub fn install(&self, handle: Handle, keys: RoutingKeys, selectors: Vec<AllowedSelector>) {
        let doors = Doors::new(keys.clone(), selectors);
        self.enrolled.store(Some(std::sync::Arc::new(Enrolled {
            handle,
            keys,
            doors,
        })));
    }

    /// A fresh connection ID of this endpoint.
    pub(crate) fn fresh_id(&self) -> [u8; NODE_ID_LEN] {
        match self.enrolled.load().as_ref() {
            Some(enrolled) => enrolled.keys.seal(enrolled.handle, 0, rand::random()),
            None => rand::random(),
        }
    }

    /// Whether `id` is one that this endpoint made.
    pub(crate) fn is_own(&self, id: &[u8]) -> bool {
        match self.enrolled.load().as_ref() {
            Some(enrolled) => enrolled
                .doors
                .open_short(id)
                .is_ok_and(|node| node.handle == enrolled.handle),
            None => true,
        }
    }

    /// Whether a long-header packet with this destination may reach QUIC.
    pub(crate) fn admits(&self, id: &[u8]) -> bool {
        match self.enrolled.load().as_ref() {
            None => true,
            Some(enrolled) if id.len() == ROUTE_TOKEN_LEN => enrolled
                .doors
                .open_initial(id, unix_now())
                .is_ok_and(|handle| handle == enrolled.handle),
            Some(_) => self.is_own(id),
        }
    }
}

fn unix_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
