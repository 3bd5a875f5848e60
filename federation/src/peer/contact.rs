//! How the contact to each peer stands: in memory, from what the link saw. [`Contact::condition`] is pure.

use std::collections::BTreeMap;
use std::time::Duration;

use parking_lot::Mutex;
use protocol::name::ClusterName;
use tokio::time::Instant;

use crate::catalog::lease::{self, Age};
use crate::metrics;

/// The word for a peer in `weft status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PeerState {
    /// A peer, but its first catalog hasn't come.
    Pending,
    /// Its catalog is fresh.
    Ready,
    /// Its catalog is older than its lease and still in use.
    Stale,
    /// Its controller doesn't answer, or refuses this cluster.
    Unreachable,
}

impl PeerState {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Ready => "READY",
            Self::Stale => "STALE",
            Self::Unreachable => "UNREACHABLE",
        }
    }
}

/// The link to a peer's controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LinkState {
    /// Not tried to the end yet.
    Dialing,
    /// Up.
    Up {
        /// Its round-trip time.
        rtt: Duration,
    },
    /// Down, and tried again.
    Down {
        /// Why.
        reason: String,
        /// Whether it was the other side's decision.
        refused: bool,
    },
}

/// What is known of one peer.
#[derive(Debug, Clone)]
pub(crate) struct Contact {
    pub(crate) link: LinkState,
    /// When the last catalog came; before the first: when this controller began to try.
    pub(crate) heard: Instant,
    /// Whether a catalog came since this controller started.
    pub(crate) ever: bool,
    /// How long a catalog holds without news.
    pub(crate) lease: Duration,
}

impl Contact {
    fn new(now: Instant) -> Self {
        Self {
            link: LinkState::Dialing,
            heard: now,
            ever: false,
            lease: lease::DEFAULT,
        }
    }

    /// How old the catalog is.
    pub(crate) fn age(&self, now: Instant) -> Age {
        lease::age(now.saturating_duration_since(self.heard), self.lease)
    }

    /// The peer's state at this moment, and why.
    pub(crate) fn condition(&self, now: Instant) -> (PeerState, String) {
        let reason = match &self.link {
            LinkState::Down { reason, .. } => reason.clone(),
            LinkState::Dialing | LinkState::Up { .. } => String::new(),
        };
        let state = match (&self.link, self.ever, self.age(now)) {
            (LinkState::Down { refused: true, .. }, _, _) => PeerState::Unreachable,
            (_, true, Age::Fresh) => PeerState::Ready,
            (LinkState::Down { .. }, false, _) | (LinkState::Down { .. }, true, Age::Over) => {
                PeerState::Unreachable
            }
            (_, false, _) => PeerState::Pending,
            (_, true, _) => PeerState::Stale,
        };
        let shown = if state == PeerState::Ready {
            String::new()
        } else {
            reason
        };
        (state, shown)
    }
}

/// The contacts to all peers.
#[derive(Debug, Default)]
pub(crate) struct Contacts(Mutex<BTreeMap<ClusterName, Contact>>);

impl Contacts {
    /// What is known of a peer.
    pub(crate) fn of(&self, peer: &ClusterName, now: Instant) -> Contact {
        self.0
            .lock()
            .get(peer)
            .cloned()
            .unwrap_or_else(|| Contact::new(now))
    }

    /// Begins, or goes on, with a peer.
    pub(crate) fn begin(&self, peer: &ClusterName, now: Instant) {
        self.0
            .lock()
            .entry(peer.clone())
            .or_insert_with(|| Contact::new(now));
    }

    /// The link came up.
    pub(crate) fn up(&self, peer: &ClusterName, rtt: Duration, now: Instant) {
        metrics::peer_link(peer.as_str(), true);
        self.0
            .lock()
            .entry(peer.clone())
            .or_insert_with(|| Contact::new(now))
            .link = LinkState::Up { rtt };
    }

    /// The link went down, or didn't come up. That the peer refused this cluster isn't forgotten when it falls silent afterwards.
    pub(crate) fn down(&self, peer: &ClusterName, reason: String, refused: bool, now: Instant) {
        metrics::peer_link(peer.as_str(), false);
        let mut contacts = self.0.lock();
        let contact = contacts
            .entry(peer.clone())
            .or_insert_with(|| Contact::new(now));
        let was_refused = matches!(contact.link, LinkState::Down { refused: true, .. });
        if refused || !was_refused {
            contact.link = LinkState::Down { reason, refused };
        }
    }

    /// A catalog came.
    pub(crate) fn news(&self, peer: &ClusterName, lease: Duration, now: Instant) {
        let mut contacts = self.0.lock();
        let contact = contacts
            .entry(peer.clone())
            .or_insert_with(|| Contact::new(now));
        (contact.heard, contact.ever, contact.lease) = (now, true, lease);
    }

    /// Nothing is known of this cluster any more.
    pub(crate) fn forget(&self, peer: &ClusterName) {
        self.0.lock().remove(peer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer() -> ClusterName {
        ClusterName::parse("west").unwrap_or_else(|error| panic!("{error}"))
    }

    fn down(contacts: &Contacts, refused: bool, now: Instant) {
        contacts.down(&peer(), format!("refused {refused}"), refused, now);
    }

    #[test]
    fn a_peer_goes_through_its_states() {
        let (contacts, start) = (Contacts::default(), Instant::now());
        let state = |after: u64| {
            contacts
                .of(&peer(), start)
                .condition(start + Duration::from_secs(after))
                .0
        };
        contacts.begin(&peer(), start);
        assert_eq!(state(0), PeerState::Pending);
        down(&contacts, false, start);
        assert_eq!(state(1), PeerState::Unreachable, "it never answered");
        contacts.up(&peer(), Duration::from_millis(40), start);
        assert_eq!(state(1), PeerState::Pending, "no catalog yet");
        contacts.news(&peer(), Duration::from_secs(30), start);
        assert_eq!(state(1), PeerState::Ready);
        down(&contacts, false, start);
        assert_eq!(
            state(29),
            PeerState::Ready,
            "a short break doesn't matter within the lease"
        );
        assert_eq!(state(31), PeerState::Stale);
        assert_eq!(state(31 + lease::GRACE.as_secs()), PeerState::Unreachable);
    }

    #[test]
    fn that_a_peer_refused_is_not_forgotten_when_it_falls_silent() {
        let (contacts, now) = (Contacts::default(), Instant::now());
        contacts.news(&peer(), Duration::from_secs(30), now);
        down(&contacts, true, now);
        down(&contacts, false, now);
        assert_eq!(
            contacts.of(&peer(), now).condition(now),
            (PeerState::Unreachable, "refused true".to_owned())
        );
        contacts.up(&peer(), Duration::ZERO, now);
        assert_eq!(contacts.of(&peer(), now).condition(now).0, PeerState::Ready);
    }
}
