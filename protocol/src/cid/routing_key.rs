//! `K_route` of one generation.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use super::cipher::{Cipher, selector_key};
use super::{Capability, Generation, KEY_LEN, NODE_ID_LEN, NodeId, Selector};

/// A key of the cluster that seals and opens connection IDs; held by its gateways, nodes and controllers, never by a peer.
///
/// `Debug` doesn't print the key, dropping the last clone wipes it. It is serialized for the holders' own private files only.
#[derive(Clone, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct RoutingKey {
    generation: Generation,
    seals: bool,
    secret: Arc<Secret>,
}

struct Secret {
    key: Zeroizing<[u8; KEY_LEN]>,
    cipher: Cipher,
}

impl RoutingKey {
    /// Takes a random key; of a cluster's keys one `seals`, the others only open.
    pub fn new(generation: Generation, key: [u8; KEY_LEN], seals: bool) -> Self {
        let key = Zeroizing::new(key);
        let cipher = Cipher::new(&key);
        Self {
            generation,
            seals,
            secret: Arc::new(Secret { key, cipher }),
        }
    }

    /// Returns the generation, which each ID carries in the clear.
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// Tells whether new IDs are sealed with it.
    pub fn seals(&self) -> bool {
        self.seals
    }

    /// Shows the key itself, for those who send or store it.
    pub fn expose(&self) -> &[u8; KEY_LEN] {
        &self.secret.key
    }

    /// Makes an N-ID.
    pub fn seal(&self, node: NodeId, nonce: [u8; 8]) -> [u8; NODE_ID_LEN] {
        let mut id = [self.generation.first_byte(NODE_ID_LEN); NODE_ID_LEN];
        id[1..].copy_from_slice(&self.secret.cipher.seal(node.to_block(nonce)));
        id
    }

    /// Opens the block of an N-ID.
    pub(super) fn open_block(&self, block: [u8; 16]) -> Option<NodeId> {
        NodeId::from_block(&self.secret.cipher.open(block))
    }

    /// Derives what lets a peer make route tokens of this generation.
    pub fn capability(&self, selector: Selector, not_after: u64) -> Capability {
        Capability::new(
            self.generation,
            selector,
            *self.selector_key(selector),
            not_after,
        )
    }

    pub(super) fn selector_key(&self, selector: Selector) -> Zeroizing<[u8; KEY_LEN]> {
        selector_key(&self.secret.key, selector)
    }
}

impl fmt::Debug for RoutingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoutingKey")
            .field("generation", &self.generation)
            .field("seals", &self.seals)
            .finish_non_exhaustive()
    }
}

impl PartialEq for RoutingKey {
    fn eq(&self, other: &Self) -> bool {
        self.generation == other.generation
            && self.seals == other.seals
            && verify_slices_are_equal(self.expose(), other.expose()).is_ok()
    }
}

impl Eq for RoutingKey {}

#[derive(Serialize, Deserialize)]
struct Stored {
    generation: Generation,
    key: [u8; KEY_LEN],
    seals: bool,
}

impl Drop for Stored {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

impl From<Stored> for RoutingKey {
    fn from(stored: Stored) -> Self {
        Self::new(stored.generation, stored.key, stored.seals)
    }
}

impl From<RoutingKey> for Stored {
    fn from(key: RoutingKey) -> Self {
        Self {
            generation: key.generation,
            key: *key.expose(),
            seals: key.seals,
        }
    }
}
