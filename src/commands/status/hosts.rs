//! Nodes, gateways, and the endpoints that nodes answer for.

use protocol::wire::v1::{EndpointStatus, HostStatus};
use serde_json::{Value, json};

use crate::output::table;

/// The hosts of one role.
pub(super) fn of_role<'a>(hosts: &'a [HostStatus], role: &str) -> Vec<&'a HostStatus> {
    hosts.iter().filter(|host| host.role == role).collect()
}

/// Whether a host has acknowledged what is the newest.
pub(super) fn in_sync(host: &HostStatus, version: u64) -> bool {
    host.state == "READY" && host.version >= version && host.rejected.is_empty()
}

/// What needs looking at on a host.
pub(super) fn warning(host: &HostStatus, version: u64) -> Option<String> {
    let name = format!("{} {}", host.role, host.name);
    if !host.rejected.is_empty() {
        return Some(format!(
            "{name} refused version {version}: {}",
            host.rejected
        ));
    }
    (host.state != "READY").then(|| {
        format!(
            "{name} is {} (it knows version {})",
            host.state, host.version
        )
    })
}

/// The table of `status -o wide`.
pub(super) fn table(hosts: &[HostStatus]) -> String {
    let row = |host: &HostStatus| {
        vec![
            format!("{} {}", host.role, host.name),
            host.state.clone(),
            host.version.to_string(),
            host.handle.to_string(),
            host.address.clone(),
            host.software.clone(),
        ]
    };
    table::columns(
        &["HOST", "STATE", "VERSION", "HANDLE", "ADDRESS", "SOFTWARE"],
        &hosts.iter().map(row).collect::<Vec<_>>(),
    )
}

/// One host as JSON.
pub(super) fn item(host: &HostStatus) -> Value {
    json!({
        "name": host.name, "role": host.role, "state": host.state, "version": host.version, "address": host.address,
        "rejected": host.rejected, "handle": host.handle, "software": host.software,
    })
}

/// The endpoints, where they are, and whether they are healthy.
pub(super) fn endpoints(endpoints: &[EndpointStatus]) -> String {
    let row = |endpoint: &EndpointStatus| {
        let place = if endpoint.peer.is_empty() {
            format!("node {}", endpoint.node)
        } else {
            format!("peer {}", endpoint.peer)
        };
        let health = if endpoint.healthy {
            "healthy"
        } else {
            "UNHEALTHY"
        };
        vec![
            endpoint.service.clone(),
            endpoint.workload.clone(),
            place,
            health.to_owned(),
        ]
    };
    table::columns(
        &["SERVICE", "WORKLOAD", "WHERE", "HEALTH"],
        &endpoints.iter().map(row).collect::<Vec<_>>(),
    )
}

/// One endpoint as JSON.
pub(super) fn endpoint_item(endpoint: &EndpointStatus) -> Value {
    json!({
        "service": endpoint.service, "workload": endpoint.workload, "node": endpoint.node, "peer": endpoint.peer, "healthy": endpoint.healthy,
    })
}
