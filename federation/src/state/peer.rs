//! Federated clusters, and the bundles of their trust domains (P-1, P-10).

use protocol::cid::{AllowedSelector, Capability, Handle, Selector};
use protocol::name::{ClusterName, HostPort, TrustDomain};
use protocol::resource::{ExportTo, Resource};
use protocol::view::PeerRoute;
use serde::{Deserialize, Serialize};

use super::{Der, Outcome, Refusal, State, UnixSeconds, WITHOUT_END};

/// A federated cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Peer {
    /// Whose identities its callers and endpoints have.
    pub trust_domain: TrustDomain,
    /// Where its gateways are.
    pub gateways: Vec<HostPort>,
    /// What makes route tokens towards it.
    pub capability: Capability,
    /// Its controller's handle.
    pub controller_handle: Handle,
    /// Its selector at our doors.
    pub selector: Selector,
    /// When it became a peer.
    pub since: UnixSeconds,
}

/// The roots of one trust domain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BundleRecord {
    /// Never goes back.
    pub sequence: u64,
    /// None: nobody from there is trusted.
    pub roots: Vec<Der>,
    /// The lease: afterwards nobody from there is trusted; absent for one's own.
    pub valid_until: Option<UnixSeconds>,
}

/// A peer as it is agreed on when two clusters join.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PeerRecord {
    /// Its name.
    pub cluster: ClusterName,
    /// Its other facts.
    pub peer: Peer,
    /// The roots of its trust domain.
    pub bundle: BundleRecord,
}

/// What a peer says of itself on the link.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PeerNews {
    /// Who.
    pub cluster: ClusterName,
    /// Its bundle with the lease that the news renew.
    pub bundle: BundleRecord,
    /// Its gateways.
    pub gateways: Vec<HostPort>,
    /// A capability in place of the one held.
    pub capability: Option<Capability>,
}

impl State {
    /// Adds a peer: its name, trust domain and selector must all be free.
    pub(super) fn put_peer(&mut self, record: PeerRecord) -> Outcome {
        let PeerRecord {
            cluster,
            peer,
            bundle,
        } = record;
        if let Err(refusal) = self.check_peer_is_new(&cluster, &peer.trust_domain) {
            return Outcome::Refused(refusal);
        }
        let allowed = AllowedSelector {
            selector: peer.selector,
            peer: Some(cluster.clone()),
            not_after: WITHOUT_END,
            only_handle: None,
        };
        if let Err(refusal) = self.claim_selector(allowed) {
            return Outcome::Refused(refusal);
        }
        self.bundles.insert(peer.trust_domain.clone(), bundle);
        self.peers.insert(cluster, peer);
        Outcome::Done
    }

    /// Says why a cluster of that name and trust domain can't become a peer.
    pub fn check_peer_is_new(
        &self,
        cluster: &ClusterName,
        trust_domain: &TrustDomain,
    ) -> Result<(), Refusal> {
        if self.cluster() == Some(cluster) || self.trust_domain() == Some(trust_domain) {
            return Err(Refusal::Oneself);
        }
        if self.peers.contains_key(cluster) {
            return Err(Refusal::PeerExists {
                cluster: cluster.clone(),
            });
        }
        if let Some((holder, _)) = self.peer_of(trust_domain) {
            return Err(Refusal::TrustDomainTaken {
                trust_domain: trust_domain.clone(),
                cluster: holder.clone(),
            });
        }
        Ok(())
    }

    /// Takes a peer's news: its bundle never goes back (P-10), and a lease is only made longer.
    pub(super) fn update_peer(&mut self, news: PeerNews) -> Outcome {
        let Some(peer) = self.peers.get_mut(&news.cluster) else {
            return Outcome::Refused(Refusal::UnknownPeer {
                cluster: news.cluster,
            });
        };
        let Some(bundle) = self.bundles.get_mut(&peer.trust_domain) else {
            return Outcome::Refused(Refusal::UnknownPeer {
                cluster: news.cluster,
            });
        };
        if let Err(refusal) = bundle.check_successor(&news.bundle) {
            return Outcome::Refused(refusal);
        }
        let before = (bundle.clone(), peer.clone());
        let valid_until = bundle.valid_until.max(news.bundle.valid_until);
        *bundle = BundleRecord {
            valid_until,
            ..news.bundle
        };
        if !news.gateways.is_empty() {
            peer.gateways = news.gateways;
        }
        if let Some(capability) = news.capability {
            peer.capability = capability;
        }
        if before == (bundle.clone(), peer.clone()) {
            Outcome::Unchanged
        } else {
            Outcome::Done
        }
    }

    /// Forgets a peer with everything that came from it or was given to it.
    pub(super) fn remove_peer(&mut self, cluster: &ClusterName) -> Outcome {
        let Some(peer) = self.peers.remove(cluster) else {
            return Outcome::Refused(Refusal::UnknownPeer {
                cluster: cluster.clone(),
            });
        };
        self.bundles.remove(&peer.trust_domain);
        self.imports.remove(cluster);
        self.selectors
            .retain(|_, record| record.peer.as_ref() != Some(cluster));
        self.forget_invitations(|invitation| &invitation.cluster == cluster);
        self.unexport(cluster);
        Outcome::Done
    }

    /// Takes the name out of what is exported to it, so that whoever gets the name later is shown nothing by that. `*` stays.
    fn unexport(&mut self, cluster: &ClusterName) {
        let version = self.version + 1;
        for stored in self.resources.values_mut() {
            let Resource::ServiceExport(export) = &mut stored.resource else {
                continue;
            };
            let ExportTo::Peers(peers) = &mut export.to else {
                continue;
            };
            if peers.remove(cluster) {
                stored.version = version;
            }
        }
    }
}

impl Peer {
    /// How nodes reach it.
    pub fn route(&self, cluster: &ClusterName) -> PeerRoute {
        PeerRoute {
            peer: cluster.clone(),
            trust_domain: self.trust_domain.clone(),
            gateways: self.gateways.clone(),
            capability: self.capability.clone(),
        }
    }
}

impl BundleRecord {
    /// Refuses a step back, and other roots under the same sequence (P-10).
    pub fn check_successor(&self, next: &Self) -> Result<(), Refusal> {
        if next.sequence < self.sequence
            || (next.sequence == self.sequence && next.roots != self.roots)
        {
            return Err(Refusal::BundleRollback {
                held: self.sequence,
                got: next.sequence,
            });
        }
        Ok(())
    }
}
