//! The defaults, in one table.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// The gateway's UDP port: the one to open to other places.
pub(crate) const GATEWAY_PORT: u16 = 4433;
/// The node's UDP port, inside the cluster.
pub(crate) const NODE_PORT: u16 = 4434;
/// The controller's UDP port, inside the cluster.
pub(crate) const CONTROLLER_PORT: u16 = 4435;
/// Metrics and readiness: TCP, this machine only.
pub(crate) const METRICS: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9464);
/// How long a workload's SVID lives.
pub(crate) const SVID_LIFETIME: Duration = Duration::from_secs(3_600);
/// The shortest that makes sense with 60 s of clock skew allowed for.
pub(crate) const SVID_LIFETIME_LEAST: Duration = Duration::from_secs(10);
/// The longest that an authority signs.
pub(crate) const SVID_LIFETIME_MOST: Duration = Duration::from_secs(24 * 3_600);
/// How long a peer's catalog holds without news: three signs of life. It is dropped ten minutes after.
pub(crate) const CATALOG_LEASE: Duration = Duration::from_secs(30);
/// The longest that peers grant.
pub(crate) const CATALOG_LEASE_MOST: Duration = Duration::from_secs(600);
/// How long `--wait` waits.
pub(crate) const WAIT: Duration = Duration::from_secs(30);
/// The namespace where none is named.
pub(crate) const NAMESPACE: &str = protocol::resource::defaults::NAMESPACE;
/// What the first controller is called.
pub(crate) const CONTROLLER_NAME: &str = "c1";
