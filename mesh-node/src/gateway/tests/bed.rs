//! One gateway's relay, two nodes and their callers, all on loopback.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use protocol::cid::{
    AllowedSelector, Doors, Generation, Handle, RoutingKey, RoutingKeys, Selector,
};
use protocol::forward::{Forwarder, InitialRate};
use tokio::net::UdpSocket;
use tokio::time::timeout;
use tunnel::BatchSocket;

use crate::gateway::flows::FlowLimits;
use crate::gateway::metrics::Meters;
use crate::gateway::relay::Relay;
use crate::gateway::reply::UpSockets;
use crate::gateway::routing::Routing;
use crate::gateway::socket::bind_public;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Only a failing test waits so long.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

pub(super) struct Bed {
    public: Arc<BatchSocket>,
    routing: Arc<Routing>,
    node: Mutex<Option<Arc<UdpSocket>>>,
    other: UdpSocket,
}

impl Bed {
    pub(super) async fn new() -> Self {
        let node = UdpSocket::bind((LOOPBACK, 0)).await.unwrap();
        let other = UdpSocket::bind((LOOPBACK, 0)).await.unwrap();
        let public = Arc::new(public_at(SocketAddr::new(LOOPBACK, 0)));
        let bed = Self {
            public,
            routing: Arc::default(),
            node: Mutex::new(None),
            other,
        };
        bed.route(node.local_addr().unwrap());
        *bed.node.lock() = Some(Arc::new(node));
        bed
    }

    /// The same address and View; nothing else is left.
    pub(super) async fn restarted(self) -> Self {
        let address = self.public();
        while Arc::strong_count(&self.public) > 1 {
            tokio::task::yield_now().await;
        }
        drop(self.public);
        Self {
            public: Arc::new(public_at(address)),
            ..self
        }
    }

    pub(super) fn relay(&self) -> Relay<UpSockets> {
        self.relay_with(FlowLimits::default(), InitialRate::default())
    }

    pub(super) fn relay_with(&self, flows: FlowLimits, initials: InitialRate) -> Relay<UpSockets> {
        let (started, meters) = (Instant::now(), Meters::register());
        let replies = UpSockets::new(
            started,
            flows,
            LOOPBACK,
            Arc::clone(&self.public),
            meters.clone(),
        );
        Relay::new(
            started,
            Arc::clone(&self.routing),
            initials,
            replies,
            meters,
        )
    }

    /// Runs the relay for as long as the story takes.
    pub(super) async fn during(
        &self,
        relay: &mut Relay<UpSockets>,
        story: impl Future<Output = ()>,
    ) {
        tokio::select! {
            error = relay.run(&self.public) => panic!("the relay ended: {error}"),
            told = timeout(PATIENCE, story) => told.unwrap(),
        }
    }

    pub(super) fn public(&self) -> SocketAddr {
        self.public.local_addr().unwrap()
    }

    pub(super) async fn callers(&self, count: usize) -> Vec<Sender> {
        let mut callers = Vec::new();
        for _ in 0..count {
            callers.push(Sender::to(self.public()).await);
        }
        callers
    }

    pub(super) fn node_address(&self) -> SocketAddr {
        self.node().local_addr().unwrap()
    }

    fn node(&self) -> Arc<UdpSocket> {
        self.node.lock().clone().unwrap()
    }

    /// What the node got, and from which inner address.
    pub(super) async fn node_receives(&self) -> (Vec<u8>, SocketAddr) {
        let mut buffer = vec![0; 2000];
        let (length, from) = self.node().recv_from(&mut buffer).await.unwrap();
        buffer.truncate(length);
        (buffer, from)
    }

    pub(super) async fn node_sends(&self, to: SocketAddr, datagram: &[u8]) {
        self.node().send_to(datagram, to).await.unwrap();
    }

    pub(super) fn node_leaves(&self) -> SocketAddr {
        self.node.lock().take().unwrap().local_addr().unwrap()
    }

    pub(super) async fn node_returns(&self, address: SocketAddr) {
        let node = UdpSocket::bind(address).await.unwrap();
        *self.node.lock() = Some(Arc::new(node));
    }

