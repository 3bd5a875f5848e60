//! A service that can be called from here.

use serde::{Deserialize, Serialize};

use super::{Endpoint, Failover, Protocol};
use crate::name::{PathPattern, ServiceName};

/// A service with all its endpoints, ours and imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Its name.
    pub name: ServiceName,
    /// What it speaks.
    pub protocol: Protocol,
    /// Paths of which a repeat does no harm, as the owner says.
    pub idempotent: Vec<PathPattern>,
    /// Where it can be reached.
    pub endpoints: Vec<Endpoint>,
    /// In which order its places are tried.
    pub failover: Failover,
}

impl Service {
    /// Tells whether its owner says that a request to `path` may be repeated.
    pub fn is_idempotent(&self, path: &str) -> bool {
        let path = path.split('?').next().unwrap_or_default();
        self.idempotent.iter().any(|p| p.matches(path))
    }
}
