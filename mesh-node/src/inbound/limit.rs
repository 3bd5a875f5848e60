//! How much may be under way at once. Over it, requests are refused at once: shedding early beats queueing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use protocol::name::TrustDomain;

/// Requests at once on one node.
pub(crate) const MAX_IN_FLIGHT: usize = 16_384;
/// Of these, what one other trust domain may hold: a hostile peer leaves room for everybody else (P-17).
const MAX_OF_ONE_PEER: usize = MAX_IN_FLIGHT / 2;

/// Counts what is under way.
#[derive(Debug, Clone, Default)]
pub(crate) struct InFlight(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    all: AtomicUsize,
    of_peers: Mutex<BTreeMap<TrustDomain, usize>>,
}

/// A request that is under way for as long as this lives.
#[derive(Debug)]
pub(crate) struct Counted {
    counts: Arc<Counts>,
    peer: Option<TrustDomain>,
}

impl InFlight {
    /// Lets one more in, if there is room; `peer` is the caller's trust domain when it isn't our own.
    pub(crate) fn admit(&self, peer: Option<&TrustDomain>) -> Option<Counted> {
        if let Some(peer) = peer {
            let mut of_peers = self.0.of_peers.lock();
            let held = of_peers.entry(peer.clone()).or_default();
            if *held >= MAX_OF_ONE_PEER {
                return None;
            }
            *held += 1;
        }
        let before = self.0.all.fetch_add(1, Ordering::Relaxed);
        let counted = Counted {
            counts: Arc::clone(&self.0),
            peer: peer.cloned(),
        };
        (before < MAX_IN_FLIGHT).then_some(counted)
    }

    /// How many are under way.
    pub(crate) fn count(&self) -> usize {
        self.0.all.load(Ordering::Relaxed)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.counts.all.fetch_sub(1, Ordering::Relaxed);
        let Some(peer) = &self.peer else { return };
        let mut of_peers = self.counts.of_peers.lock();
        if let Some(held) = of_peers.get_mut(peer) {
            *held -= 1;
            if *held == 0 {
                of_peers.remove(peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn the_limit_holds_and_frees_itself() {
        let in_flight = InFlight::default();
        let held: Vec<_> = (0..MAX_IN_FLIGHT)
            .map_while(|_| in_flight.admit(None))
            .collect();
        assert_eq!(held.len(), MAX_IN_FLIGHT);
        assert!(in_flight.admit(None).is_none());
        assert_eq!(in_flight.count(), MAX_IN_FLIGHT);
        drop(held);
        assert!(in_flight.admit(None).is_some());
        assert_eq!(in_flight.count(), 0);
    }

    #[test]
    fn one_peer_leaves_half_of_the_room_to_others() {
        let in_flight = InFlight::default();
        let west = TrustDomain::parse("west.example").unwrap();
        let north = TrustDomain::parse("north.example").unwrap();
        let held: Vec<_> = (0..MAX_IN_FLIGHT)
            .map_while(|_| in_flight.admit(Some(&west)))
            .collect();
        assert_eq!(held.len(), MAX_IN_FLIGHT / 2);
        assert!(in_flight.admit(Some(&north)).is_some());
        assert!(in_flight.admit(None).is_some());
        drop(held);
        assert!(in_flight.admit(Some(&west)).is_some());
        assert!(in_flight.0.of_peers.lock().is_empty());
    }
}
