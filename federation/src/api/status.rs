//! The whole picture for `weft status`.

use std::collections::BTreeMap;

use protocol::cid::Handle;
use protocol::wire::v1;

use super::peers;
use crate::compile::state_version;
use crate::controller::Parts;
use crate::push::Presence;
use crate::state::{Host, HostKey, HostRole, State};

/// All that is known at this moment.
pub(super) fn status(parts: &Parts) -> v1::StatusReply {
    let state = parts.state();
    let presences = parts.roster.presences();
    v1::StatusReply {
        cluster: parts.cluster().to_string(),
        trust_domain: parts.trust_domain().to_string(),
        version: state.version,
        root_expires_at: peers::unix(parts.authority.root().not_after()),
        controllers: controllers(parts, &state),
        hosts: hosts(&state, &presences),
        peers: peers::list(parts),
        failovers: failovers(parts, &presences),
        endpoints: endpoints(parts, &state),
    }
}

fn controllers(parts: &Parts, state: &State) -> Vec<v1::ControllerStatus> {
    let replicas = state
        .hosts
        .keys()
        .filter(|host| host.role == HostRole::Controller);
    let status = |host: &HostKey| v1::ControllerStatus {
        name: host.name.to_string(),
        // The replica that answers has led since it started: with one voter there is no other.
        leader: host.name == parts.settings.name,
    };
    replicas.map(status).collect()
}

fn hosts(state: &State, presences: &BTreeMap<HostKey, Presence>) -> Vec<v1::HostStatus> {
    let hosts = state
        .hosts
        .iter()
        .filter(|(key, _)| key.role != HostRole::Controller);
    hosts
        .map(|(key, host)| host_status(state.version, key, host, presences.get(key)))
        .collect()
}

fn host_status(
    version: u64,
    key: &HostKey,
    host: &Host,
    presence: Option<&Presence>,
) -> v1::HostStatus {
    v1::HostStatus {
        name: key.name.to_string(),
        role: key.role.to_string(),
        state: condition(version, presence).to_owned(),
        version: presence.map_or(0, |presence| state_version(presence.acknowledged)),
        address: host.address.to_string(),
        rejected: presence
            .map(|presence| presence.rejected.clone())
            .unwrap_or_default(),
        handle: host.handle.into(),
        software: presence
            .map(|presence| presence.software.clone())
            .unwrap_or_default(),
    }
}

/// One word: in sync, on the way there, refusing its View, lost, or not heard of since this controller started.
fn condition(version: u64, presence: Option<&Presence>) -> &'static str {
    match presence {
        None => "PENDING",
        Some(presence) if !presence.in_touch => "UNREACHABLE",
        Some(presence) if !presence.rejected.is_empty() => "DEGRADED",
        Some(presence) if state_version(presence.acknowledged) < version => "PENDING",
        Some(_) => "READY",
    }
}

fn failovers(parts: &Parts, presences: &BTreeMap<HostKey, Presence>) -> Vec<v1::FailoverStatus> {
    let compiled = parts.compiled.borrow().clone();
    let spill_max = |service: &str| {
        let name = service.parse().ok()?;
        compiled
            .services
            .get(&name)
            .map(|service| service.failover.spill_max.number())
    };
    let reports = presences.iter().filter(|(_, presence)| presence.in_touch);
    let of_host = |(host, presence): (&HostKey, &Presence)| {
        let status = |failover: &v1::FailoverState| v1::FailoverStatus {
            service: failover.service.clone(),
            node: host.name.to_string(),
            place: failover.place.clone(),
            share_away: failover.share_away,
            spill_max_percent: spill_max(&failover.service).unwrap_or(100),
        };
        presence.failovers.iter().map(status).collect::<Vec<_>>()
    };
    reports.flat_map(of_host).collect()
}

fn endpoints(parts: &Parts, state: &State) -> Vec<v1::EndpointStatus> {
    let nodes: BTreeMap<Handle, &HostKey> = state
        .hosts
        .iter()
        .map(|(key, host)| (host.handle, key))
        .collect();
    let compiled = parts.compiled.borrow().clone();
    let mut endpoints = Vec::new();
    for service in compiled.services.values() {
        for endpoint in &service.endpoints {
            let node = nodes
                .get(&endpoint.handle)
                .filter(|_| endpoint.peer.is_none());
            endpoints.push(v1::EndpointStatus {
                service: service.name.to_string(),
                workload: endpoint.workload.to_string(),
                node: node.map(|key| key.name.to_string()).unwrap_or_default(),
                peer: endpoint
                    .peer
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default(),
                healthy: endpoint.healthy,
            });
        }
    }
    endpoints
}
