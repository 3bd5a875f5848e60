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
use tunnel::Run;

pub(super) use up_sockets::UpSockets;

/// One datagram that is to go on, or several with nothing between them, and what is known about them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packets<'a> {
    /// Time since the relay's start.
    pub(super) now: Duration,
    /// Whom they are for.
    pub(super) handle: Handle,
    /// Where that host is.
    pub(super) to: SocketAddr,
    /// Whose capability made the first one's route token, if it has one.
    pub(super) initial: Option<Selector>,
    /// All of them, and the caller's address.
    pub(super) run: Run<'a>,
}

/// Carries packets to their nodes, and replies to the callers.
pub(super) trait Reply: Debug {
    /// Sends packets on, in such a way that replies find back.
    fn forward(&mut self, packets: Packets<'_>) -> Result<(), DropReason>;

    /// Lets go of what nobody has used lately.
    fn expire(&mut self, now: Duration);

    /// Counts the callers that have a way back.
    #[cfg(test)]
    fn flows(&self) -> usize;
}
