//! A real gateway of a cluster whose controller is a fake.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use mesh_node::gateway::{Gateway, GatewaySettings};
use protocol::invitation::{HostRole, JoinToken};
use protocol::view::View;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Cluster, label};
use crate::bed::PATIENCE;

/// Runs until dropped.
pub struct RunningGateway {
    pub address: SocketAddr,
    _stop: DropGuard,
}

impl Cluster {
    /// Starts one and waits until it forwards by `view`.
    pub async fn gateway(&self, name: &'static str, view: &View) -> RunningGateway {
        let token = JoinToken {
            role: HostRole::Gateway,
            ..self.token()
        };
        let gateway = Gateway::start(GatewaySettings {
            data_dir: self.dir.path().join(name),
            name: label(name),
            bind: "127.0.0.1:0".parse().unwrap(),
            inner_bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
            advertise: None,
            locality: None,
            join: Some(token),
            controller: None,
            flows: mesh_node::gateway::FlowLimits::default(),
            initials: Default::default(),
            sockets: tunnel::Sockets::default(),
        })
        .await
        .unwrap();
        let (address, mut ready) = (gateway.local_addr(), gateway.ready());
        let stop = CancellationToken::new();
        tokio::spawn(gateway.run(stop.clone()));
        self.post(name, view);
        let forwards = ready.wait_for(|ready| *ready);
        tokio::time::timeout(PATIENCE, forwards)
            .await
            .unwrap()
            .unwrap();
        RunningGateway {
            address,
            _stop: stop.drop_guard(),
        }
    }

    /// A View by which a gateway forwards what the peer's callers send to `node`.
    pub fn view_of_gateway(&self, version: u64, peer: &Self, node: &super::RunningNode) -> View {
        let mut view = self.view(version);
        self.befriend(&mut view, peer, node);
        view.peers.clear();
        view.handles.insert(node.handle, node.address.into());
        view
    }
}
