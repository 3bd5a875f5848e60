//! The way to a node and back: which of them a gateway takes is behind one interface.
//!
//! [`UpSockets`] is compat mode: it serves any QUIC server, and keeps a socket for each caller. Return tickets, which keep nothing,
//! fit the same trait.

mod up_sockets;

use std::fmt::Debug;
use std::net::SocketAddr;
use std::time::Duration;

use protocol::cid::{Handle, Selector};
use protocol::forward::DropReason;

pub(super) use up_sockets::UpSockets;

/// One datagram that is to go on, and what is known about it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet<'a> {
    /// Time since the relay's start.
    pub(super) now: Duration,
    /// The caller's address.
    pub(super) from: SocketAddr,
    /// Whom it is for.
    pub(super) handle: Handle,
    /// Where that host is.
    pub(super) to: SocketAddr,
    /// Whose capability made its route token, if it has one.
    pub(super) initial: Option<Selector>,
    /// All of it.
    pub(super) datagram: &'a [u8],
}

/// Carries packets to their nodes, and replies to the callers.
pub(super) trait Reply: Debug {
    /// Sends a packet on, in such a way that replies find back.
    fn forward(&mut self, packet: Packet<'_>) -> Result<(), DropReason>;

    /// Lets go of what nobody has used lately.
    fn expire(&mut self, now: Duration);

    /// Counts the callers that have a way back.
    #[cfg(test)]
    fn flows(&self) -> usize;
}