    pub(super) async fn other_receives(&self) -> Vec<u8> {
        let mut buffer = vec![0; 2000];
        let length = self.other.recv(&mut buffer).await.unwrap();
        buffer.truncate(length);
        buffer
    }

    pub(super) fn route_node_to_other(&self) {
        self.route(self.other.local_addr().unwrap());
    }

    pub(super) fn route_node_to(&self, address: SocketAddr) {
        self.route(address);
    }

    pub(super) fn route_node_to_itself(&self) {
        self.route(self.public());
    }

    fn route(&self, node: SocketAddr) {
        let allowed = AllowedSelector {
            selector: selector(1),
            peer: None,
            not_after: u64::MAX,
            only_handle: None,
        };
        let addresses = BTreeMap::from([
            (handle(5), node),
            (handle(6), self.other.local_addr().unwrap()),
        ]);
        self.routing.swap(Forwarder::new(
            Doors::new(keys(7), vec![allowed]),
            addresses,
        ));
    }

    /// A caller's first datagram to the node.
    pub(super) fn initial(&self) -> Vec<u8> {
        long(
            1,
            &keys(7)
                .capability(selector(1), 0)
                .route_token(handle(5), [3; 8]),
            1200,
        )
    }

    /// A packet of a connection that the node has.
    pub(super) fn established(&self) -> Vec<u8> {
        short(&keys(7).seal(handle(5), 0, [4; 8]), 60)
    }

    /// The same, so long.
    pub(super) fn established_of(&self, length: usize) -> Vec<u8> {
        short(&keys(7).seal(handle(5), 0, [4; 8]), length)
    }

    pub(super) fn to_other_node(&self) -> Vec<u8> {
        short(&keys(7).seal(handle(6), 0, [4; 8]), 60)
    }

    /// A token of the right form and selector, made without the key.
    pub(super) fn forged_token(&self, number: u8) -> [u8; 20] {
        keys(8)
            .capability(selector(1), 0)
            .route_token(handle(5), [number; 8])
    }

    /// A token made with a good key for a selector that isn't allowed.
    pub(super) fn foreign_token(&self, number: u8) -> [u8; 20] {
        keys(7)
            .capability(selector(2), 0)
            .route_token(handle(5), [number; 8])
    }
}

fn public_at(address: SocketAddr) -> BatchSocket {
    BatchSocket::new(bind_public(address).unwrap()).unwrap()
}

/// A caller's socket.
pub(super) struct Sender(UdpSocket);

impl Sender {
    pub(super) async fn to(gateway: SocketAddr) -> Self {
        let socket = UdpSocket::bind((LOOPBACK, 0)).await.unwrap();
        socket.connect(gateway).await.unwrap();
        Self(socket)
    }

    pub(super) async fn send(&self, datagram: &[u8]) {
        self.0.send(datagram).await.unwrap();
    }

    pub(super) async fn receive(&self) -> Vec<u8> {
        let mut buffer = vec![0; 2000];
        let length = self.0.recv(&mut buffer).await.unwrap();
        buffer.truncate(length);
        buffer
    }
}

fn keys(secret: u8) -> RoutingKeys {
    RoutingKeys::new(vec![RoutingKey::new(Generation::FIRST, [secret; 16], true)]).unwrap()
}

fn selector(number: u32) -> Selector {
    Selector::new(number).unwrap()
}

fn handle(number: u32) -> Handle {
    Handle::try_from(number).unwrap()
}

pub(super) fn long(version: u32, destination: &[u8], length: usize) -> Vec<u8> {
    let mut datagram = vec![0xc0];
    datagram.extend(version.to_be_bytes());
    datagram.push(destination.len() as u8);
    datagram.extend(destination);
    datagram.push(0);
    datagram.resize(length, 0);
    datagram
}

pub(super) fn short(id: &[u8], length: usize) -> Vec<u8> {
    let mut datagram = vec![0x40];
    datagram.extend(id);
    datagram.resize(length, 0);
    datagram
}
