//! The roots of one trust domain, as bytes; `identity` makes a bundle out of them.

use serde::{Deserialize, Serialize};

use crate::name::TrustDomain;

/// The root certificates of one trust domain, never pooled with another's (P-1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleData {
    /// Whose they are.
    pub trust_domain: TrustDomain,
    /// Never goes back (P-10).
    pub sequence: u64,
    /// DER, each one root certificate. None: trust nobody from there.
    pub roots: Vec<Vec<u8>>,
    /// Unix seconds after which nobody from there is trusted; one's own has no lease.
    pub valid_until: Option<u64>,
}
