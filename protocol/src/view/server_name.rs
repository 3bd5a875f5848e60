//! The opaque names that callers put into their TLS handshakes.

use serde::{Deserialize, Serialize};

use crate::name::{ServiceName, SpiffeId, TrustDomain};

/// A server name that callers of one trust domain use for one service here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerName {
    /// The name itself: it tells an onlooker nothing.
    pub name: String,
    /// What it stands for.
    pub service: ServiceName,
    /// The identity that is shown to who asks for it.
    pub spiffe_id: SpiffeId,
    /// Whose callers were given it.
    pub trust_domain: TrustDomain,
}
