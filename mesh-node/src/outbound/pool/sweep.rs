//! Letting tunnels go: those that nobody uses, those that are out of date, and at once those that are no longer trusted.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use protocol::name::SpiffeId;
use tunnel::CloseCode;

use super::{Destination, DestinationKey, Pool};
use crate::observe::metrics;
use crate::outbound::service::Directory;

impl Pool {
    /// Closes what is idle, drained or past its date, and what the bundles in force don't vouch for any more (their leases end too).
    pub(crate) fn sweep(&self) {
        let (now, round) = (Instant::now(), self.revocation.round());
        for destination in self.all() {
            for live in destination.live() {
                metrics::udp::count_strays(&live.tunnel);
                let code = if round.trusts(live.tunnel.remote()) {
                    live.closing(now, round.now())
                } else {
                    Some(CloseCode::Refused)
                };
                match code {
                    Some(code) => live.tunnel.close(code),
                    None => live.tunnel.trim(now),
                }
            }
            destination.forget_closed();
        }
    }

    /// A View is in force: tunnels to peers that are gone, or from identities that aren't here any more, close at once (P-8).
    pub(crate) fn apply(&self, directory: &Directory, sources: &[SpiffeId]) {
        let mut needed: HashSet<DestinationKey> =
            directory.destinations().map(|d| d.key.clone()).collect();
        for destination in self.all() {
            let peer_is_gone = destination
                .key
                .peer
                .as_ref()
                .is_some_and(|peer| !directory.peers.contains_key(peer));
            for live in destination.live_from(|source| peer_is_gone || !sources.contains(source)) {
                live.tunnel.close(CloseCode::Refused);
            }
            if needed.contains(&destination.key) {
                continue;
            }
            // The endpoint is gone: what runs may end, nothing new begins.
            let live = destination.live();
            live.iter().for_each(|live| live.retire());
            if !live.is_empty() {
                needed.insert(destination.key.clone());
            }
        }
        self.destinations
            .lock()
            .retain(|key, destination| needed.contains(key) || Arc::strong_count(destination) > 1);
        self.sweep();
    }

    /// Closes everything.
    pub(crate) fn close(&self) {
        for destination in self.all() {
            for live in destination.live() {
                live.tunnel.close(CloseCode::Draining);
            }
        }
    }
}

impl Destination {
    fn live_from(&self, which: impl Fn(&SpiffeId) -> bool) -> Vec<Arc<super::Live>> {
        let slots = self.slots.lock();
        let chosen = slots.iter().filter(|(source, ..)| which(source));
        chosen
            .flat_map(|(_, _, slot)| {
                let state = slot.state.lock();
                state
                    .current
                    .iter()
                    .chain(&state.former)
                    .cloned()
                    .collect::<Vec<_>>()
            })
            .collect()
    }

    fn forget_closed(&self) {
        for (_, _, slot) in self.slots.lock().iter() {
            let mut state = slot.state.lock();
            state.former.retain(|live| !live.tunnel.is_closed());
            if state
                .current
                .as_ref()
                .is_some_and(|live| live.tunnel.is_closed())
            {
                state.current = None;
            }
        }
    }
}
