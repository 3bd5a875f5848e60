//! What a host joins as.

use super::{InvalidMessage, v1};
use crate::invitation::HostRole;

impl From<HostRole> for v1::Role {
    fn from(role: HostRole) -> Self {
        match role {
            HostRole::Node => Self::Node,
            HostRole::Gateway => Self::Gateway,
        }
    }
}

impl TryFrom<v1::Role> for HostRole {
    type Error = InvalidMessage;
    fn try_from(role: v1::Role) -> Result<Self, InvalidMessage> {
        match role {
            v1::Role::Node => Ok(Self::Node),
            v1::Role::Gateway => Ok(Self::Gateway),
            v1::Role::Unspecified => Err(InvalidMessage::new(
                "role",
                "it is neither node nor gateway",
            )),
        }
    }
}
