//! State + health + the hour → what each host is told. Pure: the same in gives the same out.
//!
//! What all hosts share is compiled once into a [`Compiled`]; [`Compiled::view_for`] picks one host's part out of it. Nodes get
//! everything that can be called from them and what concerns the workloads they run; gateways get the routing parts only.

mod health;
mod inbound;
mod outbound;
mod references;
mod server_name;
mod version;

use std::collections::BTreeMap;

use identity::{Bundle, Bundles};
use protocol::authorization::Policy;
use protocol::cid::{AllowedSelector, Capability, Handle, RoutingKeys};
use protocol::name::{ClusterName, HostPort, Label, ServiceName, TrustDomain};
use protocol::view::{BundleData, Export, PeerRoute, ServerName, Service, View, Workload};

pub(crate) use health::{Health, NodeHealth};
pub(crate) use references::warnings;
pub(crate) use version::{STEP_BITS, state_version};

use crate::state::{HostKey, HostRole, State, UnixSeconds, WITHOUT_END};
use outbound::{Declarations, Outbound};
use server_name::ServerNames;

/// All that hosts and peers are told, at one version.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Compiled {
    version: u64,
    state_version: u64,
    cluster: ClusterName,
    trust_domain: TrustDomain,
    routing_keys: RoutingKeys,
    local: Capability,
    selectors: Vec<AllowedSelector>,
    hosts: BTreeMap<HostKey, (Handle, HostPort)>,
    /// One's own first.
    bundles: Vec<BundleData>,
    peers: BTreeMap<ClusterName, PeerRoute>,
    pub(crate) services: BTreeMap<ServiceName, Service>,
    /// By node.
    workloads: BTreeMap<Label, Vec<Workload>>,
    /// By node.
    server_names: BTreeMap<Label, Vec<ServerName>>,
    policies: Vec<Policy>,
    /// What each peer sees.
    pub(crate) exports: BTreeMap<ClusterName, Vec<Export>>,
}

/// Compiles a state; none before the cluster is founded.
pub(crate) fn compile(
    state: &State,
    health: &Health,
    now: UnixSeconds,
    version: u64,
) -> Option<Compiled> {
    let founding = state.founding.as_ref()?;
    let routing_keys = state.routing_keys.clone()?;
    let names = ServerNames::new(founding.name_key.expose(), now);
    let outbound = Outbound {
        state,
        health,
        own: &founding.trust_domain,
        names: &names,
        declarations: Declarations::of(state),
    };
    let inbound = inbound::compile(state, &founding.trust_domain, &names);
    Some(Compiled {
        version,
        state_version: state.version,
        cluster: founding.cluster.clone(),
        trust_domain: founding.trust_domain.clone(),
        local: routing_keys.capability(founding.local_selector, WITHOUT_END),
        routing_keys,
        selectors: state
            .selectors
            .values()
            .filter(|allowed| now <= allowed.not_after)
            .cloned()
            .collect(),
        hosts: state
            .hosts
            .iter()
            .map(|(key, host)| (key.clone(), (host.handle, host.address.clone())))
            .collect(),
        bundles: bundles(state, &founding.trust_domain),
        peers: state
            .peers
            .iter()
            .map(|(cluster, peer)| (cluster.clone(), peer.route(cluster)))
            .collect(),
        services: outbound.services(),
        workloads: inbound.workloads,
        server_names: inbound.server_names,
        policies: inbound::policies(state, &founding.trust_domain),
        exports: outbound.exports(),
    })
}

fn bundles(state: &State, own: &TrustDomain) -> Vec<BundleData> {
    let data = state
        .bundles
        .iter()
        .map(|(trust_domain, record)| BundleData {
            trust_domain: trust_domain.clone(),
            sequence: record.sequence,
            roots: record.roots.iter().map(|root| root.0.clone()).collect(),
            valid_until: record.valid_until,
        });
    let (mut bundles, others): (Vec<_>, Vec<_>) =
        data.partition(|bundle| &bundle.trust_domain == own);
    bundles.extend(others);
    bundles
}

impl Compiled {
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn set_version(&mut self, version: u64) {
        debug_assert!(
            state_version(version) == self.state_version,
            "a View's version is its state's"
        );
        self.version = version;
    }

    pub(crate) fn state_version(&self) -> u64 {
        self.state_version
    }

    /// The cluster's own bundle.
    pub(crate) fn own_bundle(&self) -> Option<&BundleData> {
        self.bundles
            .iter()
            .find(|bundle| bundle.trust_domain == self.trust_domain)
    }

    /// What the controller itself trusts. Leases are for nodes out of touch with it (P-8): it takes a peer's bundle away itself, and must
    /// know the peer again when that comes back after any time.
    pub(crate) fn bundles(&self) -> Bundles {
        self.bundles.iter().map(without_lease).collect()
    }

    /// One host's View; none if it is no host of this cluster.
    pub(crate) fn view_for(&self, host: &HostKey) -> Option<View> {
        self.hosts.get(host)?;
        match host.role {
            HostRole::Node => Some(self.node_view(&host.name)),
            HostRole::Gateway => Some(self.gateway_view()),
            HostRole::Controller => None,
        }
    }

    fn node_view(&self, node: &Label) -> View {
        let workloads = self.workloads.get(node).cloned().unwrap_or_default();
        let served = |service: &ServiceName| {
            workloads
                .iter()
                .any(|workload| workload.port_of(service).is_some())
        };
        let policies = self
            .policies
            .iter()
            .filter(|policy| policy.targets.iter().any(served))
            .cloned()
            .collect();
        View {
            policies,
            server_names: self.server_names.get(node).cloned().unwrap_or_default(),
            workloads,
            bundles: self.bundles.clone(),
            peers: self.peers.clone(),
            services: self.services.clone(),
            // Who is only joining has business with the controller, behind gateways.
            selectors: self
                .selectors
                .iter()
                .filter(|allowed| allowed.only_handle.is_none())
                .cloned()
                .collect(),
            handles: self.handles(|key| key.role == HostRole::Controller),
            ..self.gateway_view()
        }
    }

    /// The routing parts, and what a gateway needs to know its own controller.
    fn gateway_view(&self) -> View {
        View {
            version: self.version,
            cluster: self.cluster.clone(),
            trust_domain: self.trust_domain.clone(),
            routing_keys: self.routing_keys.clone(),
            selectors: self.selectors.clone(),
            handles: self.handles(|_| true),
            bundles: self.own_bundle().cloned().into_iter().collect(),
            workloads: Vec::new(),
            server_names: Vec::new(),
            policies: Vec::new(),
            local: self.local.clone(),
            peers: BTreeMap::new(),
            services: BTreeMap::new(),
        }
    }

    fn handles(&self, which: impl Fn(&HostKey) -> bool) -> BTreeMap<Handle, HostPort> {
        let hosts = self.hosts.iter().filter(|(key, _)| which(key));
        hosts
            .map(|(_, (handle, address))| (*handle, address.clone()))
            .collect()
    }
}

fn without_lease(data: &BundleData) -> Bundle {
    Bundle {
        trust_domain: data.trust_domain.clone(),
        sequence: data.sequence,
        roots: data.roots.iter().map(|root| root.clone().into()).collect(),
        valid_until: None,
    }
}

#[cfg(test)]
mod tests;
