//! What peers export to this cluster, as `catalog::import` let it in.

use prost::Message as _;
use protocol::name::ClusterName;
use protocol::view::Export;
use protocol::wire::v1;
use serde::{Deserialize, Serialize};

use super::{Outcome, Refusal, State};

/// The most bytes that the services of all peers may have together. Each View holds them all, so that without this bound a few peers
/// could make Views larger than hosts take (P-17); 16 MiB of each peer are checked before (`catalog::import`).
const IMPORTS_BYTES: usize = 64 << 20;

/// One peer's exports.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Imports {
    /// Of the catalog they came in; never goes back (P-10).
    pub sequence: u64,
    /// By service name; their endpoints have neither peer nor address.
    pub services: Vec<Export>,
}

impl Imports {
    fn encoded_len(&self) -> usize {
        self.services
            .iter()
            .map(|service| v1::Export::from(service).encoded_len())
            .sum()
    }
}

impl State {
    /// Puts one peer's exports in place of those held.
    pub(super) fn put_imports(&mut self, cluster: &ClusterName, imports: Imports) -> Outcome {
        if !self.peers.contains_key(cluster) {
            return Outcome::Refused(Refusal::UnknownPeer {
                cluster: cluster.clone(),
            });
        }
        let bytes = self.bytes_with(cluster, &imports);
        if bytes > IMPORTS_BYTES {
            return Outcome::Refused(Refusal::ImportsTooLarge {
                bytes,
                most: IMPORTS_BYTES,
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

    /// What all imports would have with these in place of the peer's own.
    fn bytes_with(&self, cluster: &ClusterName, imports: &Imports) -> usize {
        let others = self.imports.iter().filter(|(other, _)| *other != cluster);
        imports.encoded_len() + others.map(|(_, held)| held.encoded_len()).sum::<usize>()
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
