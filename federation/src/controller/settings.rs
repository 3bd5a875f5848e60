//! What a controller is started with.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use protocol::name::{ClusterName, HostPort, Label, TrustDomain};
use tunnel::Sockets;

/// How a controller is started. All of it is checked by whoever reads it from flags and files.
#[derive(Debug, Clone)]
pub struct ControllerSettings {
    /// Where `state.redb`, `authority/`, `weft.sock` and `node.secret` are.
    pub data_dir: PathBuf,
    /// The cluster's name.
    pub cluster: ClusterName,
    /// The cluster's trust domain.
    pub trust_domain: TrustDomain,
    /// The UDP port; port 0 lets the system choose.
    pub bind: SocketAddr,
    /// Where nodes and gateways of this cluster reach that port. Where the system chose it, its number is put in place of this one's.
    pub advertise: HostPort,
    /// Where peers reach this cluster's gateways; none: it can't be federated.
    pub gateways: Vec<HostPort>,
    /// This replica's name.
    pub name: Label,
    /// How long SVIDs live.
    pub svid_lifetime: Duration,
    /// How long a catalog holds at a peer without news.
    pub catalog_lease: Duration,
    /// What an earlier process left, and who keeps the UDP socket for the next.
    pub sockets: Sockets,
}

impl ControllerSettings {
    /// Where the cluster reaches the port that was bound.
    pub(super) fn advertised(&self, bound: SocketAddr) -> HostPort {
        let port = if self.bind.port() == 0 {
            bound.port()
        } else {
            self.advertise.port
        };
        HostPort {
            port,
            ..self.advertise.clone()
        }
    }
}
