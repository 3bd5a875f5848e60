//! One service that a peer offers.

use serde::{Deserialize, Serialize};

use super::{Endpoint, Protocol};
use crate::name::{PathPattern, ServiceName};

/// An entry of a peer's catalog, whose endpoints have neither peer nor address: the importer adds the peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    /// Its name, which is the same here and there.
    pub service: ServiceName,
    /// What it speaks.
    pub protocol: Protocol,
    /// Paths of which a repeat does no harm.
    pub idempotent: Vec<PathPattern>,
    /// Where it is served.
    pub endpoints: Vec<Endpoint>,
}
