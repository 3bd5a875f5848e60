//! The number by which a node, gateway or controller is found inside connection IDs.

use std::fmt;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

/// A random 32-bit number given by the controller at enrolment, never 0, stable over restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Handle(NonZeroU32);

/// Tells that a handle was 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a handle can't be 0")]
pub struct HandleError;

impl Handle {
    /// Wraps a number that isn't 0.
    pub const fn new(number: NonZeroU32) -> Self {
        Self(number)
    }

    /// Returns the number.
    pub const fn number(self) -> u32 {
        self.0.get()
    }
}

impl TryFrom<u32> for Handle {
    type Error = HandleError;

    fn try_from(number: u32) -> Result<Self, HandleError> {
        NonZeroU32::new(number).map(Self).ok_or(HandleError)
    }
}

impl From<NonZeroU32> for Handle {
    fn from(number: NonZeroU32) -> Self {
        Self(number)
    }
}

impl From<Handle> for u32 {
    fn from(handle: Handle) -> Self {
        handle.number()
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}
