//! A program that runs on this node, with an identity.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Protocol;
use crate::{
    name::{Label, MeshHost, ServiceName, SpiffeId, TrustDomain},
    resource::defaults,
};

/// A workload as its node needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workload {
    /// Its namespace.
    pub namespace: Label,
    /// Its name.
    pub name: Label,
    /// The account it runs as: what its SVID says.
    pub service_account: Label,
    /// What it serves.
    pub serves: Vec<ServicePort>,
    /// How to see whether it is healthy.
    pub health: HealthCheck,
    /// Ports that lead from it to services.
    pub listeners: Vec<Listener>,
    /// Where it finds its HTTP proxy on 127.0.0.1, if it wants one.
    pub proxy_port: Option<u16>,
    /// Services that it is known to call.
    pub uses: Vec<ServiceName>,
}

impl Workload {
    /// Names its identity.
    pub fn spiffe_id(&self, trust_domain: &TrustDomain) -> SpiffeId {
        SpiffeId::workload(trust_domain, &self.namespace, &self.service_account)
    }

    /// Finds where it serves a service.
    pub fn port_of(&self, service: &ServiceName) -> Option<&ServicePort> {
        self.serves.iter().find(|s| s.service == *service)
    }
}

/// The workload serves `service` on 127.0.0.1:`port`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServicePort {
    /// What it serves.
    pub service: ServiceName,
    /// On which port.
    pub port: u16,
    /// In which protocol.
    pub protocol: Protocol,
}

/// How a node sees whether a workload is well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCheck {
    /// A GET of this path must answer 2xx; `None`: a TCP connect must succeed.
    pub http_path: Option<String>,
    /// How often.
    pub every: Duration,
    /// So many successes in a row make it healthy.
    pub healthy_after: u32,
    /// So many failures in a row make it unhealthy.
    pub unhealthy_after: u32,
}

impl Default for HealthCheck {
    /// A TCP connect at the pace of the defaults table.
    fn default() -> Self {
        Self {
            http_path: None,
            every: defaults::HEALTH_EVERY,
            healthy_after: defaults::HEALTHY_AFTER,
            unhealthy_after: defaults::UNHEALTHY_AFTER,
        }
    }
}

/// 127.0.0.1:`port` leads to `host`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listener {
    /// Where the application connects.
    pub port: u16,
    /// The name that it calls thereby.
    pub host: MeshHost,
}
