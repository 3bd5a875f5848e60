//! Hosts that joined: nodes, gateways and the controllers themselves.

use std::fmt;
use std::str::FromStr;

use protocol::cid::Handle;
use protocol::name::{HostPort, Label, Locality, SpiffeId, TrustDomain};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{Outcome, Refusal, State};

/// What a host is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HostRole {
    /// The data plane on one host.
    Node,
    /// A sealed east-west gateway.
    Gateway,
    /// A replica of the controller.
    Controller,
}

impl HostRole {
    /// The word in manifests, logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Gateway => "gateway",
            Self::Controller => "controller",
        }
    }
}

impl fmt::Display for HostRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for HostRole {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "node" => Ok(Self::Node),
            "gateway" => Ok(Self::Gateway),
            "controller" => Ok(Self::Controller),
            other => Err(format!("{other:?} is no role; roles are node and gateway")),
        }
    }
}

/// A host's role and name; written `node/n1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostKey {
    /// What it is.
    pub role: HostRole,
    /// Its name, unique within the role.
    pub name: Label,
}

impl HostKey {
    /// The key of a node.
    pub fn node(name: Label) -> Self {
        Self {
            role: HostRole::Node,
            name,
        }
    }

    /// The only SPIFFE ID that this host itself may have (P-11).
    pub fn spiffe_id(&self, trust_domain: &TrustDomain) -> SpiffeId {
        match self.role {
            HostRole::Node => SpiffeId::node(trust_domain, &self.name),
            HostRole::Gateway => SpiffeId::gateway(trust_domain, &self.name),
            HostRole::Controller => SpiffeId::controller(trust_domain),
        }
    }
}

impl fmt::Display for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.role, self.name)
    }
}

impl Serialize for HostKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HostKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (role, name) = text
            .split_once('/')
            .ok_or_else(|| D::Error::custom("a host is written role/name"))?;
        Ok(Self {
            role: role.parse().map_err(D::Error::custom)?,
            name: Label::parse(name).map_err(D::Error::custom)?,
        })
    }
}

/// What is known of a host for good; who is in touch is no part of the state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Host {
    /// Its number in connection IDs, kept for as long as the name is.
    pub handle: Handle,
    /// Where others in the cluster reach its UDP port.
    pub address: HostPort,
    /// Where it stands.
    pub locality: Locality,
}

impl State {
    /// Takes a handle out of the pool for good, or says that it was given out before.
    pub(super) fn claim_handle(&mut self, handle: Handle) -> Result<(), Refusal> {
        if !self.handles.insert(handle) {
            return Err(Refusal::Clash);
        }
        Ok(())
    }

    /// Records where a known host is.
    pub(super) fn put_host(
        &mut self,
        key: &HostKey,
        address: HostPort,
        locality: Locality,
    ) -> Outcome {
        let Some(host) = self.hosts.get_mut(key) else {
            return Outcome::Refused(Refusal::UnknownHost {
                host: key.to_string(),
            });
        };
        if host.address == address && host.locality == locality {
            return Outcome::Unchanged;
        }
        host.address = address;
        host.locality = locality;
        Outcome::Handle(host.handle)
    }

    /// A controller's replica came up; its first start gives it its handle.
    pub(super) fn start(&mut self, key: HostKey, drawn: Handle, address: HostPort) -> Outcome {
        let handle = match self.hosts.get(&key) {
            Some(host) => host.handle,
            None => match self.claim_handle(drawn) {
                Ok(()) => drawn,
                Err(refusal) => return Outcome::Refused(refusal),
            },
        };
        self.hosts.insert(
            key,
            Host {
                handle,
                address,
                locality: Locality::default(),
            },
        );
        Outcome::Handle(handle)
    }
}
