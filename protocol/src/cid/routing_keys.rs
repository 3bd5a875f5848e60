//! The routing keys that are live at once: one seals, the others still open.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Capability, Generation, Handle, NODE_ID_LEN, NodeId, RoutingKey, Selector};

/// All live routing keys of a cluster, no two of one generation, of which exactly one seals.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<RoutingKey>", into = "Vec<RoutingKey>")]
pub struct RoutingKeys {
    keys: Vec<RoutingKey>,
    sealing: usize,
    by_generation: [Option<u8>; Generation::COUNT as usize],
}

/// Tells why keys can't serve together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoutingKeysError {
    /// None of them seals.
    #[error("no routing key seals")]
    NoneSeals,
    /// More than one seals.
    #[error("routing keys of generations {0} and {1} both seal")]
    TwoSeal(Generation, Generation),
    /// Two are of one generation.
    #[error("there are two routing keys of generation {0}")]
    SameGeneration(Generation),
}

impl RoutingKeys {
    /// Checks the keys.
    pub fn new(keys: Vec<RoutingKey>) -> Result<Self, RoutingKeysError> {
        let mut by_generation = [None; Generation::COUNT as usize];
        let mut sealing: Option<usize> = None;
        for (position, key) in keys.iter().enumerate() {
            let generation = key.generation();
            // No more than 7 pass here, as each has a generation of its own.
            if by_generation[usize::from(generation.number())]
                .replace(position as u8)
                .is_some()
            {
                return Err(RoutingKeysError::SameGeneration(generation));
            }
            if !key.seals() {
                continue;
            }
            if let Some(first) = sealing.replace(position) {
                return Err(RoutingKeysError::TwoSeal(
                    keys[first].generation(),
                    generation,
                ));
            }
        }
        let sealing = sealing.ok_or(RoutingKeysError::NoneSeals)?;
        Ok(Self {
            keys,
            sealing,
            by_generation,
        })
    }

    /// Returns the key that new IDs are sealed with.
    pub fn sealing(&self) -> &RoutingKey {
        &self.keys[self.sealing]
    }

    /// Lists the keys in the order in which they were given.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &RoutingKey> {
        self.keys.iter()
    }

    /// Finds the key of a generation.
    pub fn of(&self, generation: Generation) -> Option<&RoutingKey> {
        let position = self.by_generation[usize::from(generation.number())]?;
        self.keys.get(usize::from(position))
    }

    /// Makes an N-ID with the sealing key.
    pub fn seal(&self, handle: Handle, shard: u8, nonce: [u8; 8]) -> [u8; NODE_ID_LEN] {
        self.sealing().seal(NodeId { handle, shard }, nonce)
    }

    /// Opens an N-ID; nothing if it isn't one, or was made by nobody who holds one of these keys.
    pub fn open(&self, id: &[u8]) -> Option<NodeId> {
        let (&first, block) = id.split_first()?;
        let block = block.try_into().ok()?;
        self.of(Generation::of_first_byte(first, NODE_ID_LEN)?)?
            .open_block(block)
    }

    /// Derives a capability from the sealing key.
    pub fn capability(&self, selector: Selector, not_after: u64) -> Capability {
        self.sealing().capability(selector, not_after)
    }
}

impl TryFrom<Vec<RoutingKey>> for RoutingKeys {
    type Error = RoutingKeysError;

    fn try_from(keys: Vec<RoutingKey>) -> Result<Self, RoutingKeysError> {
        Self::new(keys)
    }
}

impl From<RoutingKeys> for Vec<RoutingKey> {
    fn from(keys: RoutingKeys) -> Self {
        keys.keys
    }
}

impl fmt::Debug for RoutingKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.keys).finish()
    }
}
