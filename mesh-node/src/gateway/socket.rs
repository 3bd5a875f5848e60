//! The gateway's UDP sockets: don't fragment, large buffers, and what their errors mean.
//!
//! Sending goes straight to the kernel, past tokio's readiness: a datagram that can't go now is dropped, as QUIC expects of a
//! network, and a socket made a moment ago can send at once.

use std::io;
use std::net::{self, IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use protocol::forward::DropReason;
use rustix::io::Errno;
use rustix::net::sockopt::{
    Ipv4PathMtuDiscovery, Ipv6PathMtuDiscovery, set_ip_mtu_discover, set_ipv6_mtu_discover,
};
use socket2::{Domain, Protocol, Socket, Type};
use tunnel::{BatchSocket, Run};

const BUFFER_BYTES: usize = 4 << 20;

/// Binds the one socket that callers see.
pub(super) fn bind_public(address: SocketAddr) -> io::Result<net::UdpSocket> {
    let socket = open(address)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// Opens a socket of one caller's towards one node.
pub(super) fn connect(from: IpAddr, to: SocketAddr) -> io::Result<BatchSocket> {
    let from = match (to, from) {
        (SocketAddr::V4(_), IpAddr::V4(_)) | (SocketAddr::V6(_), IpAddr::V6(_)) => from,
        (SocketAddr::V4(_), IpAddr::V6(_)) => Ipv4Addr::UNSPECIFIED.into(),
        (SocketAddr::V6(_), IpAddr::V4(_)) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = open(to)?;
    socket.bind(&SocketAddr::new(from, 0).into())?;
    socket.connect(&to.into())?;
    BatchSocket::new(socket.into())
}

fn open(family_of: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(family_of),
        Type::DGRAM,
        Some(Protocol::UDP),
    )?;
    socket.set_nonblocking(true)?;
    // The kernel gives as much as its own limits allow, and doesn't fail.
    socket.set_recv_buffer_size(BUFFER_BYTES)?;
    socket.set_send_buffer_size(BUFFER_BYTES)?;
    // PROBE sets DF like DO, but doesn't believe ICMP about the path's MTU: anybody could forge that. Callers find it by probes of
    // their own (RFC 8899). An IPv6 socket may carry IPv4 too.
    set_ip_mtu_discover(&socket, Ipv4PathMtuDiscovery::PROBE)?;
    if family_of.is_ipv6() {
        set_ipv6_mtu_discover(&socket, Ipv6PathMtuDiscovery::PROBE)?;
    }
    Ok(socket)
}

/// Sends a run of datagrams. An error about an earlier one (ICMP, MTU) fails the next send, which then hasn't been tried: try again,
/// once.
pub(super) fn send(socket: &BatchSocket, run: &Run<'_>) -> Result<(), DropReason> {
    let outcome = socket.send(run).or_else(|first| {
        if first.kind() == io::ErrorKind::WouldBlock {
            Err(first)
        } else {
            socket.send(run)
        }
    });
    match outcome.map_err(|error| Errno::from_io_error(&error)) {
        Ok(_) => Ok(()),
        Err(Some(Errno::MSGSIZE)) => Err(DropReason::TooBig),
        Err(_) => Err(DropReason::Unsendable),
    }
}

/// Tells that this process or host has as many files open as it may.
pub(super) fn is_out_of_descriptors(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::MFILE | Errno::NFILE)
    )
}
