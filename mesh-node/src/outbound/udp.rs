//! An app's packets on their way out: service → place and endpoint → tunnel → session. A session is pinned to its endpoint for as long
//! as it lives; when it breaks, the flow's next packet begins another.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use protocol::name::MeshHost;
use protocol::view::Protocol;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tunnel::{MessageError, RequestError, UdpRecv, UdpSend, UdpSession};

use super::attempt::{Failed, Trying};
use super::pick::{self, Draws, Picked};
use super::pool::InUse;
use super::rescue::OutboundError;
use super::retry::{Attempts, Next, Repeatable};
use super::service::{self, Directory, Endpoint, Plan, Service};
use super::{Outbound, Source};
use crate::http::send::Busy;
use crate::observe::metrics::udp::{self, DropReason};
use crate::observe::{Carried, Direction, SessionRecord};

/// Packets that are sent before the other end has answered, and again to another endpoint if this one refuses.
const MAX_EARLY: usize = 16;
/// After a session that came to nothing: what the app sends meanwhile would come to nothing too.
const PAUSE: Duration = Duration::from_secs(1);

/// A packet that waits for its session, and the room that it takes among all that wait.
#[derive(Debug)]
pub(crate) struct Waiting {
    packet: Bytes,
    room: Arc<AtomicUsize>,
}

/// One flow of an app, as capture hands it over.
#[derive(Debug)]
pub(crate) struct AppFlow<R> {
    /// What the app sends; closed when the flow is over.
    pub(crate) packets: mpsc::Receiver<Waiting>,
    /// Why it is over.
    pub(crate) over: Arc<OnceLock<&'static str>>,
    pub(crate) replies: R,
}

/// The way back to the app.
pub(crate) trait Replies: Send + Sync + 'static {
    /// Sends one packet to the app; false when it couldn't be.
    fn reply(&self, packet: &[u8]) -> impl Future<Output = bool> + Send;
}

/// A session that stands, and what it holds open.
struct Standing {
    session: UdpSession,
    service: Arc<Service>,
    plan: Arc<Plan>,
    picked: Picked,
    _tunnel: InUse,
    _busy: Busy,
}

/// Why a session is over.
enum End {
    /// The flow is.
    Flow,
    /// The other end has ended it, or lost it.
    There(Result<(), MessageError>),
}

impl Waiting {
    /// Takes `room` for a packet, if it leaves that below `limit`.
    pub(crate) fn new(packet: Bytes, room: &Arc<AtomicUsize>, limit: usize) -> Option<Self> {
        let waiting = Self {
            room: Arc::clone(room),
            packet,
        };
        let before = room.fetch_add(waiting.packet.len(), Ordering::Relaxed);
        (before < limit).then_some(waiting)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.room.fetch_sub(self.packet.len(), Ordering::Relaxed);
    }
}

impl Outbound {
    /// Carries a flow until it is over.
    pub(crate) async fn udp<R: Replies>(
        &self,
        source: &Source,
        host: &MeshHost,
        mut flow: AppFlow<R>,
    ) {
        while let Some(first) = flow.packets.recv().await {
            let mut early = vec![first];
            while early.len() < MAX_EARLY
                && let Ok(next) = flow.packets.try_recv()
            {
                early.push(next);
            }
            let nowhere = Arc::from("");
            let mut record =
                self.observer
                    .session(Direction::Outbound, &source.id, &source.label, &nowhere);
            let goes_on = match self.open(source, host, &early, &mut record).await {
                Ok(standing) => flow.carry(standing, source, early, record).await,
                Err(error) => {
                    udp::dropped(DropReason::NoSession, early.len() as u64);
                    record.failed(error.reason(), &error);
                    false
                }
            };
            if !goes_on {
                flow.pause().await;
            }
        }
    }

    /// Attempt after attempt, until a session stands.
    async fn open(
        &self,
        source: &Source,
        host: &MeshHost,
        early: &[Waiting],
        record: &mut SessionRecord,
    ) -> Result<Standing, OutboundError> {
        let directory = self.directory.load_full().ok_or(OutboundError::NotReady)?;
        let (service, plan) = service::find(&directory, host)
            .filter(|(service, _)| service.facts.protocol == Protocol::Udp)
            .ok_or_else(|| OutboundError::UnknownHost(host.to_string()))?;
        record.service(&service.label);
        let trying = Trying {
            source,
            service: &service,
            plan: &plan,
        };
        let mut attempts = Attempts::new(Instant::now());
        let mut tried: Vec<Arc<Endpoint>> = Vec::new();
        loop {
            attempts.begin();
            record.attempts(attempts.made());
            let picked = pick::endpoint(&plan, std::time::Instant::now(), Draws::new(), &tried)
                .map_err(|nowhere| trying.nowhere(nowhere).error)?;
            record.endpoint(&picked.endpoint.facts.spiffe_id, &picked.endpoint.cluster);
            picked.endpoint.counters.attempts.increment(1);
            let busy = Busy::new(&picked.endpoint.state.in_flight);
            let deadline = attempts.deadline();
            let begun = self.begin(&directory, &trying, &picked, early, deadline);
            let failed = match begun.await {
                Ok((session, tunnel)) => {
                    trying.opened(&picked);
                    return Ok(Standing {
                        session,
                        service: Arc::clone(&service),
                        plan: Arc::clone(&plan),
                        picked,
                        _tunnel: tunnel,
                        _busy: busy,
                    });
                }
                Err(failed) => failed,
            };
            trying.failed(&picked, &failed);
            tried.push(picked.endpoint);
            let again = Repeatable {
                body: true,
                harmless: false,
            };
            match attempts.settle(failed.failure, again, Instant::now()) {
                Next::Again(pause) => sleep(pause).await,
                Next::IfPaid | Next::GiveUp => return Err(failed.error),
            }
        }
    }

