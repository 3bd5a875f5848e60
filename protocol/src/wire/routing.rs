//! What connection IDs are made with and opened with, and where they lead.

use zeroize::Zeroize;

use super::{InvalidMessage, field, v1};
use crate::{
    cid::{
        AllowedSelector, Capability, Generation, Handle, KEY_LEN, RoutingKey, RoutingKeys, Selector,
    },
    name::HostPort,
    view::PeerRoute,
};

impl From<&RoutingKey> for v1::RoutingKey {
    fn from(key: &RoutingKey) -> Self {
        Self {
            generation: key.generation().into(),
            key: key.expose().to_vec(),
            seals: key.seals(),
        }
    }
}

impl TryFrom<v1::RoutingKey> for RoutingKey {
    type Error = InvalidMessage;
    fn try_from(message: v1::RoutingKey) -> Result<Self, InvalidMessage> {
        let generation: Generation = field::check("generation", message.generation)?;
        Ok(Self::new(
            generation,
            key_bytes(message.key)?,
            message.seals,
        ))
    }
}

/// Takes the 16 bytes and wipes what they came in.
fn key_bytes(mut bytes: Vec<u8>) -> Result<[u8; KEY_LEN], InvalidMessage> {
    let key = <[u8; KEY_LEN]>::try_from(bytes.as_slice());
    bytes.zeroize();
    key.map_err(|_| InvalidMessage::new("key", format!("it does not have {KEY_LEN} bytes")))
}

impl From<&RoutingKeys> for Vec<v1::RoutingKey> {
    fn from(keys: &RoutingKeys) -> Self {
        field::messages(keys.iter())
    }
}

/// Checks all keys of a message: no two of one generation, and one of them seals.
impl TryFrom<Vec<v1::RoutingKey>> for RoutingKeys {
    type Error = InvalidMessage;
    fn try_from(messages: Vec<v1::RoutingKey>) -> Result<Self, InvalidMessage> {
        Self::new(field::each("routing_keys", messages)?)
            .map_err(|why| InvalidMessage::new("routing_keys", why))
    }
}

impl From<&Capability> for v1::Capability {
    fn from(capability: &Capability) -> Self {
        Self {
            generation: capability.generation.into(),
            selector: capability.selector.into(),
            key: capability.expose().to_vec(),
            not_after: capability.not_after,
        }
    }
}

impl TryFrom<v1::Capability> for Capability {
    type Error = InvalidMessage;
    fn try_from(message: v1::Capability) -> Result<Self, InvalidMessage> {
        let generation: Generation = field::check("generation", message.generation)?;
        let selector: Selector = field::check("selector", message.selector)?;
        Ok(Self::new(
            generation,
            selector,
            key_bytes(message.key)?,
            message.not_after,
        ))
    }
}

impl From<&AllowedSelector> for v1::Selector {
    fn from(allowed: &AllowedSelector) -> Self {
        Self {
            selector: allowed.selector.into(),
            peer: field::text(allowed.peer.as_ref()),
            not_after: allowed.not_after,
            only_handle: allowed.only_handle.map_or(0, u32::from),
        }
    }
}

impl TryFrom<v1::Selector> for AllowedSelector {
    type Error = InvalidMessage;
    fn try_from(message: v1::Selector) -> Result<Self, InvalidMessage> {
        Ok(Self {
            selector: field::check("selector", message.selector)?,
            peer: field::parse_optional("peer", &message.peer)?,
            not_after: message.not_after,
            only_handle: Handle::try_from(message.only_handle).ok(),
        })
    }
}

impl From<(&Handle, &HostPort)> for v1::HandleAddress {
    fn from((handle, address): (&Handle, &HostPort)) -> Self {
        Self {
            handle: (*handle).into(),
            address: address.to_string(),
        }
    }
}

impl TryFrom<v1::HandleAddress> for (Handle, HostPort) {
    type Error = InvalidMessage;
    fn try_from(message: v1::HandleAddress) -> Result<Self, InvalidMessage> {
        Ok((
            field::check("handle", message.handle)?,
            field::parse("address", &message.address)?,
        ))
    }
}

impl From<&PeerRoute> for v1::PeerRoute {
    fn from(route: &PeerRoute) -> Self {
        Self {
            peer: route.peer.to_string(),
            trust_domain: route.trust_domain.to_string(),
            gateways: field::texts(&route.gateways),
            capability: Some((&route.capability).into()),
        }
    }
}

impl TryFrom<v1::PeerRoute> for PeerRoute {
    type Error = InvalidMessage;
    fn try_from(message: v1::PeerRoute) -> Result<Self, InvalidMessage> {
        Ok(Self {
            peer: field::parse("peer", &message.peer)?,
            trust_domain: field::parse("trust_domain", &message.trust_domain)?,
            gateways: field::parse_each("gateways", &message.gateways)?,
            capability: field::nested("capability", message.capability)?,
        })
    }
}
