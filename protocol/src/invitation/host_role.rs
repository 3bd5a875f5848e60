//! What a host joins as.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Node or gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HostRole {
    /// Carries the traffic of workloads.
    Node,
    /// Forwards packets and opens none.
    Gateway,
}

/// A role that there isn't.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither node nor gateway")]
pub struct InvalidHostRole(String);

impl FromStr for HostRole {
    type Err = InvalidHostRole;
    fn from_str(text: &str) -> Result<Self, InvalidHostRole> {
        match text {
            "node" => Ok(Self::Node),
            "gateway" => Ok(Self::Gateway),
            _ => Err(InvalidHostRole(text.chars().take(50).collect())),
        }
    }
}

impl fmt::Display for HostRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Node => "node",
            Self::Gateway => "gateway",
        })
    }
}
