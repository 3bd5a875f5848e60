//! The packets' way: receive, decide, hand to the reply side. One task, one buffer, no allocation for what is dropped.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use protocol::forward::{DropReason, Forwarder, InitialLimit, InitialRate, SourcePrefix, Verdict};
use tokio::net::UdpSocket;
use tokio::time::{MissedTickBehavior, interval};

use super::metrics::Meters;
use super::reply::{Packet, Reply};
use super::routing::Routing;

/// Packets between two looks at what else there is to do.
const BATCH: usize = 64;
const SWEEP_EVERY: Duration = Duration::from_secs(5);
const LOG_EVERY: Duration = Duration::from_secs(1);
/// No datagram is longer.
const BUFFER_BYTES: usize = 1 << 16;

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
    pub(super) async fn run(&mut self, public: &UdpSocket) -> io::Error {
        let mut buffer = vec![0; BUFFER_BYTES];
        let mut sweep = interval(SWEEP_EVERY);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                readable = public.readable() => match readable {
                    Ok(()) if self.batch(public, &mut buffer) => tokio::task::yield_now().await,
                    Ok(()) => {}
                    Err(error) => return error,
                },
                _ = sweep.tick() => self.replies.expire(self.started.elapsed()),
            }
        }
    }

    /// Takes what is there, up to a batch, by one forwarder and one reading of the clocks. Tells whether there may be more.
    fn batch(&mut self, public: &UdpSocket, buffer: &mut [u8]) -> bool {
        let routing = Arc::clone(&self.routing);
        let forwarder = routing.current();
        let now = self.started.elapsed();
        let now_unix = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        for _ in 0..BATCH {
            match public.try_recv_from(buffer) {
                Ok((length, from)) => {
                    self.datagram(forwarder.as_deref(), now, now_unix, from, &buffer[..length])
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                // An ICMP error about something sent earlier; reading it has cleared it.
                Err(error) => tracing::trace!(%error, "public socket"),
            }
        }
        true
    }

    fn datagram(
        &mut self,
        forwarder: Option<&Forwarder>,
        now: Duration,
        now_unix: u64,
        from: SocketAddr,
        datagram: &[u8],
    ) {
        // Without a View there is no key: whatever this is, it can't be opened.
        let Some(forwarder) = forwarder else {
            return self.dropped(now, DropReason::UnknownGeneration);
        };
        let (handle, to, initial) = match forwarder.handle_datagram(now_unix, datagram) {
            Verdict::Forward {
                handle,
                to,
                initial,
            } => (handle, to, initial),
            Verdict::Drop(reason) => return self.dropped(now, reason),
        };
        let admitted = initial.is_none_or(|selector| {
            self.initials
                .admit(now, selector, SourcePrefix::of(from.ip()))
        });
        if !admitted {
            return self.dropped(now, DropReason::RateLimited);
        }
        match self.replies.forward(Packet {
            now,
            from,
            handle,
            to,
            initial,
            datagram,
        }) {
            Ok(()) => self.meters.to_node(datagram.len()),
            Err(reason) => self.dropped(now, reason),
        }
    }

    /// Counts, and logs one of them a second at most.
    fn dropped(&mut self, now: Duration, reason: DropReason) {
        self.meters.dropped(reason);
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
