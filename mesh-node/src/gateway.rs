//! The sealed gateway: sockets around [`protocol::forward`], and nothing that could open a payload.
//!
//! ```text
//!            one public UDP socket                        a connected up-socket for each (caller's address, handle)
//! callers ◀────────────────────────▶ relay ── verdict ──▶ reply/up_sockets ◀────────────────▶ nodes, controllers
//!                                      ▲
//!                 routing: doors and addresses, swapped whole ◀── follow ◀── control::Membership ◀── controller
//! ```
//! It is no party to any TLS session that it forwards and is given no workload's key. It never answers: what isn't forwarded is
//! counted by its reason, and nobody is told. Its own link to the controller has a UDP socket of its own, so that the public port
//! carries forwarded packets alone. After a restart it serves from the View on its disk before it has asked anybody anything.
//!
//! Replies take compat mode (one up-socket for each caller and handle), which has three limits that return tickets will lift: for
//! the node a restarted gateway is a path migration; a stream that only the server writes waits until its caller sends; and a node
//! sees the gateway's address, not the caller's. Packets go in batches (`recvmmsg`, GRO, GSO), and congestion marks are copied both
//! ways.

mod addresses;
mod descriptors;
mod flows;
mod follow;
pub mod metrics;
mod relay;
mod reply;
mod routing;
mod socket;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU8;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use protocol::forward::InitialRate;
use protocol::invitation::JoinToken;
use protocol::name::{HostPort, Label, Locality};
use protocol::wire::v1;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tunnel::{BatchSocket, Sockets};

use crate::control::{JoinError, Membership, MembershipSettings};
pub use flows::FlowLimits;
use metrics::Meters;
use relay::Relay;
use reply::UpSockets;
pub use routing::Routing;

/// How a gateway starts.
#[derive(Debug)]
pub struct GatewaySettings {
    /// Where it keeps its membership and the last View.
    pub data_dir: PathBuf,
    /// Its name in the cluster.
    pub name: Label,
    /// The public UDP address.
    pub bind: SocketAddr,
    /// The address inside the cluster from which it speaks to nodes and controllers; unspecified: whichever the host's routes say.
    pub inner_bind: IpAddr,
    /// Where callers reach the public port, if that isn't `bind`.
    pub advertise: Option<HostPort>,
    /// Where it stands.
    pub locality: Option<Locality>,
    /// What lets it into the cluster, once.
    pub join: Option<JoinToken>,
    /// The controller, if not the one that the token names.
    pub controller: Option<HostPort>,
    /// How many callers it serves at once.
    pub flows: FlowLimits,
    /// How fast one source may begin connections.
    pub initials: InitialRate,
    /// What an earlier process left, and who keeps this one's public socket for the next.
    pub sockets: Sockets,
}

/// A gateway whose sockets are bound and whose membership stands.
#[derive(Debug)]
pub struct Gateway {
    socket: Arc<BatchSocket>,
    local_addr: SocketAddr,
    routing: Arc<Routing>,
    relay: Relay<UpSockets>,
    membership: Membership,
}

/// Tells why a gateway couldn't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The public address can't be had.
    #[error("can't bind the public UDP address {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the kernel said.
        source: io::Error,
    },
    /// It couldn't join the cluster.
    #[error("can't join the cluster")]
    Join(#[from] JoinError),
}

impl Gateway {
    /// Binds the public socket, joins the cluster or remembers that it has, and puts the View on disk in force.
    pub async fn start(settings: GatewaySettings) -> Result<Self, StartError> {
        let bind_error = |source| StartError::Bind {
            address: settings.bind,
            source,
        };
        let socket = settings
            .sockets
            .udp("gateway.udp", settings.bind, || {
                socket::bind_public(settings.bind)
            })
            .and_then(BatchSocket::new)
            .map(Arc::new)
            .map_err(bind_error)?;
        let local_addr = socket.local_addr().map_err(bind_error)?;
        let meters = Meters::register();
        let flows = settings.flows.within(descriptors::available());
        let started = Instant::now();
        let replies = UpSockets::new(
            started,
            flows,
            settings.inner_bind,
            Arc::clone(&socket),
            meters.clone(),
        );
        let (initials, advertise) = (settings.initials, settings.advertise.clone());
        let membership = Membership::establish(MembershipSettings {
            data_dir: settings.data_dir,
            role: v1::Role::Gateway,
            name: settings.name,
            bind: SocketAddr::new(settings.inner_bind, 0),
            advertise: Some(advertise.unwrap_or_else(|| local_addr.into())),
            locality: settings.locality,
            join: settings.join,
            controller: settings.controller,
            sockets: settings.sockets,
            limits: tunnel::Limits::default(),
            shards: NonZeroU8::MIN,
        })
        .await?;
        let routing = Arc::new(Routing::default());
        if let Some(view) = membership.views().borrow().as_deref() {
            routing.install(view, addresses::literal(&view.handles));
        }
        let relay = Relay::new(started, Arc::clone(&routing), initials, replies, meters);
        tracing::info!(%local_addr, id = %membership.id(), ready = routing.is_ready(), "gateway starts");
        Ok(Self {
            socket,
            local_addr,
            routing,
            relay,
            membership,
        })
    }

    /// Returns the public address.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Tells whether it has a View to forward by.
    pub fn ready(&self) -> watch::Receiver<bool> {
        self.routing.ready()
    }

    /// Forwards until told to stop.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut background = JoinSet::new();
        background.spawn(follow::follow(
            self.membership.clone(),
            Arc::clone(&self.routing),
        ));
        let (membership, stop) = (self.membership, shutdown.clone());
        background.spawn(async move { membership.run(stop).await });
        tokio::select! {
            error = self.relay.run(&self.socket) => tracing::error!(%error, "the public socket failed"),
            () = shutdown.cancelled() => {}
        }
        background.shutdown().await;
    }
}

#[cfg(test)]
mod tests;
