//! Binding one UDP port once, or once for each shard.

use std::io;
use std::net::{SocketAddr, UdpSocket};

use socket2::{Domain, Protocol, SockRef, Socket, Type};

/// As much as the system gives, up to 4 MB: removes self-made loss (PERFORMANCE section 8, 9).
const SOCKET_BUFFER_BYTES: usize = 4 << 20;

/// Binds a port that nobody else may have, be it of the same user.
pub(crate) fn bind_first(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = open(address)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// Binds the port of `first` once more. Only from here on may sockets of this user's join it.
pub(crate) fn bind_next(first: &UdpSocket, address: SocketAddr) -> io::Result<UdpSocket> {
    SockRef::from(first).set_reuse_port(true)?;
    let socket = open(address)?;
    socket.set_reuse_port(true)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

fn open(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::DGRAM,
        Some(Protocol::UDP),
    )?;
    for enlarged in [
        socket.set_recv_buffer_size(SOCKET_BUFFER_BYTES),
        socket.set_send_buffer_size(SOCKET_BUFFER_BYTES),
    ] {
        if let Err(error) = enlarged {
            tracing::debug!(%error, "socket buffers stay as they are");
        }
    }
    Ok(socket)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn shards_share_a_port_that_nobody_else_gets() {
        let first = bind_first("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = first.local_addr().unwrap();
        let _second = bind_next(&first, address).unwrap();
        let _third = bind_next(&first, address).unwrap();
        let error = bind_first(address).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }
}
