//! What lets a host join.

use std::{fmt, str::FromStr};

use super::{
    HostRole, InvitationError, Secret,
    armor::JOIN_TOKEN,
    payload::{Payload, array, parse},
};
use crate::{
    cid::{Capability, Handle},
    name::{ClusterName, HostPort, TrustDomain},
    wire::InvalidMessage,
};

/// One line for a host. `Display` prints it, secret and all; `Debug` doesn't.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinToken {
    /// Where the controller is.
    pub controller: HostPort,
    /// The cluster's trust domain.
    pub trust_domain: TrustDomain,
    /// The cluster.
    pub cluster: ClusterName,
    /// SHA-256 of the root that signs the controller's certificate.
    pub root_digest: [u8; 32],
    /// Good for one use.
    pub secret: Secret,
    /// Leads to the controller and to nobody else.
    pub capability: Capability,
    /// The controller.
    pub controller_handle: Handle,
    /// What the host joins as.
    pub role: HostRole,
    /// Unix seconds.
    pub expires_at: u64,
}

impl JoinToken {
    /// Parses the line.
    pub fn parse(line: &str) -> Result<Self, InvitationError> {
        let payload = Payload::decode_bytes(&JOIN_TOKEN.open(line)?)?;
        Self::from_payload(&payload)
    }

    fn from_payload(payload: &Payload) -> Result<Self, InvitationError> {
        let [controller] = payload.addresses.as_slice() else {
            return Err(InvalidMessage::new("controller", "there is not exactly one").into());
        };
        let capability = payload
            .capability
            .clone()
            .ok_or_else(|| InvalidMessage::new("capability", "it is missing"))?;
        let handle = Handle::try_from(payload.controller_handle);
        Ok(Self {
            controller: parse("controller", controller)?,
            trust_domain: parse("trust_domain", &payload.trust_domain)?,
            cluster: parse("cluster", &payload.cluster)?,
            root_digest: array("root_digest", &payload.root_digest)?,
            secret: array("secret", &payload.secret)?.into(),
            capability: capability.try_into()?,
            controller_handle: handle
                .map_err(|why| InvalidMessage::new("controller_handle", why))?,
            role: parse("role", &payload.role)?,
            expires_at: payload.expires_at,
        })
    }

    /// Tells whether it is too late.
    pub fn expired(&self, now_unix: u64) -> bool {
        now_unix >= self.expires_at
    }

    fn to_payload(&self) -> Payload {
        Payload {
            cluster: self.cluster.to_string(),
            trust_domain: self.trust_domain.to_string(),
            addresses: vec![self.controller.to_string()],
            capability: Some((&self.capability).into()),
            controller_handle: self.controller_handle.into(),
            root_digest: self.root_digest.to_vec(),
            secret: self.secret.expose().to_vec(),
            peer: String::new(),
            expires_at: self.expires_at,
            role: self.role.to_string(),
        }
    }
}

impl FromStr for JoinToken {
    type Err = InvitationError;
    fn from_str(line: &str) -> Result<Self, InvitationError> {
        Self::parse(line)
    }
}

impl fmt::Display for JoinToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&JOIN_TOKEN.close(&self.to_payload().encode_wiped()))
    }
}
