//! What lets another cluster join.

use std::{fmt, str::FromStr};

use super::{
    InvitationError, Secret,
    armor::INVITATION,
    payload::{Payload, array, parse},
};
use crate::{
    cid::{Capability, Handle},
    name::{ClusterName, HostPort, TrustDomain},
    wire::InvalidMessage,
};

/// One line for the operator of another cluster. `Display` prints it, secret and all; `Debug` doesn't.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Who invites.
    pub cluster: ClusterName,
    /// Its trust domain.
    pub trust_domain: TrustDomain,
    /// Its gateways.
    pub gateways: Vec<HostPort>,
    /// Leads through them to the controller and to nobody else.
    pub capability: Capability,
    /// The controller behind them.
    pub controller_handle: Handle,
    /// SHA-256 of the root that signs the controller's certificate.
    pub root_digest: [u8; 32],
    /// Good for one use.
    pub secret: Secret,
    /// Who is invited.
    pub peer: ClusterName,
    /// Unix seconds.
    pub expires_at: u64,
}

impl Invitation {
    /// Parses the line.
    pub fn parse(line: &str) -> Result<Self, InvitationError> {
        let payload = Payload::decode_bytes(&INVITATION.open(line)?)?;
        Self::from_payload(&payload)
    }

    fn from_payload(payload: &Payload) -> Result<Self, InvitationError> {
        let gateways = payload
            .addresses
            .iter()
            .map(|a| parse("gateways", a))
            .collect::<Result<Vec<_>, _>>()?;
        if gateways.is_empty() {
            return Err(InvalidMessage::new("gateways", "there is none").into());
        }
        let capability = payload
            .capability
            .clone()
            .ok_or_else(|| InvalidMessage::new("capability", "it is missing"))?;
        let handle = Handle::try_from(payload.controller_handle);
        Ok(Self {
            cluster: parse("cluster", &payload.cluster)?,
            trust_domain: parse("trust_domain", &payload.trust_domain)?,
            gateways,
            capability: capability.try_into()?,
            controller_handle: handle
                .map_err(|why| InvalidMessage::new("controller_handle", why))?,
            root_digest: array("root_digest", &payload.root_digest)?,
            secret: array("secret", &payload.secret)?.into(),
            peer: parse("peer", &payload.peer)?,
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
            addresses: self.gateways.iter().map(HostPort::to_string).collect(),
            capability: Some((&self.capability).into()),
            controller_handle: self.controller_handle.into(),
            root_digest: self.root_digest.to_vec(),
            secret: self.secret.expose().to_vec(),
            peer: self.peer.to_string(),
            expires_at: self.expires_at,
            role: String::new(),
        }
    }
}

impl FromStr for Invitation {
    type Err = InvitationError;
    fn from_str(line: &str) -> Result<Self, InvitationError> {
        Self::parse(line)
    }
}

impl fmt::Display for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&INVITATION.close(&self.to_payload().encode_wiped()))
    }
}
