//! One place where a service can be reached.

use serde::{Deserialize, Serialize};

use crate::{
    cid::Handle,
    name::{ClusterName, HostPort, Label, Locality, SpiffeId},
};

/// A workload that serves a service, as its callers see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// The cluster it is in; `None` is this one.
    pub peer: Option<ClusterName>,
    /// Its node.
    pub handle: Handle,
    /// Where its node's UDP port is; a peer's is behind gateways and has none.
    pub address: Option<HostPort>,
    /// What to ask for in the TLS handshake.
    pub server_name: String,
    /// The one identity that is accepted (P-3).
    pub spiffe_id: SpiffeId,
    /// Where it is.
    pub locality: Locality,
    /// Its share among the service's endpoints.
    pub weight: u32,
    /// Whether its node finds it healthy.
    pub healthy: bool,
    /// The workload's name, for logs.
    pub workload: Label,
}
