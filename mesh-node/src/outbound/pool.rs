//! The tunnels out: one for each source identity and destination identity at a node, dialed on demand, shared, renewed, let go.
//!
//! ```text
//!   tunnel_to ── warm one ──────────────────────────────> use
//!       └─ none: one dial for all who wait ── proven ──┘
//!   half life: a successor is dialed; new work goes there; the former drains, and closes at its expiry + 60 s (P-9)
//!   idle for 5 min: closed.   trust or peer gone: closed at once (P-8)
//! ```

mod dialing;
mod live;
mod sweep;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use identity::Trust;
use parking_lot::Mutex;
use protocol::cid::Handle;
use protocol::name::{ClusterName, SpiffeId};
use protocol::wire::v1;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use tunnel::Alpn;

use crate::credentials::Credentials;
use crate::outbound::service::{Directory, Endpoint};
use crate::revocation::Revocation;

pub(crate) use live::{InUse, Live};

/// Where tunnels lead: an identity at a node.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct DestinationKey {
    pub(crate) peer: Option<ClusterName>,
    pub(crate) handle: Handle,
    pub(crate) id: SpiffeId,
}

/// All tunnels to one destination, one for each source identity here and each encoding in use.
#[derive(Debug)]
pub(crate) struct Destination {
    pub(crate) key: DestinationKey,
    slots: Mutex<Vec<(SpiffeId, Alpn, Arc<Slot>)>>,
}

/// The tunnel from one source to one destination, and its replacement while there is one.
#[derive(Debug, Default)]
struct Slot {
    state: Mutex<SlotState>,
}

#[derive(Debug, Default)]
struct SlotState {
    current: Option<Arc<Live>>,
    former: Vec<Arc<Live>>,
    dialing: Option<watch::Receiver<Option<Dialed>>>,
    /// Since when every dial has failed.
    dark_since: Option<Instant>,
}

/// How one round of dialing ended.
type Dialed = Result<Arc<Live>, Arc<NoTunnel>>;

/// Why there is no tunnel.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoTunnel {
    /// The source has no SVID.
    #[error("{0} has no valid SVID here")]
    NoSvid(SpiffeId),
    /// The View names no way there.
    #[error("there is no route to {0}")]
    NoRoute(String),
    /// Nobody answered, or not the right one.
    #[error("{0}")]
    Failed(String),
    /// Somebody is there and wants nothing from us.
    #[error("{0}")]
    Refused(String),
    /// Nobody has answered for long; dialing goes on, and no request waits for it.
    #[error("nobody has answered for {} s", .0.as_secs())]
    Dark(Duration),
    /// The request's time ran out while others dialed.
    #[error("no tunnel in time")]
    TooLate,
}

/// All tunnels out of this node.
#[derive(Debug)]
pub(crate) struct Pool {
    endpoint: tunnel::Endpoint,
    trust: Trust,
    revocation: Revocation,
    credentials: Arc<Credentials>,
    encoding: Alpn,
    destinations: Mutex<HashMap<DestinationKey, Arc<Destination>>>,
}

/// How long one round of dialing may take, all attempts together.
const ROUND: Duration = Duration::from_secs(3);
/// After so long without an answer, requests no longer wait for the dial that goes on.
const DARK: Duration = Duration::from_secs(8);

impl Pool {
    pub(crate) fn new(
        endpoint: tunnel::Endpoint,
        trust: Trust,
        credentials: Arc<Credentials>,
        encoding: Alpn,
    ) -> Self {
        Self {
            endpoint,
            revocation: Revocation::new(Arc::clone(&trust)),
            trust,
            credentials,
            encoding,
            destinations: Mutex::default(),
        }
    }

    /// What carries requests and UDP sessions. TCP connections and upgrades go by `weft/1` in any case: HTTP/3 as we have it carries
    /// neither.
    pub(crate) const fn encoding(&self) -> Alpn {
        self.encoding
    }

    /// The destination of a key: always the same one.
    pub(crate) fn destination(&self, key: DestinationKey) -> Arc<Destination> {
        let mut destinations = self.destinations.lock();
        Arc::clone(destinations.entry(key).or_insert_with_key(|key| {
            Arc::new(Destination {
                key: key.clone(),
                slots: Mutex::default(),
            })
        }))
    }

    /// A tunnel from `source` to `endpoint`: the warm one, or what one dial for all who wait brings.
    pub(crate) async fn tunnel_to(
        self: &Arc<Self>,
        source: &SpiffeId,
        endpoint: &Endpoint,
        directory: &Arc<Directory>,
        alpn: Alpn,
        deadline: Instant,
    ) -> Result<InUse, Arc<NoTunnel>> {
        let slot = endpoint.state.destination.slot(source, alpn);
        let mut dialing = match self.warm_or_dialing(&slot, source, endpoint, directory, alpn) {
            Ok(live) => return Ok(live),
            Err(dialing) => dialing,
        };
        if let Some(dark) = slot.dark_for() {
            return Err(Arc::new(NoTunnel::Dark(dark)));
        }
        loop {
            if let Some(dialed) = dialing.borrow_and_update().clone() {
                return dialed.map(Live::use_it);
            }
            match timeout_at(deadline, dialing.changed()).await {
                Ok(Ok(())) => {}
                // The dialing task is gone: it panicked, and that is counted elsewhere.
                Ok(Err(_)) => {
                    return Err(Arc::new(NoTunnel::Failed(
                        "the dial was broken off".to_owned(),
                    )));
                }
                Err(_) => return Err(Arc::new(NoTunnel::TooLate)),
            }
        }
    }

