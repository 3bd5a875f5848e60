//! What lets a peer make route tokens: a key, not a string, so that every dial has a first ID of its own.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use super::cipher::Cipher;
use super::{Generation, Handle, KEY_LEN, NodeId, ROUTE_TOKEN_LEN, Selector};

/// A selector and its key: makes tokens that the gateways and nodes of one cluster let in.
///
/// It grants no access: whoever gets through still has to prove an identity. `Debug` doesn't print the key, dropping the last
/// clone wipes it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct Capability {
    /// Of the routing key that it was derived from.
    pub generation: Generation,
    /// Goes in the clear with each token.
    pub selector: Selector,
    /// Unix seconds after which the tokens aren't let in.
    pub not_after: u64,
    secret: Arc<Secret>,
}

struct Secret {
    key: Zeroizing<[u8; KEY_LEN]>,
    cipher: Cipher,
}

impl Capability {
    /// Takes the parts as they came over the wire.
    pub fn new(
        generation: Generation,
        selector: Selector,
        key: [u8; KEY_LEN],
        not_after: u64,
    ) -> Self {
        let key = Zeroizing::new(key);
        let cipher = Cipher::new(&key);
        Self {
            generation,
            selector,
            not_after,
            secret: Arc::new(Secret { key, cipher }),
        }
    }

    /// Shows the key itself, for those who send or store it.
    pub fn expose(&self) -> &[u8; KEY_LEN] {
        &self.secret.key
    }

    /// Makes the first destination connection ID of one dial. Each needs a fresh nonce: a server files a connection under this
    /// ID for its whole life, and a second one with the same never connects.
    pub fn route_token(&self, handle: Handle, nonce: [u8; 8]) -> [u8; ROUTE_TOKEN_LEN] {
        self.route_token_spread(handle, 0, nonce)
    }

    /// The same, saying which of the host's shards shall have the connection: `any` counts round them; 0 leaves it to chance.
    pub fn route_token_spread(
        &self,
        handle: Handle,
        any: u8,
        nonce: [u8; 8],
    ) -> [u8; ROUTE_TOKEN_LEN] {
        let mut token = [self.generation.first_byte(ROUTE_TOKEN_LEN); ROUTE_TOKEN_LEN];
        token[1..4].copy_from_slice(&self.selector.to_bytes());
        token[4..].copy_from_slice(
            &self
                .secret
                .cipher
                .seal(NodeId { handle, shard: any }.to_block(nonce)),
        );
        token
    }
}

impl fmt::Debug for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Capability")
            .field("generation", &self.generation)
            .field("selector", &self.selector)
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

impl PartialEq for Capability {
    fn eq(&self, other: &Self) -> bool {
        self.generation == other.generation
            && self.selector == other.selector
            && self.not_after == other.not_after
            && verify_slices_are_equal(self.expose(), other.expose()).is_ok()
    }
}

impl Eq for Capability {}

#[derive(Serialize, Deserialize)]
struct Stored {
    generation: Generation,
    selector: Selector,
    key: [u8; KEY_LEN],
    not_after: u64,
}

impl Drop for Stored {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

impl From<Stored> for Capability {
    fn from(stored: Stored) -> Self {
        Self::new(
            stored.generation,
            stored.selector,
            stored.key,
            stored.not_after,
        )
    }
}

impl From<Capability> for Stored {
    fn from(capability: Capability) -> Self {
        Self {
            generation: capability.generation,
            selector: capability.selector,
            key: *capability.expose(),
            not_after: capability.not_after,
        }
    }
}
