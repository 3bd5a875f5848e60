//! The clear part of a route token: which peer's key made it, in which generation.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A random 24-bit number that names (peer, generation); an observer learns "some caller of this peering" from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Selector(u32);

/// Tells that a number doesn't fit a selector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("selector {0} has more than 24 bits")]
pub struct SelectorError(pub u32);

impl Selector {
    /// Checks that the number has no more than 24 bits.
    pub const fn new(number: u32) -> Result<Self, SelectorError> {
        if number >> 24 == 0 {
            Ok(Self(number))
        } else {
            Err(SelectorError(number))
        }
    }

    /// Takes the lowest 24 bits of a random number.
    pub const fn from_random(number: u32) -> Self {
        Self(number & 0x00ff_ffff)
    }

    /// Returns the number.
    pub const fn number(self) -> u32 {
        self.0
    }

    pub(super) const fn to_bytes(self) -> [u8; 3] {
        let [_, a, b, c] = self.0.to_be_bytes();
        [a, b, c]
    }

    pub(super) const fn from_bytes([a, b, c]: [u8; 3]) -> Self {
        Self(u32::from_be_bytes([0, a, b, c]))
    }
}

impl TryFrom<u32> for Selector {
    type Error = SelectorError;

    fn try_from(number: u32) -> Result<Self, SelectorError> {
        Self::new(number)
    }
}

impl From<Selector> for u32 {
    fn from(selector: Selector) -> Self {
        selector.0
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:06x}", self.0)
    }
}
