//! All that one node or gateway needs to know, compiled by its controller and checked on arrival: parsed once, believed after.
//!
//! A gateway's View has the routing parts only. Messages become Views in [`crate::wire`].

mod bundle_data;
mod endpoint;
mod export;
mod failover;
mod peer_route;
mod protocol;
mod server_name;
mod service;
mod view_error;
mod workload;

use std::collections::BTreeMap;

pub use bundle_data::BundleData;
pub use endpoint::Endpoint;
pub use export::Export;
pub use failover::{Failover, Place, PlaceKind, WeightedPlace};
pub use peer_route::PeerRoute;
pub use protocol::{InvalidProtocol, Protocol};
pub use server_name::ServerName;
pub use service::Service;
pub use view_error::ViewError;
pub use workload::{HealthCheck, Listener, ServicePort, Workload};

use crate::{
    authorization::Policy,
    cid::{AllowedSelector, Capability, Handle, RoutingKeys},
    name::{ClusterName, HostPort, ServiceName, SpiffeId, TrustDomain},
};

/// What one host is told; it is swapped whole.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// Grows with each change.
    pub version: u64,
    /// The cluster that the host belongs to.
    pub cluster: ClusterName,
    /// Its trust domain.
    pub trust_domain: TrustDomain,
    /// What opens and seals connection IDs.
    pub routing_keys: RoutingKeys,
    /// Whose route tokens are let in.
    pub selectors: Vec<AllowedSelector>,
    /// Where the hosts of this cluster are.
    pub handles: BTreeMap<Handle, HostPort>,
    /// One for each trust domain (P-1), the own one among them.
    pub bundles: Vec<BundleData>,
    /// Those that run on this node.
    pub workloads: Vec<Workload>,
    /// The names under which callers ask for them.
    pub server_names: Vec<ServerName>,
    /// Who may call what runs here.
    pub policies: Vec<Policy>,
    /// Makes route tokens inside the cluster.
    pub local: Capability,
    /// How to reach each peer.
    pub peers: BTreeMap<ClusterName, PeerRoute>,
    /// What can be called from here.
    pub services: BTreeMap<ServiceName, Service>,
}

impl View {
    /// Finds a service.
    pub fn service(&self, name: &ServiceName) -> Option<&Service> {
        self.services.get(name)
    }

    /// Finds what a server name stands for.
    pub fn server_name(&self, name: &str) -> Option<&ServerName> {
        self.server_names
            .iter()
            .find(|s| s.name.eq_ignore_ascii_case(name))
    }

    /// Finds the workloads here that have this identity; several may share a service account.
    pub fn workloads_with<'a>(&'a self, id: &'a SpiffeId) -> impl Iterator<Item = &'a Workload> {
        self.workloads
            .iter()
            .filter(move |w| w.spiffe_id(&self.trust_domain) == *id)
    }

    /// Finds the bundle of a trust domain.
    pub fn bundle(&self, trust_domain: &TrustDomain) -> Option<&BundleData> {
        self.bundles
            .iter()
            .find(|b| b.trust_domain == *trust_domain)
    }

    /// Finds the peer whose trust domain this is.
    pub fn peer_of(&self, trust_domain: &TrustDomain) -> Option<&PeerRoute> {
        self.peers
            .values()
            .find(|p| p.trust_domain == *trust_domain)
    }
}