    /// One attempt: a tunnel, a session on it, the first packets, the answer.
    async fn begin(
        &self,
        directory: &Arc<Directory>,
        trying: &Trying<'_>,
        picked: &Picked,
        early: &[Waiting],
        deadline: Instant,
    ) -> Result<(UdpSession, InUse), Failed> {
        let tunnel = self
            .pool
            .tunnel_to(
                &trying.source.id,
                &picked.endpoint,
                directory,
                self.pool.encoding(),
                deadline,
            )
            .await
            .map_err(|error| trying.no_tunnel(&error))?;
        let begun = async {
            let mut session = tunnel.udp_session(&trying.service.facts.name).await?;
            for waiting in early {
                // If it can't be sent, the answer says why.
                if session.sender().send(waiting.packet.clone()).await.is_err() {
                    break;
                }
            }
            session.opened().await?;
            Ok(session)
        };
        match timeout_at(deadline, begun).await {
            Ok(Ok(session)) => Ok((session, tunnel)),
            Ok(Err(error)) => Err(trying.no_answer(error)),
            Err(_) => Err(trying.no_answer(RequestError::Broken(MessageError::Reset))),
        }
    }
}

impl<R: Replies> AppFlow<R> {
    /// Carries packets both ways until the session or the flow is over; true if another session may be begun at once.
    async fn carry(
        &mut self,
        standing: Standing,
        source: &Source,
        early: Vec<Waiting>,
        mut record: SessionRecord,
    ) -> bool {
        let carried = record.opened();
        for waiting in early {
            carried.request(waiting.packet.len());
        }
        let (mut send, mut recv) = standing.session.split();
        let end = tokio::select! {
            end = send_all(&mut self.packets, &mut send, &carried) => end,
            ended = reply_all(&self.replies, &mut recv, &carried) => End::There(ended),
        };
        match end {
            End::Flow => {
                send.finish();
                record.finish(self.over.get().copied().unwrap_or("done"));
                true
            }
            End::There(Ok(())) => {
                send.finish();
                record.finish("ended-there");
                true
            }
            End::There(Err(error)) => {
                let trying = Trying {
                    source,
                    service: &standing.service,
                    plan: &standing.plan,
                };
                let is_lost = error == MessageError::TunnelLost;
                if !is_lost {
                    trying.failed(&standing.picked, &trying.broken(&error.to_string()));
                }
                let end = if is_lost { "tunnel-lost" } else { "broken-off" };
                record.failed(end, &error);
                // Whoever never answered won't answer the next packet either.
                is_lost || carried.is_answered()
            }
        }
    }

    /// Drops what comes for a while.
    async fn pause(&mut self) {
        let until = Instant::now() + PAUSE;
        loop {
            tokio::select! {
                () = sleep_until(until) => return,
                packet = self.packets.recv() => match packet {
                    Some(_) => udp::dropped(DropReason::NoSession, 1),
                    None => return,
                },
            }
        }
    }
}

async fn send_all(
    packets: &mut mpsc::Receiver<Waiting>,
    send: &mut UdpSend,
    carried: &Carried,
) -> End {
    let mut displaced = send.displaced();
    while let Some(waiting) = packets.recv().await {
        let packet = waiting.packet.clone();
        carried.request(packet.len());
        if let Err(error) = send.send(packet).await {
            return End::There(Err(error));
        }
        let before = std::mem::replace(&mut displaced, send.displaced());
        carried.dropped(DropReason::Path, displaced - before);
    }
    End::Flow
}

async fn reply_all<R: Replies>(
    replies: &R,
    recv: &mut UdpRecv,
    carried: &Carried,
) -> Result<(), MessageError> {
    let mut overflowed = 0;
    while let Some(packet) = recv.recv().await? {
        carried.response(packet.len());
        if !replies.reply(&packet).await {
            carried.dropped(DropReason::App, 1);
        }
        let before = std::mem::replace(&mut overflowed, recv.overflowed());
        carried.dropped(DropReason::Queue, overflowed - before);
    }
    Ok(())
}
