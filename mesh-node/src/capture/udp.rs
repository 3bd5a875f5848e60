//! One UDP port on 127.0.0.1: the packets of an app, as a flow for each address that it sends from.
//!
//! ```text
//!   app ── packet ── flow of its address? ── yes: its queue ──> Outbound::udp ── replies ──> app
//!                                         └─ no: a new one; the one used longest ago makes room if need be
//! ```

mod flows;

use std::io;
use std::net::{self, SocketAddr};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use protocol::name::MeshHost;
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::PortShare;
use crate::observe::metrics::udp::{DropReason, dropped};
use crate::outbound::udp::{AppFlow, Replies, Waiting};
use crate::outbound::{Outbound, Source};
use flows::{FlowLimits, Flows, Usage};

/// Packets of one flow that wait for its session.
const MAX_WAITING: usize = 256;
/// Bytes of all flows of a port that wait.
const MAX_WAITING_BYTES: usize = 4 << 20;
/// Packets that are read before anything else has its turn.
const BATCH: usize = 64;
/// More than any packet has.
const BUFFER: usize = 64 << 10;
/// What the system is asked to queue for a port: as much as it gives (PERFORMANCE section 8, 9).
const SOCKET_BUFFER_BYTES: usize = 4 << 20;
/// How long answers under way have when the node stops.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// Where the packets of a port go, and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lead {
    pub(super) source: Arc<Source>,
    pub(super) host: MeshHost,
}

/// A port that is listened on.
#[derive(Debug)]
pub(super) struct Bound {
    lead: watch::Sender<Lead>,
    close: CancellationToken,
}

/// Its receiving half.
#[derive(Debug)]
pub(super) struct Receiving {
    socket: net::UdpSocket,
    lead: watch::Receiver<Lead>,
    close: CancellationToken,
    stop: CancellationToken,
}

/// Binds a port of 127.0.0.1 for this shard.
pub(super) fn bind(
    share: &PortShare,
    port: u16,
    lead: Lead,
    stop: &CancellationToken,
) -> io::Result<(Bound, Receiving)> {
    let socket = share.udp(port)?;
    enlarge_buffers(&socket);
    let (tell, lead) = watch::channel(lead);
    let close = CancellationToken::new();
    let bound = Bound {
        lead: tell,
        close: close.clone(),
    };
    Ok((
        bound,
        Receiving {
            socket,
            lead,
            close,
            stop: stop.clone(),
        },
    ))
}

fn enlarge_buffers(socket: &net::UdpSocket) {
    let socket = socket2::SockRef::from(socket);
    for enlarged in [
        socket.set_recv_buffer_size(SOCKET_BUFFER_BYTES),
        socket.set_send_buffer_size(SOCKET_BUFFER_BYTES),
    ] {
        if let Err(error) = enlarged {
            tracing::debug!(%error, "socket buffers stay as they are");
        }
    }
}

impl Bound {
    /// Lets the port lead elsewhere: flows that lead where it led before are over. True, as any port can.
    pub(super) fn lead_to(&self, lead: &Lead) -> bool {
        self.lead.send_if_modified(|current| {
            let is_other = current != lead;
            if is_other {
                current.clone_from(lead);
            }
            is_other
        });
        true
    }

    /// Takes nothing more.
    pub(super) fn close(&self) {
        self.close.cancel();
    }
}

/// A flow as the table holds it. Dropped, the flow is over when it has sent what waits.
#[derive(Debug)]
struct Held {
    packets: mpsc::Sender<Waiting>,
    over: Arc<OnceLock<&'static str>>,
}

impl Held {
    fn end(self, why: &'static str) {
        self.over.get_or_init(|| why);
    }
}

/// The way back to one address of the app.
struct Back {
    socket: Arc<UdpSocket>,
    to: SocketAddr,
    usage: Arc<Usage>,
    begun: Instant,
}

impl Replies for Back {
    async fn reply(&self, packet: &[u8]) -> bool {
        self.usage.note_answered(self.begun.elapsed());
        let sent = self.socket.send_to(packet, self.to).await;
        if let Err(error) = &sent {
            tracing::trace!(%error, to = %self.to, "an app didn't take a packet");
        }
        sent.is_ok()
    }
}

