//! Which of the routing keys sealed an ID: the first three bits of its first byte.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The number of a routing key, 0 to 6; 7 is reserved by QUIC-LB for IDs that can't be routed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Generation(u8);

/// Tells that a number is no generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("generation {0} is not between 0 and 6")]
pub struct GenerationError(pub u64);

impl Generation {
    /// Counts the generations there are.
    pub const COUNT: u8 = 7;
    /// Is the generation of a cluster's first key.
    pub const FIRST: Self = Self(0);

    /// Checks the number.
    pub const fn new(number: u8) -> Result<Self, GenerationError> {
        if number < Self::COUNT {
            Ok(Self(number))
        } else {
            Err(GenerationError(number as u64))
        }
    }

    /// Returns the number.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Returns the one that follows in rotation: after 6 comes 0.
    #[must_use]
    pub const fn next(self) -> Self {
        Self((self.0 + 1) % Self::COUNT)
    }

    /// Makes byte 0 of an ID of `length` bytes.
    pub(super) const fn first_byte(self, length: usize) -> u8 {
        self.0 << 5 | (length as u8 - 1)
    }

    /// Reads byte 0 of an ID, if it says what its length is.
    pub(super) const fn of_first_byte(byte: u8, length: usize) -> Option<Self> {
        let number = byte >> 5;
        if byte & 0x1f != length as u8 - 1 || number >= Self::COUNT {
            return None;
        }
        Some(Self(number))
    }
}

impl TryFrom<u8> for Generation {
    type Error = GenerationError;

    fn try_from(number: u8) -> Result<Self, GenerationError> {
        Self::new(number)
    }
}

impl TryFrom<u32> for Generation {
    type Error = GenerationError;

    fn try_from(number: u32) -> Result<Self, GenerationError> {
        u8::try_from(number)
            .map_err(|_| GenerationError(u64::from(number)))
            .and_then(Self::new)
    }
}

impl From<Generation> for u8 {
    fn from(generation: Generation) -> Self {
        generation.0
    }
}

impl From<Generation> for u32 {
    fn from(generation: Generation) -> Self {
        Self::from(generation.0)
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
