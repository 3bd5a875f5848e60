//! Who a cluster is: decided at its first start, never changed afterwards.

use protocol::cid::Selector;
use protocol::name::{ClusterName, TrustDomain};
use serde::{Deserialize, Serialize};

use super::SecretBytes;

/// The facts of a cluster's birth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Founding {
    /// Drawn once; a data directory of another incarnation is refused.
    pub incarnation: String,
    /// The cluster's name.
    pub cluster: ClusterName,
    /// The cluster's trust domain.
    pub trust_domain: TrustDomain,
    /// What server names are derived from (TRANSPORT section 6).
    pub name_key: SecretBytes,
    /// The selector of callers inside the cluster.
    pub local_selector: Selector,
}
