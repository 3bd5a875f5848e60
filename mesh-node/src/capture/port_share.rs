//! The apps' ports, listened on by every shard: a socket for each, among which the kernel spreads new connections and senders.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::num::NonZeroU8;
use std::os::fd::AsFd;
use std::sync::Arc;

use parking_lot::Mutex;
use socket2::{Domain, SockRef, Socket, Type};
use tunnel::Sockets;

const BACKLOG: i32 = 1024;

/// One shard's share in the ports.
#[derive(Debug, Clone)]
pub(crate) struct PortShare {
    shard: u8,
    ports: Arc<Ports>,
}

#[derive(Debug)]
struct Ports {
    shards: NonZeroU8,
    sockets: Sockets,
    tcp: Mutex<Waiting<TcpListener>>,
    udp: Mutex<Waiting<UdpSocket>>,
}

/// Sockets that were bound for shards which haven't asked yet.
type Waiting<S> = BTreeMap<u16, Vec<(u8, S)>>;

impl PortShare {
    /// The first shard's share.
    pub(crate) fn first(shards: NonZeroU8, sockets: Sockets) -> Self {
        let ports = Ports {
            shards,
            sockets,
            tcp: Mutex::default(),
            udp: Mutex::default(),
        };
        Self {
            shard: 0,
            ports: Arc::new(ports),
        }
    }

    /// Another shard's share in the same ports.
    pub(crate) fn of(&self, shard: u8) -> Self {
        Self {
            shard,
            ports: Arc::clone(&self.ports),
        }
    }

    /// A listener of this shard's on a TCP port of 127.0.0.1.
    pub(crate) fn tcp(&self, port: u16) -> io::Result<TcpListener> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let open = |is_shared: bool| {
            let socket = bind(address, Type::STREAM, is_shared)?;
            socket.listen(BACKLOG)?;
            Ok(socket.into())
        };
        let sockets = &self.ports.sockets;
        self.take(&self.ports.tcp, port, |shard, is_shared| {
            sockets.tcp(&kept_as("tcp", port, shard), address, || open(is_shared))
        })
    }

    /// A socket of this shard's on a UDP port of 127.0.0.1. A sender's datagrams all come to one shard.
    pub(crate) fn udp(&self, port: u16) -> io::Result<UdpSocket> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let open = |is_shared| bind(address, Type::DGRAM, is_shared).map(UdpSocket::from);
        let sockets = &self.ports.sockets;
        self.take(&self.ports.udp, port, |shard, is_shared| {
            sockets.udp(&kept_as("udp", port, shard), address, || open(is_shared))
        })
    }

    /// This shard listens there no more, nor does the next process.
    pub(crate) fn release(&self, port: u16) {
        for kind in ["tcp", "udp"] {
            self.ports.sockets.release(&kept_as(kind, port, self.shard));
        }
    }

    /// Whoever comes first binds the port for all, so that no other process has it, and none has half of it.
    fn take<S: AsFd>(
        &self,
        waiting: &Mutex<Waiting<S>>,
        port: u16,
        open: impl Fn(u8, bool) -> io::Result<S>,
    ) -> io::Result<S> {
        let mut waiting = waiting.lock();
        match waiting.entry(port) {
            Entry::Occupied(mut entry) => {
                let own = entry
                    .get()
                    .iter()
                    .position(|(shard, _)| *shard == self.shard);
                let socket = own.map(|at| entry.get_mut().swap_remove(at).1);
                if entry.get().is_empty() {
                    entry.remove();
                }
                // It has had its own, and let it go before the others came.
                socket.map_or_else(|| open(self.shard, true), Ok)
            }
            Entry::Vacant(entry) => {
                let first = open(self.shard, false)?;
                let others = (0..self.ports.shards.get()).filter(|shard| *shard != self.shard);
                if self.ports.shards > NonZeroU8::MIN {
                    SockRef::from(&first).set_reuse_port(true)?;
                    let others = others.map(|shard| Ok((shard, open(shard, true)?)));
                    entry.insert(others.collect::<io::Result<_>>()?);
                }
                Ok(first)
            }
        }
    }
}

/// The name under which a socket is kept for the next process.
fn kept_as(kind: &str, port: u16, shard: u8) -> String {
    match shard {
        0 => format!("node.{kind}.{port}"),
        shard => format!("node.{kind}.{port}.{shard}"),
    }
}

fn bind(address: SocketAddr, kind: Type, is_shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, kind, None)?;
    if kind == Type::STREAM {
        socket.set_reuse_address(true)?;
    }
    socket.set_reuse_port(is_shared)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use std::net::TcpStream;

    use super::*;

    fn free_port() -> u16 {
        let probe = TcpListener::bind("127.0.0.1:0").unwrap();
        probe.local_addr().unwrap().port()
    }

    fn shares(shards: u8) -> Vec<PortShare> {
        let first = PortShare::first(shards.try_into().unwrap(), Sockets::default());
        (0..shards).map(|shard| first.of(shard)).collect()
    }

    #[test]
    fn every_shard_gets_its_part_of_the_connections() {
        let (port, shares) = (free_port(), shares(3));
        // Whichever comes first.
        let mut listeners: Vec<_> = [2, 0, 1]
            .map(|shard: usize| shares[shard].tcp(port).unwrap())
            .into();
        assert!(shares[0].ports.tcp.lock().is_empty());
        let callers: Vec<_> = (0..200)
            .map(|_| TcpStream::connect(("127.0.0.1", port)).unwrap())
            .collect();
        let accepted = listeners
            .iter_mut()
            .map(|listener| std::iter::from_fn(|| listener.accept().ok()).count());
        let accepted: Vec<_> = accepted.collect();
        assert_eq!(accepted.iter().sum::<usize>(), callers.len());
        assert!(accepted.iter().all(|count| *count > 0), "{accepted:?}");
    }

    #[test]
    fn a_port_that_another_node_shares_is_not_to_be_had() {
        let (port, ours, theirs) = (free_port(), shares(2), shares(2));
        let _listeners = [ours[0].tcp(port).unwrap(), ours[1].tcp(port).unwrap()];
        let _sockets = [ours[0].udp(port).unwrap(), ours[1].udp(port).unwrap()];
        for share in &theirs {
            assert_eq!(
                share.tcp(port).unwrap_err().kind(),
                io::ErrorKind::AddrInUse
            );
            assert_eq!(
                share.udp(port).unwrap_err().kind(),
                io::ErrorKind::AddrInUse
            );
        }
    }

    #[test]
    fn a_shard_that_lets_go_gets_in_again() {
        let (port, shares) = (free_port(), shares(2));
        drop(shares[0].tcp(port).unwrap());
        let _again = shares[0].tcp(port).unwrap();
        let _other = shares[1].tcp(port).unwrap();
    }
}
