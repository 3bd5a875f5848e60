//! The packets' way: receive, decide, hand to the reply side. One task, one batch of buffers, no allocation for what is dropped.
//!
//! The kernel joins what one address sends, whatever connections it is of (TRANSPORT finding 14): each datagram is decided about,
//! and those of one host that follow each other go on together.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use protocol::cid::{Handle, Selector};
use protocol::forward::{DropReason, Forwarder, InitialLimit, InitialRate, SourcePrefix, Verdict};
use tokio::time::{MissedTickBehavior, interval};
use tunnel::{Batch, BatchSocket, Run};

use super::metrics::Meters;
use super::reply::{Packets, Reply};
use super::routing::Routing;

/// Runs of packets that are received at once, and between two looks at what else there is to do.
const AT_ONCE: usize = 32;
const SWEEP_EVERY: Duration = Duration::from_secs(5);
const LOG_EVERY: Duration = Duration::from_secs(1);

/// Decides about each datagram from outside and passes the good ones on.
#[derive(Debug)]
pub(super) struct Relay<R> {
    routing: Arc<Routing>,
    initials: InitialLimit,
    replies: R,
    meters: Meters,
    started: Instant,
    logged: Option<Duration>,
}

/// Whom a datagram is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Way {
    handle: Handle,
    to: SocketAddr,
    initial: Option<Selector>,
}

/// A part of a run that goes one way.
#[derive(Clone, Copy, Debug)]
struct Onward {
    way: Way,
    start: usize,
    end: usize,
}

impl Onward {
    /// Whether what comes next can go along: the same way, and nothing that was dropped in between.
    fn takes(&self, next: &Self) -> bool {
        self.way == next.way && self.end == next.start
    }
}

impl<R: Reply> Relay<R> {
    pub(super) fn new(
        started: Instant,
        routing: Arc<Routing>,
        initials: InitialRate,
        replies: R,
        meters: Meters,
    ) -> Self {
        let initials = InitialLimit::new(initials, rand::random());
        Self {
            routing,
            initials,
            replies,
            meters,
            started,
            logged: None,
        }
    }

    /// Forwards for as long as the socket lives.
    pub(super) async fn run(&mut self, public: &BatchSocket) -> io::Error {
        let mut batch = Batch::new(AT_ONCE);
        let mut sweep = interval(SWEEP_EVERY);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                readable = public.readable() => match readable {
                    Ok(()) if self.receive(public, &mut batch) => tokio::task::yield_now().await,
                    Ok(()) => {}
                    Err(error) => return error,
                },
                _ = sweep.tick() => self.replies.expire(self.started.elapsed()),
            }
        }
    }

    /// Takes what is there, up to a batch, by one forwarder and one reading of the clocks. Tells whether there may be more.
    fn receive(&mut self, public: &BatchSocket, batch: &mut Batch) -> bool {
        let received = match public.try_receive(batch) {
            Ok(received) => received,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
            // An ICMP error about something sent earlier; reading it has cleared it.
            Err(error) => {
                tracing::trace!(%error, "public socket");
                return true;
            }
        };
        let routing = Arc::clone(&self.routing);
        let forwarder = routing.current();
        let now = self.started.elapsed();
        let now_unix = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        for run in batch.runs(received) {
            self.run_of_one_caller(forwarder.as_deref(), now, now_unix, run);
        }
        true
    }

    /// Sorts a caller's datagrams by whom they are for.
    fn run_of_one_caller(
        &mut self,
        forwarder: Option<&Forwarder>,
        now: Duration,
        now_unix: u64,
        run: Run<'_>,
    ) {
        // Without a View there is no key: whatever this is, it can't be opened.
        let Some(forwarder) = forwarder else {
            return self.dropped(now, DropReason::UnknownGeneration, run.count());
        };
        let mut begun: Option<Onward> = None;
        let mut end = 0;
        for datagram in run.datagrams() {
            let start = end;
            end += datagram.len();
            let next = match self.decide(forwarder, now, now_unix, run.remote, datagram) {
                Ok(way) => Some(Onward { way, start, end }),
                Err(reason) => {
                    self.dropped(now, reason, 1);
                    None
                }
            };
            begun = match (begun, next) {
                (Some(begun), Some(next)) if begun.takes(&next) => Some(Onward { end, ..begun }),
                (Some(begun), next) => {
                    self.forward(now, run, begun);
                    next
                }
                (None, next) => next,
            };
        }
        if let Some(last) = begun {
            self.forward(now, run, last);
        }
    }

    /// Where one datagram goes, if it goes on.
    fn decide(
        &mut self,
        forwarder: &Forwarder,
        now: Duration,
        now_unix: u64,
        from: SocketAddr,
        datagram: &[u8],
    ) -> Result<Way, DropReason> {
        let way = match forwarder.handle_datagram(now_unix, datagram) {
            Verdict::Forward {
                handle,
                to,
                initial,
            } => Way {
                handle,
                to,
                initial,
            },
            Verdict::Drop(reason) => return Err(reason),
        };
        let admitted = way.initial.is_none_or(|selector| {
            self.initials
                .admit(now, selector, SourcePrefix::of(from.ip()))
        });
        if admitted {
            Ok(way)
        } else {
            Err(DropReason::RateLimited)
        }
    }

    fn forward(&mut self, now: Duration, of: Run<'_>, Onward { way, start, end }: Onward) {
        let run = Run {
            bytes: &of.bytes[start..end],
            ..of
        };
        let packets = Packets {
            now,
            handle: way.handle,
            to: way.to,
            initial: way.initial,
            run,
        };
        match self.replies.forward(packets) {
            Ok(()) => self.meters.to_node(&run),
            Err(reason) => self.dropped(now, reason, run.count()),
        }
    }

    /// Counts, and logs one of them a second at most.
    fn dropped(&mut self, now: Duration, reason: DropReason, packets: usize) {
        self.meters.dropped(reason, packets);
        if self.logged.is_none_or(|last| now - last >= LOG_EVERY) {
            self.logged = Some(now);
            tracing::debug!(
                reason = reason.label(),
                "dropped a datagram, and maybe more that are only counted"
            );
        }
    }

    #[cfg(test)]
    pub(super) fn flows(&self) -> usize {
        self.replies.flows()
    }
}
