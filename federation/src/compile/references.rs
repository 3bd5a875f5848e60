//! Do all the things that resources name exist? What is missing is a warning, since it may come later, in any order.

use std::collections::BTreeMap;

use protocol::name::{ClusterName, ServiceName};
use protocol::resource::{
    AuthorizationPolicy, Caller, ExportTo, FailoverPolicy, Resource, ServiceExport, Workload,
};
use protocol::view::PlaceKind;

use super::outbound;
use crate::state::{HostKey, State};

/// Says what these resources name that isn't there. `state` is as it will be with them.
pub(crate) fn warnings(state: &State, resources: &[Resource]) -> Vec<String> {
    let mut warnings = Vec::new();
    let exported = imported(state);
    for resource in resources {
        let name = resource.name();
        let missing = match resource {
            Resource::Service(_) => Vec::new(),
            Resource::Workload(workload) => of_workload(state, workload),
            Resource::ServiceExport(export) => of_export(state, export),
            Resource::FailoverPolicy(policy) => of_failover(state, policy, &exported),
            Resource::AuthorizationPolicy(policy) => of_authorization(state, policy),
        };
        warnings.extend(missing.into_iter().map(|what| format!("{name}: {what}")));
    }
    warnings
}

fn imported(state: &State) -> BTreeMap<&ServiceName, Vec<&ClusterName>> {
    let mut imported: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (peer, imports) in &state.imports {
        for import in &imports.services {
            imported.entry(&import.service).or_default().push(peer);
        }
    }
    imported
}

fn of_workload(state: &State, workload: &Workload) -> Vec<String> {
    let mut missing = Vec::new();
    if !state
        .hosts
        .contains_key(&HostKey::node(workload.node.clone()))
    {
        missing.push(format!("no node {} has joined this cluster", workload.node));
    }
    for serves in &workload.serves {
        if outbound::declared(state, &serves.service).is_none() {
            missing.push(format!(
                "there is no Service {}, so nobody can call it",
                serves.service
            ));
        }
    }
    missing
}

fn of_export(state: &State, export: &ServiceExport) -> Vec<String> {
    let service = export.service_name();
    let mut missing = Vec::new();
    if outbound::declared(state, &service).is_none() {
        missing.push(format!("there is no Service {service}"));
    }
    match &export.to {
        ExportTo::Peers(peers) if peers.is_empty() => {
            missing.push(
                "it names no peer in the annotation weft.dev/to, so nobody sees the service"
                    .to_owned(),
            );
        }
        ExportTo::Peers(peers) => {
            missing.extend(peers.iter().filter_map(|peer| unknown_peer(state, peer)))
        }
        ExportTo::All => {}
    }
    let covered = |resource: &Resource| matches!(resource, Resource::AuthorizationPolicy(policy) if policy.targets.contains(&service));
    if !state
        .resources
        .values()
        .any(|stored| covered(&stored.resource))
    {
        missing.push(format!(
            "no AuthorizationPolicy covers {service}, so callers of other trust domains are denied"
        ));
    }
    missing
}

fn of_failover(
    state: &State,
    policy: &FailoverPolicy,
    imported: &BTreeMap<&ServiceName, Vec<&ClusterName>>,
) -> Vec<String> {
    let is_known = |service: &&ServiceName| {
        outbound::declared(state, service).is_some() || imported.contains_key(service)
    };
    let services = policy.targets.iter().filter(|service| !is_known(service));
    let mut missing: Vec<String> = services
        .map(|service| format!("there is no Service {service}, here or imported"))
        .collect();
    let kinds = policy
        .failover
        .places
        .iter()
        .flat_map(|place| &place.among)
        .map(|place| &place.kind);
    for kind in kinds {
        if let PlaceKind::Peer(peer) = kind {
            missing.extend(unknown_peer(state, peer));
        }
    }
    missing
}

fn of_authorization(state: &State, policy: &AuthorizationPolicy) -> Vec<String> {
    let services = policy
        .targets
        .iter()
        .filter(|service| outbound::declared(state, service).is_none());
    let mut missing: Vec<String> = services
        .map(|service| format!("there is no Service {service}"))
        .collect();
    for caller in policy.rules.iter().flat_map(|rule| &rule.from) {
        if let Caller::Peer { peer, .. } = caller {
            missing.extend(unknown_peer(state, peer));
        }
    }
    missing
}

fn unknown_peer(state: &State, peer: &ClusterName) -> Option<String> {
    (!state.peers.contains_key(peer)).then(|| format!("there is no peer {peer}"))
}