    /// The warm tunnel, or the dial under way; begins one when there is neither, and a successor's at half life.
    fn warm_or_dialing(
        self: &Arc<Self>,
        slot: &Arc<Slot>,
        source: &SpiffeId,
        endpoint: &Endpoint,
        directory: &Arc<Directory>,
        alpn: Alpn,
    ) -> Result<InUse, watch::Receiver<Option<Dialed>>> {
        let mut state = slot.state.lock();
        let warm = state
            .current
            .as_ref()
            .filter(|live| live.takes_work())
            .cloned();
        match (warm, &state.dialing) {
            (Some(live), dialing) => {
                if dialing.is_none() && live.wants_successor() {
                    state.dialing = Some(self.begin(slot, source, endpoint, directory, alpn));
                }
                Ok(live.use_it())
            }
            (None, Some(dialing)) => Err(dialing.clone()),
            (None, None) => {
                let dialing = self.begin(slot, source, endpoint, directory, alpn);
                state.dialing = Some(dialing.clone());
                Err(dialing)
            }
        }
    }

    /// Dials in a task of its own, which outlives whoever asked first: others wait for it too.
    fn begin(
        self: &Arc<Self>,
        slot: &Arc<Slot>,
        source: &SpiffeId,
        endpoint: &Endpoint,
        directory: &Arc<Directory>,
        alpn: Alpn,
    ) -> watch::Receiver<Option<Dialed>> {
        let (tell, dialing) = watch::channel(None);
        let plan = dialing::DialPlan {
            source: source.clone(),
            facts: endpoint.facts.clone(),
            cluster: Arc::clone(&endpoint.cluster),
            directory: Arc::clone(directory),
            alpn,
        };
        let (pool, slot) = (Arc::clone(self), Arc::clone(slot));
        tokio::spawn(async move {
            let dialed = plan
                .dial(&pool, Instant::now() + ROUND)
                .await
                .map_err(Arc::new);
            slot.settle(&dialed);
            // P-8: trust may have gone while it was dialed, and then the sweep had nothing to close yet.
            if let Ok(live) = &dialed
                && !pool.revocation.about_one().trusts(live.tunnel.remote())
            {
                live.tunnel.close(tunnel::CloseCode::Refused);
            }
            tell.send_replace(Some(dialed));
        });
        dialing
    }

    /// What the controller is to know of the tunnels to each peer.
    pub(crate) fn peer_tunnels(&self) -> Vec<v1::PeerTunnels> {
        let mut peers: std::collections::BTreeMap<String, (u32, Duration)> =
            std::collections::BTreeMap::new();
        for destination in self.all() {
            let Some(peer) = &destination.key.peer else {
                continue;
            };
            for live in destination.live() {
                let (count, rtt) = peers.entry(peer.to_string()).or_insert((0, Duration::MAX));
                *count += 1;
                *rtt = (*rtt).min(live.tunnel.stats().rtt);
            }
        }
        let peers = peers.into_iter();
        peers
            .map(|(peer, (tunnels, rtt))| v1::PeerTunnels {
                peer,
                tunnels,
                rtt_micros: rtt.as_micros().try_into().unwrap_or(u64::MAX),
            })
            .collect()
    }

    fn all(&self) -> Vec<Arc<Destination>> {
        self.destinations.lock().values().cloned().collect()
    }
}

impl Destination {
    fn slot(&self, source: &SpiffeId, alpn: Alpn) -> Arc<Slot> {
        let mut slots = self.slots.lock();
        if let Some((_, _, slot)) = slots.iter().find(|(id, by, _)| id == source && *by == alpn) {
            return Arc::clone(slot);
        }
        let slot = Arc::new(Slot::default());
        slots.push((source.clone(), alpn, Arc::clone(&slot)));
        slot
    }

    /// Every open tunnel there.
    fn live(&self) -> Vec<Arc<Live>> {
        self.slots
            .lock()
            .iter()
            .flat_map(|(_, _, slot)| {
                let state = slot.state.lock();
                state
                    .current
                    .iter()
                    .chain(&state.former)
                    .filter(|live| !live.tunnel.is_closed())
                    .cloned()
                    .collect::<Vec<_>>()
            })
            .collect()
    }
}

impl Slot {
    /// For how long nobody has answered, once that is long.
    fn dark_for(&self) -> Option<Duration> {
        let since = self.state.lock().dark_since?;
        Some(since.elapsed()).filter(|dark| *dark > DARK)
    }

    /// Takes the outcome of a dial: a new tunnel takes the place of the former, which drains.
    fn settle(&self, dialed: &Dialed) {
        let mut state = self.state.lock();
        state.dialing = None;
        state.dark_since = match dialed {
            Ok(_) => None,
            Err(_) => state.dark_since.or(Some(Instant::now())),
        };
        if let Ok(live) = dialed
            && let Some(former) = state.current.replace(Arc::clone(live))
            && !former.tunnel.is_closed()
        {
            former.retire();
            state.former.push(former);
        }
    }
}
