//! What another thread needs to open its endpoint on a port that is bound already.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;

use super::{Place, bind_next};
use crate::endpoint::{BindError, Endpoint};
use crate::limits::Limits;
use crate::routing::Routing;
use crate::sockets::Sockets;

/// What all endpoints of one port have in common.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) quic: quinn::EndpointConfig,
    pub(crate) server: Option<quinn::ServerConfig>,
    pub(crate) routing: Arc<Routing>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) counts: Arc<crate::endpoint::Counts>,
    pub(crate) address: SocketAddr,
}

/// The place of one more endpoint on a port, to be opened by the thread that runs it.
#[derive(Debug)]
pub struct Seat {
    pub(crate) settings: Settings,
    pub(crate) place: Place,
    pub(crate) first: Arc<UdpSocket>,
    pub(crate) sockets: Sockets,
    pub(crate) name: String,
}

impl Seat {
    /// Which shard this is; the one that holds the port itself is 0.
    #[must_use]
    pub const fn number(&self) -> u8 {
        self.place.number
    }

    /// Opens the endpoint, in the runtime that is to drive it. From then on the kernel sends it its part of the datagrams.
    ///
    /// # Errors
    /// When the port can't be had once more.
    pub fn open(self) -> Result<Endpoint, BindError> {
        let address = self.settings.address;
        let name = format!("{}.{}", self.name, self.place.number);
        let socket = self
            .sockets
            .udp(&name, address, || bind_next(&self.first, address))
            .map_err(|source| BindError::Socket { address, source })?;
        Endpoint::open(socket, self.settings, self.place)
    }
}
