//! A UDP wire between two clusters: what is sent to its front reaches the target from a port of its own for each caller, as
//! through a NAT, and every datagram that crosses is written down.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const LOOK_UP: Duration = Duration::from_millis(200);

/// One datagram that crossed.
#[derive(Debug, Clone)]
pub struct Datagram {
    /// The caller's address.
    pub caller: SocketAddr,
    /// From the caller to the target, or back.
    pub towards_target: bool,
    /// Its payload.
    pub bytes: Vec<u8>,
}

/// A running wire; dropped, it is cut.
#[derive(Debug)]
pub struct Relay {
    /// Where callers send to.
    pub front: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    target: SocketAddr,
    front: UdpSocket,
    crossed: Mutex<Vec<Datagram>>,
    stopped: AtomicBool,
}

impl Relay {
    /// Lays a wire from `front` (a free port, say) to `target`.
    pub fn start(front: SocketAddr, target: SocketAddr) -> Self {
        let socket = UdpSocket::bind(front).expect("the front of the wire");
        socket.set_read_timeout(Some(LOOK_UP)).unwrap();
        let front = socket.local_addr().unwrap();
        let shared = Arc::new(Shared {
            target,
            front: socket,
            crossed: Mutex::default(),
            stopped: AtomicBool::new(false),
        });
        let carrying = Arc::clone(&shared);
        std::thread::spawn(move || carrying.carry_there());
        Self { front, shared }
    }

    /// All that crossed so far.
    pub fn crossed(&self) -> Vec<Datagram> {
        self.shared.crossed.lock().unwrap().clone()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
    }
}

impl Shared {
    fn carry_there(self: &Arc<Self>) {
        let mut callers: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
        let mut buffer = vec![0; 65_536];
        while !self.stopped.load(Ordering::SeqCst) {
            let Ok((length, caller)) = self.front.recv_from(&mut buffer) else {
                continue;
            };
            let onward = callers
                .entry(caller)
                .or_insert_with(|| self.socket_for(caller));
            self.note(caller, true, &buffer[..length]);
            drop(onward.send(&buffer[..length])); // a dead target is the test's intention
        }
    }

    fn socket_for(self: &Arc<Self>, caller: SocketAddr) -> Arc<UdpSocket> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port for a caller");
        socket.connect(self.target).unwrap();
        socket.set_read_timeout(Some(LOOK_UP)).unwrap();
        let socket = Arc::new(socket);
        let (shared, from) = (Arc::clone(self), Arc::clone(&socket));
        std::thread::spawn(move || shared.carry_back(&from, caller));
        socket
    }

    fn carry_back(&self, from: &UdpSocket, caller: SocketAddr) {
        let mut buffer = vec![0; 65_536];
        while !self.stopped.load(Ordering::SeqCst) {
            let Ok(length) = from.recv(&mut buffer) else {
                continue;
            };
            self.note(caller, false, &buffer[..length]);
            drop(self.front.send_to(&buffer[..length], caller)); // a caller that left doesn't listen
        }
    }

    fn note(&self, caller: SocketAddr, towards_target: bool, bytes: &[u8]) {
        self.crossed.lock().unwrap().push(Datagram {
            caller,
            towards_target,
            bytes: bytes.to_vec(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relay_carries_both_ways_and_writes_down() {
        let target = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let relay = Relay::start(
            SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            target.local_addr().unwrap(),
        );
        let caller = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        caller.send_to(b"there", relay.front).unwrap();
        let mut buffer = [0; 64];
        let (length, via) = target.recv_from(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"there");
        target.send_to(b"back", via).unwrap();
        let (length, from) = caller.recv_from(&mut buffer).unwrap();
        assert_eq!((&buffer[..length], from), (&b"back"[..], relay.front));
        assert_eq!(relay.crossed().len(), 2);
    }
}
