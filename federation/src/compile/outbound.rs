//! What can be called: services with their endpoints, ours and imported, and in which order their places are tried.

use std::collections::{BTreeMap, BTreeSet};

use protocol::name::{ClusterName, ServiceName, SpiffeId, TrustDomain};
use protocol::resource::{Kind, Resource, Service as Declared, Workload, defaults};
use protocol::view::{Endpoint, Export, Failover, Service};

use super::Health;
use super::server_name::ServerNames;
use crate::state::{HostKey, ResourceKey, State};

/// Who serves what, and which policy is for what: found once, looked up for each service.
pub(super) struct Declarations<'a> {
    serving: BTreeMap<&'a ServiceName, Vec<&'a Workload>>,
    /// Of several policies for a service the first by name.
    failover: BTreeMap<&'a ServiceName, &'a Failover>,
}

impl<'a> Declarations<'a> {
    pub(super) fn of(state: &'a State) -> Self {
        let (mut serving, mut failover) = (BTreeMap::<_, Vec<_>>::new(), BTreeMap::new());
        for workload in workloads(state) {
            for serves in &workload.serves {
                serving.entry(&serves.service).or_default().push(workload);
            }
        }
        for stored in state.resources.values() {
            let Resource::FailoverPolicy(policy) = &stored.resource else {
                continue;
            };
            for target in &policy.targets {
                failover.entry(target).or_insert(&policy.failover);
            }
        }
        Self { serving, failover }
    }

    fn failover(&self, service: &ServiceName) -> Failover {
        self.failover
            .get(service)
            .map(|failover| Failover::clone(failover))
            .unwrap_or_default()
    }
}

/// What compiling endpoints needs to know.
pub(super) struct Outbound<'a> {
    pub(super) state: &'a State,
    pub(super) health: &'a Health,
    pub(super) own: &'a TrustDomain,
    pub(super) names: &'a ServerNames,
    pub(super) declarations: Declarations<'a>,
}

impl Outbound<'_> {
    /// The services of this cluster, and those that only peers have.
    pub(super) fn services(&self) -> BTreeMap<ServiceName, Service> {
        let mut services = BTreeMap::new();
        for declared in all_declared(self.state) {
            let name = declared.service_name();
            let service = Service {
                protocol: declared.protocol,
                idempotent: declared.idempotent.clone(),
                endpoints: self.local_endpoints(&name, self.own),
                failover: self.declarations.failover(&name),
                name: name.clone(),
            };
            services.insert(name, service);
        }
        let own: BTreeSet<ServiceName> = services.keys().cloned().collect();
        for (peer, imports) in &self.state.imports {
            for import in &imports.services {
                let is_own = own.contains(&import.service);
                self.add_import(&mut services, peer, import, is_own);
            }
        }
        services
    }

    /// A peer adds endpoints under its own name; what a local service is stays what it is (P-17). One that speaks another protocol is left
    /// out, and where only peers have the service, a repeat does no harm only if all of them say so.
    fn add_import(
        &self,
        services: &mut BTreeMap<ServiceName, Service>,
        peer: &ClusterName,
        import: &Export,
        is_own: bool,
    ) {
        let service = services
            .entry(import.service.clone())
            .or_insert_with(|| Service {
                name: import.service.clone(),
                protocol: import.protocol,
                idempotent: import.idempotent.clone(),
                endpoints: Vec::new(),
                failover: self.declarations.failover(&import.service),
            });
        if !service.protocol.agrees_with(import.protocol) {
            return;
        }
        if !is_own {
            let theirs: BTreeSet<_> = import.idempotent.iter().collect();
            service.idempotent.retain(|path| theirs.contains(path));
        }
        let abroad = |endpoint: &Endpoint| Endpoint {
            peer: Some(peer.clone()),
            address: None,
            ..endpoint.clone()
        };
        service
            .endpoints
            .extend(import.endpoints.iter().map(abroad));
    }

    /// What each peer sees: exported services with their local endpoints, under names for that peer's callers.
    pub(super) fn exports(&self) -> BTreeMap<ClusterName, Vec<Export>> {
        let seen_by = |peer: &ClusterName, callers: &TrustDomain| {
            let seen = all_declared(self.state)
                .filter(|declared| is_exported(self.state, &declared.service_name(), peer));
            let export = |declared: &Declared| {
                let service = declared.service_name();
                let endpoints = self.local_endpoints(&service, callers);
                Export {
                    protocol: declared.protocol,
                    idempotent: declared.idempotent.clone(),
                    endpoints,
                    service,
                }
            };
            seen.map(export).collect()
        };
        self.state
            .peers
            .iter()
            .map(|(cluster, peer)| (cluster.clone(), seen_by(cluster, &peer.trust_domain)))
            .collect()
    }

    /// The workloads that serve it, on nodes that joined, as callers of a trust domain find them. An unhealthy one is listed as such.
    fn local_endpoints(&self, service: &ServiceName, callers: &TrustDomain) -> Vec<Endpoint> {
        let serving = self
            .declarations
            .serving
            .get(service)
            .map_or(&[][..], Vec::as_slice);
        serving
            .iter()
            .filter_map(|workload| self.local_endpoint(service, workload, callers))
            .collect()
    }

    fn local_endpoint(
        &self,
        service: &ServiceName,
        workload: &Workload,
        callers: &TrustDomain,
    ) -> Option<Endpoint> {
        let node = self
            .state
            .hosts
            .get(&HostKey::node(workload.node.clone()))?;
        let (namespace, name) = (&workload.metadata.namespace, &workload.metadata.name);
        let spiffe_id = SpiffeId::workload(self.own, namespace, &workload.service_account);
        Some(Endpoint {
            peer: None,
            handle: node.handle,
            address: Some(node.address.clone()),
            server_name: self.names.given(service, &spiffe_id, callers),
            spiffe_id,
            locality: node.locality.clone(),
            weight: defaults::WEIGHT,
            healthy: self.health.is_healthy(&workload.node, namespace, name),
            workload: name.clone(),
        })
    }
}

/// Whether this peer sees the service.
pub(super) fn is_exported(state: &State, service: &ServiceName, peer: &ClusterName) -> bool {
    let key = ResourceKey {
        kind: Kind::ServiceExport,
        namespace: service.namespace.clone(),
        name: service.name.clone(),
    };
    match state.resources.get(&key).map(|stored| &stored.resource) {
        Some(Resource::ServiceExport(export)) => export.to.includes(peer),
        _ => false,
    }
}

/// The service of that name, if it was declared.
pub(super) fn declared<'a>(state: &'a State, service: &ServiceName) -> Option<&'a Declared> {
    let key = ResourceKey {
        kind: Kind::Service,
        namespace: service.namespace.clone(),
        name: service.name.clone(),
    };
    match state.resources.get(&key).map(|stored| &stored.resource) {
        Some(Resource::Service(declared)) => Some(declared),
        _ => None,
    }
}

fn all_declared(state: &State) -> impl Iterator<Item = &Declared> {
    state
        .resources
        .values()
        .filter_map(|stored| match &stored.resource {
            Resource::Service(declared) => Some(declared),
            _ => None,
        })
}

/// All workloads.
pub(super) fn workloads(state: &State) -> impl Iterator<Item = &Workload> {
    state
        .resources
        .values()
        .filter_map(|stored| match &stored.resource {
            Resource::Workload(workload) => Some(workload),
            _ => None,
        })
}
