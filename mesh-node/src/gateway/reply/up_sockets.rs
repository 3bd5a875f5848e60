//! Compat mode: one connected socket for each (caller's address, handle), in a bounded table, least recently used out first.

use std::cell::RefCell;
use std::collections::HashSet;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use protocol::forward::DropReason;
use tokio_util::task::AbortOnDropHandle;
use tunnel::{Batch, BatchSocket, Run};

use super::{Packets, Reply};
use crate::gateway::flows::{FlowKey, FlowLimits, Flows};
use crate::gateway::metrics::Meters;
use crate::gateway::socket;

/// Runs of replies that are received at once.
const AT_ONCE: usize = 8;
/// Receptions for one caller between two looks at the others.
const ROUNDS: usize = 4;

thread_local! {
    /// Serves all flows of a thread, as nothing waits while it is in use.
    static BATCH: RefCell<Batch> = RefCell::new(Batch::new(AT_ONCE));
}

/// The table of up-sockets.
#[derive(Debug)]
pub(in crate::gateway) struct UpSockets {
    flows: Flows<UpSocket>,
    idle: Duration,
    /// The inner addresses of all flows: what comes from one of them outside is this gateway's own, sent in a circle.
    inner: HashSet<SocketAddr>,
    inner_bind: IpAddr,
    public: Arc<BatchSocket>,
    meters: Meters,
    started: Instant,
}

/// One flow's socket; its task sends replies back and ends with it.
#[derive(Debug)]
struct UpSocket {
    socket: Arc<BatchSocket>,
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
        public: Arc<BatchSocket>,
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

    fn open(
        &mut self,
        packets: &Packets<'_>,
        key: FlowKey,
    ) -> Result<Arc<BatchSocket>, DropReason> {
        let caller = packets.run.remote;
        let from = SocketAddr::new(caller.ip().to_canonical(), caller.port());
        if self.inner.contains(&from) {
            return Err(DropReason::Loop);
        }
        self.flows.admit(key, packets.initial)?;
        let socket = self.connect(packets.to).map_err(|error| {
            tracing::debug!(%error, to = %packets.to, "no up-socket");
            DropReason::Unsendable
        })?;
        let inner = socket.local_addr().map_err(|_| DropReason::Unsendable)?;
        let socket = Arc::new(socket);
        let replied = Arc::new(AtomicU64::new(0));
        let back = WayBack {
            up: Arc::clone(&socket),
            public: Arc::clone(&self.public),
            caller,
            replied: Arc::clone(&replied),
            started: self.started,
            meters: self.meters.clone(),
        };
        let task = AbortOnDropHandle::new(tokio::spawn(back.run()));
        let flow = UpSocket {
            socket: Arc::clone(&socket),
            inner,
            to: packets.to,
            replied,
            _task: task,
        };
        self.inner.insert(inner);
        let evicted = self.flows.insert(key, packets.initial, packets.now, flow);
        self.closed(evicted);
        Ok(socket)
    }

    /// Where the process has no descriptor left, the flow that was used longest ago gives its own.
    fn connect(&mut self, to: SocketAddr) -> io::Result<BatchSocket> {
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
    fn forward(&mut self, packets: Packets<'_>) -> Result<(), DropReason> {
        let key = FlowKey {
            caller: packets.run.remote,
            handle: packets.handle,
        };
        let run = Run {
            remote: packets.to,
            ..packets.run
        };
        if let Some(flow) = self.flows.find(key, packets.now) {
            if flow.to == packets.to {
                return socket::send(&flow.socket, &run);
            }
            // The host has moved.
            let moved = self.flows.remove(key);
            self.closed(moved);
        }
        let socket = self.open(&packets, key)?;
        socket::send(&socket, &run)
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
    up: Arc<BatchSocket>,
    public: Arc<BatchSocket>,
    caller: SocketAddr,
    replied: Arc<AtomicU64>,
    started: Instant,
    meters: Meters,
}

impl WayBack {
    async fn run(self) {
        // Ends with its flow, or with the runtime.
        while self.up.readable().await.is_ok() {
            if BATCH.with_borrow_mut(|batch| self.batch(batch)) {
                tokio::task::yield_now().await;
            }
        }
    }

    /// Takes what is there, up to some rounds; tells whether there may be more.
    fn batch(&self, batch: &mut Batch) -> bool {
        for _ in 0..ROUNDS {
            match self.up.try_receive(batch) {
                Ok(received) => batch.runs(received).for_each(|run| self.reply(run)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                // The node isn't there at the moment, says ICMP. Its callers' packets go on trying.
                Err(error) => tracing::trace!(%error, "up-socket"),
            }
        }
        true
    }

    fn reply(&self, run: Run<'_>) {
        self.replied
            .store(self.started.elapsed().as_millis() as u64, Ordering::Relaxed);
        let to_caller = Run {
            remote: self.caller,
            ..run
        };
        match socket::send(&self.public, &to_caller) {
            Ok(()) => self.meters.to_caller(&run),
            Err(reason) => self.meters.dropped(reason, run.count()),
        }
    }
}
