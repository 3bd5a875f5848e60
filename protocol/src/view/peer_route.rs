//! How to reach a peer's nodes.

use serde::{Deserialize, Serialize};

use crate::{
    cid::Capability,
    name::{ClusterName, HostPort, TrustDomain},
};

/// A peer's gateways and what opens their door.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerRoute {
    /// The peer.
    pub peer: ClusterName,
    /// Its trust domain.
    pub trust_domain: TrustDomain,
    /// Its gateways' UDP addresses.
    pub gateways: Vec<HostPort>,
    /// Makes route tokens that they let in.
    pub capability: Capability,
}
