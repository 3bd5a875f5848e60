//! What is inside the line: a message of our own, as it never goes over a tunnel.

use prost::Message;
use zeroize::{Zeroize, Zeroizing};

use super::InvitationError;
use crate::wire::{InvalidMessage, v1};

/// The fields of an invitation and of a join token, which use different ones.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Payload {
    #[prost(string, tag = "1")]
    pub(super) cluster: String,
    #[prost(string, tag = "2")]
    pub(super) trust_domain: String,
    /// Gateways, or the one controller.
    #[prost(string, repeated, tag = "3")]
    pub(super) addresses: Vec<String>,
    #[prost(message, optional, tag = "4")]
    pub(super) capability: Option<v1::Capability>,
    #[prost(uint32, tag = "5")]
    pub(super) controller_handle: u32,
    #[prost(bytes = "vec", tag = "6")]
    pub(super) root_digest: Vec<u8>,
    #[prost(bytes = "vec", tag = "7")]
    pub(super) secret: Vec<u8>,
    #[prost(string, tag = "8")]
    pub(super) peer: String,
    #[prost(uint64, tag = "9")]
    pub(super) expires_at: u64,
    #[prost(string, tag = "10")]
    pub(super) role: String,
}

impl Payload {
    pub(super) fn encode_wiped(&self) -> Zeroizing<Vec<u8>> {
        // Sized at once, so that no copy is left behind by growing.
        let mut bytes = Zeroizing::new(Vec::with_capacity(self.encoded_len()));
        self.encode(&mut *bytes).expect("a vector grows");
        bytes
    }

    pub(super) fn decode_bytes(bytes: &[u8]) -> Result<Self, InvitationError> {
        Self::decode(bytes).map_err(|why| InvalidMessage::new("payload", why).into())
    }
}

impl Drop for Payload {
    fn drop(&mut self) {
        self.secret.zeroize();
        if let Some(capability) = &mut self.capability {
            capability.key.zeroize();
        }
    }
}

/// Takes exactly 32 bytes.
pub(super) fn array(field: &'static str, bytes: &[u8]) -> Result<[u8; 32], InvitationError> {
    bytes
        .try_into()
        .map_err(|_| InvalidMessage::new(field, "it does not have 32 bytes").into())
}

/// Parses a text.
pub(super) fn parse<T>(field: &'static str, text: &str) -> Result<T, InvitationError>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    text.parse()
        .map_err(|why| InvalidMessage::new(field, why).into())
}
