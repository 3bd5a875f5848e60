//! Which hosts are in touch, what each has acknowledged, and how its workloads are. In memory only: it is gone with the process.
//!
//! ```text
//!   enter ──> in touch ──heard──> in touch ──15 s of silence──> lost ──enter──> in touch
//! ```

use std::collections::BTreeMap;
use std::time::Duration;

use parking_lot::Mutex;
use protocol::name::Label;
use protocol::wire::v1;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::compile::{Health, NodeHealth};
use crate::metrics;
use crate::state::{HostKey, HostRole};

/// Silence after which a host is lost.
pub(crate) const LOST_AFTER: Duration = Duration::from_secs(15);

/// What is known of one host since it was last heard.
#[derive(Debug, Clone)]
pub(crate) struct Presence {
    /// Which of its streams is the newest; what comes on an older one is not heard.
    session: u64,
    /// Cancelled when a newer stream takes this one's place.
    replaced: CancellationToken,
    pub(crate) last_heard: Instant,
    pub(crate) in_touch: bool,
    /// The newest View that it applied.
    pub(crate) acknowledged: u64,
    /// Why it refused a newer one.
    pub(crate) rejected: String,
    pub(crate) software: String,
    health: Option<BTreeMap<(Label, Label), bool>>,
    pub(crate) tunnels: Vec<v1::PeerTunnels>,
    pub(crate) failovers: Vec<v1::FailoverState>,
}

/// All hosts that were ever heard of.
#[derive(Debug)]
pub(crate) struct Roster {
    hosts: Mutex<BTreeMap<HostKey, Presence>>,
    presume_until: Instant,
    health: watch::Sender<u64>,
    progress: watch::Sender<u64>,
}

impl Roster {
    /// Begins with nobody.
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            hosts: Mutex::default(),
            presume_until: now + LOST_AFTER,
            health: watch::channel(0).0,
            progress: watch::channel(0).0,
        }
    }

    /// A host begins to follow; returns the number of its stream.
    pub(crate) fn enter(&self, host: &HostKey, software: String, now: Instant) -> u64 {
        let mut hosts = self.hosts.lock();
        let known = hosts.get(host);
        let session = known.map_or(1, |presence| presence.session + 1);
        if let Some(older) = known {
            older.replaced.cancel();
        }
        let presence = Presence {
            session,
            replaced: CancellationToken::new(),
            last_heard: now,
            in_touch: true,
            acknowledged: known.map_or(0, |presence| presence.acknowledged),
            rejected: String::new(),
            software,
            health: known.and_then(|presence| presence.health.clone()),
            tunnels: Vec::new(),
            failovers: Vec::new(),
        };
        hosts.insert(host.clone(), presence);
        drop(hosts);
        self.count();
        self.health.send_modify(|news| *news += 1);
        self.progress.send_modify(|news| *news += 1);
        session
    }

    /// Waits until a newer stream of the host has taken this one's place: of each host one is served.
    pub(crate) async fn replaced(&self, host: &HostKey, session: u64) {
        let newest = self
            .hosts
            .lock()
            .get(host)
            .filter(|presence| presence.session == session)
            .map(|presence| presence.replaced.clone());
        if let Some(replaced) = newest {
            replaced.cancelled().await;
        }
    }

    /// A message came; `note` keeps what is in it. False if the stream isn't the host's newest.
    fn heard(
        &self,
        host: &HostKey,
        session: u64,
        now: Instant,
        note: impl FnOnce(&mut Presence),
    ) -> bool {
        let mut hosts = self.hosts.lock();
        let Some(presence) = hosts
            .get_mut(host)
            .filter(|presence| presence.session == session)
        else {
            return false;
        };
        let returned = !presence.in_touch;
        presence.last_heard = now;
        presence.in_touch = true;
        note(presence);
        drop(hosts);
        if returned {
            self.count();
            self.health.send_modify(|news| *news += 1);
        }
        true
    }

    /// The host applied a View, or refused it.
    pub(crate) fn acknowledge(
        &self,
        host: &HostKey,
        session: u64,
        ack: v1::Acknowledge,
        now: Instant,
    ) -> bool {
        let heard = self.heard(host, session, now, |presence| {
            if ack.rejected.is_empty() {
                presence.acknowledged = ack.version;
            }
            presence.rejected = ack.rejected;
        });
        self.progress.send_modify(|news| *news += 1);
        heard
    }

    /// The host tells the health of all its workloads.
    pub(crate) fn report(
        &self,
        host: &HostKey,
        session: u64,
        health: BTreeMap<(Label, Label), bool>,
        now: Instant,
    ) -> bool {
        let mut changed = false;
        let heard = self.heard(host, session, now, |presence| {
            changed = presence.health.as_ref() != Some(&health);
            presence.health = Some(health);
        });
        if changed {
            self.health.send_modify(|news| *news += 1);
        }
        heard
    }

    /// The host lives.
    pub(crate) fn beat(
        &self,
        host: &HostKey,
        session: u64,
        beat: v1::Heartbeat,
        now: Instant,
    ) -> bool {
        self.heard(host, session, now, |presence| {
            presence.tunnels = beat.tunnels;
            presence.failovers = beat.failovers;
        })
    }

    /// Marks those lost that were silent for too long.
    pub(crate) fn expire(&self, now: Instant) {
        let mut lost = Vec::new();
        for (host, presence) in self.hosts.lock().iter_mut() {
            if presence.in_touch && now.duration_since(presence.last_heard) >= LOST_AFTER {
                presence.in_touch = false;
                presence.health = None;
                lost.push(host.clone());
            }
        }
        for host in &lost {
            tracing::warn!(%host, silent_seconds = LOST_AFTER.as_secs(), "a host is lost");
        }
        if !lost.is_empty() {
            self.count();
            self.progress.send_modify(|news| *news += 1);
        }
        let presumption_ends =
            now >= self.presume_until && now < self.presume_until + Duration::from_secs(2);
        if !lost.is_empty() || presumption_ends {
            self.health.send_modify(|news| *news += 1);
        }
    }

    /// The health of all workloads at this moment.
    pub(crate) fn health(&self, now: Instant) -> Health {
        let hosts = self.hosts.lock();
        let nodes = hosts.iter().filter(|(host, _)| host.role == HostRole::Node);
        let known = nodes.map(|(host, presence)| {
            let health = match &presence.health {
                _ if !presence.in_touch => NodeHealth::Lost,
                None => NodeHealth::Silent,
                Some(workloads) => NodeHealth::Reported(workloads.clone()),
            };
            (host.name.clone(), health)
        });
        Health {
            nodes: known.collect(),
            presume: now < self.presume_until,
        }
    }

    /// What is known of each host.
    pub(crate) fn presences(&self) -> BTreeMap<HostKey, Presence> {
        self.hosts.lock().clone()
    }

    /// Wakes when a workload's health, or who is in touch, may have changed.
    pub(crate) fn watch_health(&self) -> watch::Receiver<u64> {
        self.health.subscribe()
    }

    /// Wakes when a host has acknowledged, come or gone.
    pub(crate) fn watch_progress(&self) -> watch::Receiver<u64> {
        self.progress.subscribe()
    }

    fn count(&self) {
        let hosts = self.hosts.lock();
        for role in [HostRole::Node, HostRole::Gateway] {
            let in_touch = hosts
                .iter()
                .filter(|(host, presence)| host.role == role && presence.in_touch)
                .count();
            metrics::hosts(role.as_str(), in_touch);
        }
    }
}

#[cfg(test)]
mod tests;
