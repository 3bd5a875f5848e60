//! Raw UDP at its best: one `send` is ten packets, one `recv` as many as the kernel has put together.

use std::net::{SocketAddr, UdpSocket};

use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::{UdpGroSegment, UdpGsoSegment};
use socket2::SockRef;

use crate::Total;

/// A packet's payload: as large as a tunnel's packet may be on a link of 1,500 bytes.
const PACKET: usize = 1_420;
/// As many as quinn hands down at once.
const BATCH: usize = 10;
/// As a node asks for.
const BUFFER: usize = 4 << 20;

pub(crate) fn send(to: SocketAddr) {
    let socket = UdpSocket::bind(("0.0.0.0", 0)).unwrap();
    socket.connect(to).unwrap();
    SockRef::from(&socket).set_send_buffer_size(BUFFER).unwrap();
    setsockopt(&socket, UdpGsoSegment, &i32::try_from(PACKET).unwrap()).unwrap();
    let batch = vec![7; PACKET * BATCH];
    loop {
        socket.send(&batch).unwrap();
    }
}

pub(crate) fn receive(at: SocketAddr) {
    let socket = UdpSocket::bind(at).unwrap();
    SockRef::from(&socket).set_recv_buffer_size(BUFFER).unwrap();
    setsockopt(&socket, UdpGroSegment, &true).unwrap();
    let mut buffer = vec![0; 65_536];
    let mut total = Total::new();
    loop {
        total.add(socket.recv(&mut buffer).unwrap());
    }
}