impl Receiving {
    /// Receives until closed or stopped.
    pub(super) async fn run(self, outbound: Arc<Outbound>, sessions: TaskTracker) {
        let socket = match UdpSocket::from_std(self.socket) {
            Ok(socket) => Arc::new(socket),
            Err(error) => return tracing::error!(%error, "a UDP listener can't be watched"),
        };
        let mut port = Port {
            outbound,
            sessions,
            socket,
            lead: self.lead,
            flows: Flows::new(FlowLimits::default()),
            tasks: JoinSet::new(),
            waiting_bytes: Arc::default(),
            begun: Instant::now(),
            buffer: vec![0; BUFFER].into(),
        };
        let mut ticks = interval(Duration::from_secs(1));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                readable = port.socket.readable() => match readable {
                    Ok(()) => port.receive(),
                    Err(error) => return tracing::error!(%error, "a UDP listener broke"),
                },
                _ = ticks.tick() => port.expire(),
                Some(ended) = port.tasks.join_next() => port.forget(ended),
                Ok(()) = port.lead.changed() => port.end_all("led-elsewhere"),
                () = self.close.cancelled() => return port.close("closed"),
                () = self.stop.cancelled() => return port.drain().await,
            }
        }
    }
}

/// A port at work.
struct Port {
    outbound: Arc<Outbound>,
    sessions: TaskTracker,
    socket: Arc<UdpSocket>,
    lead: watch::Receiver<Lead>,
    flows: Flows<Held>,
    /// A task for each flow, which says which it was.
    tasks: JoinSet<(SocketAddr, u64)>,
    waiting_bytes: Arc<AtomicUsize>,
    begun: Instant,
    buffer: Box<[u8]>,
}

impl Port {
    /// Takes what is there, a batch at most.
    fn receive(&mut self) {
        for _ in 0..BATCH {
            match self.socket.try_recv_from(&mut self.buffer) {
                Ok((length, from)) => {
                    let packet = Bytes::copy_from_slice(&self.buffer[..length]);
                    self.take(from, packet);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => return tracing::debug!(%error, "a packet could not be received"),
            }
        }
    }

    fn take(&mut self, from: SocketAddr, packet: Bytes) {
        let Some(waiting) = Waiting::new(packet, &self.waiting_bytes, MAX_WAITING_BYTES) else {
            return dropped(DropReason::Queue, 1);
        };
        let now = self.begun.elapsed();
        let held = match self.flows.find(from, now) {
            Some(held) => held.packets.try_send(waiting),
            None => self.begin(from, now).try_send(waiting),
        };
        if held.is_err() {
            dropped(DropReason::Queue, 1);
        }
    }

    /// Begins a flow.
    fn begin(&mut self, from: SocketAddr, now: Duration) -> mpsc::Sender<Waiting> {
        let (packets, receiver) = mpsc::channel(MAX_WAITING);
        let over = Arc::new(OnceLock::new());
        let mut begun = None;
        let evicted = self.flows.begin(from, now, |number, usage| {
            begun = Some((number, Arc::clone(usage)));
            Held {
                packets: packets.clone(),
                over: Arc::clone(&over),
            }
        });
        if let Some(evicted) = evicted {
            evicted.end("crowded-out");
        }
        if let Some((number, usage)) = begun {
            let replies = Back {
                socket: Arc::clone(&self.socket),
                to: from,
                usage,
                begun: self.begun,
            };
            let flow = AppFlow {
                packets: receiver,
                over,
                replies,
            };
            let (outbound, lead) = (Arc::clone(&self.outbound), self.lead.borrow().clone());
            self.tasks.spawn(self.sessions.track_future(async move {
                outbound.udp(&lead.source, &lead.host, flow).await;
                (from, number)
            }));
        }
        packets
    }

    fn expire(&mut self) {
        for held in self.flows.expire(self.begun.elapsed()) {
            held.end("idle");
        }
    }

    fn forget(&mut self, ended: Result<(SocketAddr, u64), tokio::task::JoinError>) {
        match ended {
            Ok((from, number)) => drop(self.flows.end(from, number)),
            Err(error) => tracing::error!(%error, "a flow's task panicked; the flow is gone"),
        }
    }

    fn end_all(&mut self, why: &'static str) {
        for held in self.flows.take_all() {
            held.end(why);
        }
    }

    /// Takes nothing more off the socket: that is for the next process. Answers under way have a moment.
    async fn drain(mut self) {
        let answers = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(LAST_ANSWERS, answers).await.is_err() {
            self.close("draining");
        }
    }

    /// Ends all flows; their tasks are waited for by whoever waits for all of them.
    fn close(mut self, why: &'static str) {
        self.end_all(why);
        self.tasks.detach_all();
    }
}
