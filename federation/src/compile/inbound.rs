//! What runs on each node: workloads, the names that callers ask for them by, and who may call.

use std::collections::BTreeMap;

use protocol::authorization::Policy;
use protocol::name::{Label, ServiceName, TrustDomain};
use protocol::resource::{Resource, Workload as Declared};
use protocol::view::{ServerName, ServicePort, Workload};

use super::outbound;
use super::server_name::ServerNames;
use crate::state::State;

/// By node.
#[derive(Default)]
pub(super) struct Inbound {
    pub(super) workloads: BTreeMap<Label, Vec<Workload>>,
    pub(super) server_names: BTreeMap<Label, Vec<ServerName>>,
}

pub(super) fn compile(state: &State, own: &TrustDomain, names: &ServerNames) -> Inbound {
    let mut inbound = Inbound::default();
    for declared in outbound::workloads(state) {
        let workload = workload(state, declared);
        for serves in &workload.serves {
            let server_names = inbound
                .server_names
                .entry(declared.node.clone())
                .or_default();
            for answered in answered(state, own, names, &workload, &serves.service) {
                // Workloads of one service account on one node share their names.
                if !server_names.contains(&answered) {
                    server_names.push(answered);
                }
            }
        }
        inbound
            .workloads
            .entry(declared.node.clone())
            .or_default()
            .push(workload);
    }
    inbound
}

/// The workload as its node needs it; services that nobody declared have no protocol and aren't served.
fn workload(state: &State, declared: &Declared) -> Workload {
    let serves = declared.serves.iter().filter_map(|serves| {
        let service = outbound::declared(state, &serves.service)?;
        Some(ServicePort {
            service: serves.service.clone(),
            port: serves.port,
            protocol: service.protocol,
        })
    });
    Workload {
        namespace: declared.metadata.namespace.clone(),
        name: declared.metadata.name.clone(),
        service_account: declared.service_account.clone(),
        serves: serves.collect(),
        health: declared.health.clone(),
        listeners: declared.listeners.clone(),
        proxy_port: declared.proxy_port,
        uses: Vec::new(),
    }
}

/// Names for callers of this cluster, and of each peer that the service is exported to: for nobody else is there a name (P-16).
fn answered(
    state: &State,
    own: &TrustDomain,
    names: &ServerNames,
    workload: &Workload,
    service: &ServiceName,
) -> Vec<ServerName> {
    let id = workload.spiffe_id(own);
    let peers = state
        .peers
        .iter()
        .filter(|(cluster, _)| outbound::is_exported(state, service, cluster));
    let callers = std::iter::once(own).chain(peers.map(|(_, peer)| &peer.trust_domain));
    let of_callers = |trust_domain: &TrustDomain| {
        names
            .answered(service, &id, trust_domain)
            .map(|name| ServerName {
                name,
                service: service.clone(),
                spiffe_id: id.clone(),
                trust_domain: trust_domain.clone(),
            })
    };
    callers.flat_map(of_callers).collect()
}

/// All policies, their peers resolved to trust domains. A peer that is gone is nobody, never anybody (P-12).
pub(super) fn policies(state: &State, own: &TrustDomain) -> Vec<Policy> {
    let written = state
        .resources
        .values()
        .filter_map(|stored| match &stored.resource {
            Resource::AuthorizationPolicy(policy) => Some(policy),
            _ => None,
        });
    let trust_domain_of = |peer: &_| state.peers.get(peer).map(|peer| peer.trust_domain.clone());
    written
        .map(|policy| policy.resolve(own, trust_domain_of))
        .collect()
}
