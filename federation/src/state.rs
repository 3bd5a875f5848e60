//! All that a cluster knows, as plain maps. [`State::apply`] is the only way in; it has no clock, no I/O and no randomness, so that
//! every replica that applies the same changes holds the same state.

mod apply;
mod bytes;
pub mod change;
mod founding;
mod host;
mod import;
mod invitation;
mod peer;
mod resource;
mod selector;
mod token;

use std::collections::{BTreeMap, BTreeSet};

use protocol::cid::{AllowedSelector, Handle, RoutingKeys, Selector};
use protocol::name::{ClusterName, TrustDomain};
use serde::{Deserialize, Serialize};

pub use bytes::{Der, SecretBytes};
pub use change::{Change, Outcome, Refusal};
pub use founding::Founding;
pub use host::{Host, HostKey, HostRole};
pub use import::Imports;
pub use invitation::Invitation;
pub use peer::{BundleRecord, Peer, PeerRecord};
pub use resource::{Effect, ResourceKey, StoredResource};
pub use selector::WITHOUT_END;
pub use token::Token;

/// Seconds since the Unix epoch, as a proposer's clock said them.
pub type UnixSeconds = u64;

/// What the cluster knows. Empty until [`Change::Found`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Grows by one with each change that altered something.
    pub version: u64,
    /// Who this cluster is; absent before it was founded.
    pub founding: Option<Founding>,
    /// The keys that open and seal connection IDs.
    pub routing_keys: Option<RoutingKeys>,
    /// The selectors that gateways and nodes let in, by number.
    pub selectors: BTreeMap<Selector, AllowedSelector>,
    /// Hosts that joined, by role and name.
    pub hosts: BTreeMap<HostKey, Host>,
    /// Every handle that was ever given out; none is given out twice.
    pub handles: BTreeSet<Handle>,
    /// Join tokens by the hash of their secret.
    pub tokens: BTreeMap<String, Token>,
    /// Invitations by the hash of their secret.
    pub invitations: BTreeMap<String, Invitation>,
    /// Federated clusters.
    pub peers: BTreeMap<ClusterName, Peer>,
    /// One bundle for each trust domain, never pooled (P-1); one's own among them.
    pub bundles: BTreeMap<TrustDomain, BundleRecord>,
    /// What peers export to this cluster.
    pub imports: BTreeMap<ClusterName, Imports>,
    /// Configured objects.
    pub resources: BTreeMap<ResourceKey, StoredResource>,
}

impl State {
    /// The trust domain of this cluster, once it is founded.
    pub fn trust_domain(&self) -> Option<&TrustDomain> {
        self.founding
            .as_ref()
            .map(|founding| &founding.trust_domain)
    }

    /// The name of this cluster, once it is founded.
    pub fn cluster(&self) -> Option<&ClusterName> {
        self.founding.as_ref().map(|founding| &founding.cluster)
    }

    /// The peer of that trust domain.
    pub fn peer_of(&self, trust_domain: &TrustDomain) -> Option<(&ClusterName, &Peer)> {
        self.peers
            .iter()
            .find(|(_, peer)| &peer.trust_domain == trust_domain)
    }
}

#[cfg(test)]
pub(crate) mod tests;
