//! How much may be under way at once. Over it, requests are refused at once: shedding early beats queueing.
//!
//! The limits are the node's: all its shards count together.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use protocol::name::{SpiffeId, TrustDomain};

/// Requests at once on one node.
pub(crate) const MAX_IN_FLIGHT: usize = 16_384;
/// Of these, what one other trust domain may hold: a hostile peer leaves room for everybody else (P-17).
const MAX_OF_ONE_PEER: usize = MAX_IN_FLIGHT / 2;

/// Accepted tunnels at once.
const MAX_TUNNELS: usize = 4096;
/// Of these from one identity, which may run on many nodes.
const MAX_TUNNELS_OF_ONE: usize = 64;
/// UDP sessions at once, each of which has a socket.
const MAX_SESSIONS: usize = 8192;
/// Of these from one identity.
const MAX_SESSIONS_OF_ONE: usize = 2048;

/// What a node counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Limits {
    pub(crate) in_flight: InFlight,
    pub(crate) tunnels: PerCaller<MAX_TUNNELS, MAX_TUNNELS_OF_ONE>,
    pub(crate) sessions: PerCaller<MAX_SESSIONS, MAX_SESSIONS_OF_ONE>,
}

/// Counts what callers have opened: `ALL` at most, `OF_ONE` by one identity.
#[derive(Debug, Clone, Default)]
pub(crate) struct PerCaller<const ALL: usize, const OF_ONE: usize>(Arc<Mutex<CallerCounts>>);

#[derive(Debug, Default)]
struct CallerCounts {
    all: usize,
    of_callers: HashMap<SpiffeId, usize>,
}

/// Something of a caller's that counts for as long as this lives.
#[derive(Debug)]
pub(crate) struct OfCaller {
    counts: Arc<Mutex<CallerCounts>>,
    caller: SpiffeId,
}

impl<const ALL: usize, const OF_ONE: usize> PerCaller<ALL, OF_ONE> {
    /// Lets one more of `caller` in, if there is room.
    pub(crate) fn admit(&self, caller: &SpiffeId) -> Option<OfCaller> {
        let mut counts = self.0.lock();
        let of_caller = counts.of_callers.get(caller).copied().unwrap_or_default();
        if counts.all >= ALL || of_caller >= OF_ONE {
            return None;
        }
        counts.all += 1;
        counts.of_callers.insert(caller.clone(), of_caller + 1);
        Some(OfCaller {
            counts: Arc::clone(&self.0),
            caller: caller.clone(),
        })
    }
}

impl Drop for OfCaller {
    fn drop(&mut self) {
        let mut counts = self.counts.lock();
        counts.all -= 1;
        if let Some(held) = counts.of_callers.get_mut(&self.caller) {
            *held -= 1;
            if *held == 0 {
                counts.of_callers.remove(&self.caller);
            }
        }
    }
}

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
    fn one_identity_has_so_many_tunnels_and_all_together_so_many() {
        let id = |account: usize| -> SpiffeId {
            format!("spiffe://east.example/ns/shop/sa/a{account}")
                .parse()
                .unwrap()
        };
        let (tunnels, of_other_shard) = (Limits::default().tunnels, Limits::default().tunnels);
        let same = tunnels.clone();
        let held: Vec<_> = (0..MAX_TUNNELS_OF_ONE)
            .map_while(|_| tunnels.admit(&id(0)))
            .collect();
        assert_eq!(held.len(), MAX_TUNNELS_OF_ONE);
        assert!(same.admit(&id(0)).is_none(), "shards count together");
        assert!(of_other_shard.admit(&id(0)).is_some());
        let others: Vec<_> = (1..)
            .map_while(|account| same.admit(&id(account)))
            .collect();
        assert_eq!(held.len() + others.len(), MAX_TUNNELS);
        drop((held, others));
        assert!(tunnels.admit(&id(0)).is_some());
        assert!(tunnels.0.lock().of_callers.is_empty());
    }

    #[test]
    fn one_caller_leaves_room_for_sessions_of_others() {
        let id = |account| -> SpiffeId {
            let id = format!("spiffe://east.example/ns/shop/sa/{account}");
            id.parse().unwrap()
        };
        let sessions = Limits::default().sessions;
        let admitted = std::iter::from_fn(|| sessions.admit(&id("flood")));
        let held: Vec<_> = admitted.take(MAX_SESSIONS_OF_ONE + 1).collect();
        assert_eq!(held.len(), MAX_SESSIONS_OF_ONE);
        assert!(sessions.admit(&id("cart")).is_some());
        drop(held);
        assert!(sessions.admit(&id("flood")).is_some());
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
