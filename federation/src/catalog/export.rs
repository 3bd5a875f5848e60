//! What one peer sees of this cluster: the services that are exported to it, and no word of any other (P-16).

use std::time::Duration;

use protocol::name::{ClusterName, HostPort};
use protocol::view::Export;
use protocol::wire::v1;

use super::import::CATALOG_VERSION;
use crate::compile::Compiled;
use crate::state::{State, WITHOUT_END};

/// The services that are exported to this peer, with server names for its callers. Imports are never among them: they have no
/// `ServiceExport`, and only local endpoints are looked at.
pub(crate) fn visible_to(compiled: &Compiled, peer: &ClusterName) -> Vec<Export> {
    compiled.exports.get(peer).cloned().unwrap_or_default()
}

/// The whole catalog for this peer; none if it isn't a peer.
pub(crate) fn catalog_for(
    compiled: &Compiled,
    state: &State,
    peer: &ClusterName,
    gateways: &[HostPort],
    lease: Duration,
) -> Option<v1::Catalog> {
    let record = state.peers.get(peer)?;
    let keys = state.routing_keys.as_ref()?;
    Some(v1::Catalog {
        version: CATALOG_VERSION,
        sequence: compiled.version(),
        lease_millis: u64::try_from(lease.as_millis()).unwrap_or(u64::MAX),
        bundle: compiled.own_bundle().map(v1::Bundle::from),
        gateways: gateways.iter().map(ToString::to_string).collect(),
        capability: Some((&keys.capability(record.selector, WITHOUT_END)).into()),
        exports: visible_to(compiled, peer)
            .iter()
            .map(v1::Export::from)
            .collect(),
    })
}
