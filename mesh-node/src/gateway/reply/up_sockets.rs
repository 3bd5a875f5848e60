//! Compat mode: one connected socket for each (caller's address, handle), in a bounded table, least recently used out first.

use std::cell::RefCell;
use std::collections::HashSet;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use protocol::forward::DropReason;
use tokio::net::UdpSocket;
use tokio_util::task::AbortOnDropHandle;

use super::{Packet, Reply};
use crate::gateway::flows::{FlowKey, FlowLimits, Flows};
use crate::gateway::metrics::Meters;
use crate::gateway::socket;

/// Replies of one caller between two looks at the others.
const BATCH: usize = 64;

thread_local! {
    /// Serves all flows of a thread, as nothing waits while it is in use. No datagram is longer.
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; 1 << 16].into());
}

/// The table of up-sockets.
#[derive(Debug)]
pub(in crate::gateway) struct UpSockets {
    flows: Flows<UpSocket>,
    idle: Duration,
    /// The inner addresses of all flows: what comes from one of them outside is this gateway's own, sent in a circle.
    inner: HashSet<SocketAddr>,
    inner_bind: IpAddr,
    public: Arc<UdpSocket>,
    meters: Meters,
    started: Instant,
}

/// One flow's socket; its task sends replies back and ends with it.
#[derive(Debug)]
struct UpSocket {
    socket: Arc<UdpSocket>,
    inner: SocketAddr,
    to: SocketAddr,
    replied: Arc<AtomicU64>,
    _task: AbortOnDropHandle<()>,
}

impl UpSockets {
    /// Makes an empty table; replies go out of `public`.
    pub(in crate::gateway) fn new(
        started: Instant,
        limits: FlowLimits,
        inner_bind: IpAddr,
        public: Arc<UdpSocket>,
        meters: Meters,
    ) -> Self {
        Self {
            flows: Flows::new(limits),
            idle: limits.idle,
            inner: HashSet::new(),
            inner_bind,
            public,
            meters,
            started,
        }
    }

    fn open(&mut self, packet: &Packet<'_>, key: FlowKey) -> Result<Arc<UdpSocket>, DropReason> {
        let from = SocketAddr::new(packet.from.ip().to_canonical(), packet.from.port());
        if self.inner.contains(&from) {
            return Err(DropReason::Loop);
        }
        self.flows.admit(key, packet.initial)?;
        let socket = self.connect(packet.to).map_err(|error| {
            tracing::debug!(%error, to = %packet.to, "no up-socket");
            DropReason::Unsendable
        })?;
        let inner = socket.local_addr().map_err(|_| DropReason::Unsendable)?;
        let socket = Arc::new(socket);
        let replied = Arc::new(AtomicU64::new(0));
        let back = WayBack {
            up: Arc::clone(&socket),
            public: Arc::clone(&self.public),
            caller: packet.from.into(),
            replied: Arc::clone(&replied),
            started: self.started,
            meters: self.meters.clone(),
        };
        let task = AbortOnDropHandle::new(tokio::spawn(back.run()));
        let flow = UpSocket {
            socket: Arc::clone(&socket),
            inner,
            to: packet.to,
            replied,
            _task: task,
        };
        self.inner.insert(inner);
        let evicted = self.flows.insert(key, packet.initial, packet.now, flow);
        self.closed(evicted);
        Ok(socket)
    }

    /// Where the process has no descriptor left, the flow that was used longest ago gives its own.
    fn connect(&mut self, to: SocketAddr) -> io::Result<UdpSocket> {
        match socket::connect(self.inner_bind, to) {
            Err(error) if socket::is_out_of_descriptors(&error) && self.flows.len() > 0 => {
                let evicted = self.flows.evict();
                self.closed(evicted);
                socket::connect(self.inner_bind, to)
            }
            outcome => outcome,
        }
    }

    fn closed(&mut self, flow: Option<UpSocket>) {
        if let Some(flow) = flow {
            self.inner.remove(&flow.inner);
        }
        self.meters.flows(self.flows.len());
    }
}

impl Reply for UpSockets {
    fn forward(&mut self, packet: Packet<'_>) -> Result<(), DropReason> {
        let key = FlowKey {
            caller: packet.from,
            handle: packet.handle,
        };
        if let Some(flow) = self.flows.find(key, packet.now) {
            if flow.to == packet.to {
                return socket::send(&flow.socket, packet.datagram);
            }
            // The host has moved.
            let moved = self.flows.remove(key);
            self.closed(moved);
        }
        let socket = self.open(&packet, key)?;
        socket::send(&socket, packet.datagram)
    }

    fn expire(&mut self, now: Duration) {
        let replied = |flow: &UpSocket| Duration::from_millis(flow.replied.load(Ordering::Relaxed));
        for flow in self.flows.expire(now, self.idle, replied) {
            self.inner.remove(&flow.inner);
        }
        self.meters.flows(self.flows.len());
    }

    #[cfg(test)]
    fn flows(&self) -> usize {
        self.flows.len()
    }
}

/// What brings one flow's replies back.
struct WayBack {
    up: Arc<UdpSocket>,
    public: Arc<UdpSocket>,
    caller: socket2::SockAddr,
    replied: Arc<AtomicU64>,
    started: Instant,
    meters: Meters,
}

impl WayBack {
    async fn run(self) {
        // Ends with its flow, or with the runtime.
        while self.up.readable().await.is_ok() {
            if BUFFER.with_borrow_mut(|buffer| self.batch(buffer)) {
                tokio::task::yield_now().await;
            }
        }
    }

    /// Takes what is there, up to a batch; tells whether there may be more.
    fn batch(&self, buffer: &mut [u8]) -> bool {
        for _ in 0..BATCH {
            match self.up.try_recv(buffer) {
                Ok(length) => self.reply(&buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                // The node isn't there at the moment, says ICMP. Its callers' packets go on trying.
                Err(error) => tracing::trace!(%error, "up-socket"),
            }
        }
        true
    }

    fn reply(&self, datagram: &[u8]) {
        self.replied
            .store(self.started.elapsed().as_millis() as u64, Ordering::Relaxed);
        match socket::send_to(&self.public, datagram, &self.caller) {
            Ok(()) => self.meters.to_caller(datagram.len()),
            Err(reason) => self.meters.dropped(reason),
        }
    }
}
