//! What peers export to this cluster, as `catalog::import` let it in.

use protocol::name::ClusterName;
use protocol::view::Export;
use serde::{Deserialize, Serialize};

use super::{Outcome, Refusal, State};

/// One peer's exports.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Imports {
    /// Of the catalog they came in; never goes back (P-10).
    pub sequence: u64,
    /// By service name; their endpoints have neither peer nor address.
    pub services: Vec<Export>,
}

impl State {
    /// Puts one peer's exports in place of those held.
    pub(super) fn put_imports(&mut self, cluster: &ClusterName, imports: Imports) -> Outcome {
        if !self.peers.contains_key(cluster) {
            return Outcome::Refused(Refusal::UnknownPeer {
                cluster: cluster.clone(),
            });
        }
        let held = self.imports.entry(cluster.clone()).or_default();
        if imports.sequence < held.sequence {
            return Outcome::Refused(Refusal::CatalogRollback {
                held: held.sequence,
                got: imports.sequence,
            });
        }
        if held.services == imports.services {
            held.sequence = imports.sequence;
            return Outcome::Unchanged;
        }
        *held = imports;
        Outcome::Done
    }

    /// Drops a peer's exports that went without news for too long; the sequence stays.
    pub(super) fn drop_imports(&mut self, cluster: &ClusterName) -> Outcome {
        match self.imports.get_mut(cluster) {
            Some(imports) if !imports.services.is_empty() => {
                imports.services.clear();
                Outcome::Done
            }
            _ => Outcome::Unchanged,
        }
    }
}
