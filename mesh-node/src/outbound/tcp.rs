//! An app's TCP connection on its way out: service → place and endpoint → tunnel → OPENED, then bytes both ways until both ends are done.
//!
//! What the app says before the connection stands goes along at once, and is kept for another attempt: only an answer to it can come
//! from an app, and none gets a byte before OPENED. A connection is pinned to its endpoint: when that breaks, so does the connection.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use protocol::name::MeshHost;
use protocol::view::Protocol;
use tokio::time::{Instant, sleep, timeout_at};
use tunnel::{ByteRecv, ByteSend, RequestError, TcpAnswer};

use super::attempt::{Failed, Trying};
use super::pick::{self, Draws, Picked};
use super::pool::InUse;
use super::rescue::OutboundError;
use super::retry::{Attempts, Failure, Next, Repeatable};
use super::service::{self, Directory, Endpoint};
use super::{Outbound, Source};
use crate::http::send::Busy;
use crate::io::Io;
use crate::observe::{ConnectionRecord, Direction};
use crate::splice::Splice;

/// What is sent, and kept, before the connection stands.
const EARLY_BYTES: usize = 64 << 10;

/// A connection that stands: both halves of its stream, and what it holds open.
#[derive(Debug)]
pub(crate) struct Standing {
    send: ByteSend,
    recv: ByteRecv,
    /// What the app has said already.
    said: u64,
    /// What the service has said already.
    heard: Vec<Bytes>,
    record: ConnectionRecord,
    _tunnel: InUse,
    _busy: Busy,
}

/// What an app's connection brings along while it is being opened.
#[derive(Debug)]
enum Early<'a> {
    /// Its first bytes may go before the answer.
    Along(&'a mut Io),
    /// Nothing may go before the answer (P-15).
    Nothing,
}

/// The first bytes on one attempt.
#[derive(Debug, Default)]
struct Sent {
    /// So many of those that were read have been taken out for this attempt.
    taken: usize,
    waiting: [Bytes; 1],
    ended: bool,
}

impl Outbound {
    /// What the service behind `host` speaks, if there is one.
    pub(crate) fn protocol_of(&self, host: &MeshHost) -> Option<Protocol> {
        let directory = self.directory.load();
        let (service, _) = service::find(directory.as_deref()?, host)?;
        Some(service.facts.protocol)
    }

    /// Carries an app's connection to its end.
    pub(crate) async fn carry(&self, source: &Source, host: &MeshHost, mut io: Io) {
        match self.open_tcp(source, host, Early::Along(&mut io)).await {
            Ok(standing) => standing.carry(io).await,
            // It ends as one that nobody listens for would.
            Err(_) => io.reset(),
        }
    }

    /// Opens a connection for an app that is told so before it says anything.
    pub(crate) async fn connect(
        &self,
        source: &Source,
        host: &MeshHost,
    ) -> Result<Standing, OutboundError> {
        self.open_tcp(source, host, Early::Nothing).await
    }

    async fn open_tcp(
        &self,
        source: &Source,
        host: &MeshHost,
        early: Early<'_>,
    ) -> Result<Standing, OutboundError> {
        let mut record = self.observer.connection(
            Direction::Outbound,
            &source.id,
            &source.label,
            &Arc::from(""),
        );
        match self.try_until_open(source, host, early, &mut record).await {
            Ok((send, recv, tunnel, busy, said)) => Ok(Standing {
                send,
                recv,
                said,
                heard: Vec::new(),
                record,
                _tunnel: tunnel,
                _busy: busy,
            }),
            Err(error) => {
                record.failed(error.reason(), &error);
                record.finish();
                Err(error)
            }
        }
    }

    /// Attempt after attempt, until one stands or no other may be made.
    async fn try_until_open(
        &self,
        source: &Source,
        host: &MeshHost,
        mut early: Early<'_>,
        record: &mut ConnectionRecord,
    ) -> Result<(ByteSend, ByteRecv, InUse, Busy, u64), OutboundError> {
        let directory = self.directory.load_full().ok_or(OutboundError::NotReady)?;
        let (service, plan) = service::find(&directory, host)
            .filter(|(service, _)| service.facts.protocol.takes_connections())
            .ok_or_else(|| OutboundError::UnknownHost(host.to_string()))?;
        record.service(&service.label);
        let trying = Trying {
            source,
            service: &service,
            plan: &plan,
        };
        service.budget.lock().deposit();
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
            let mut sent = Sent::default();
            let deadline = attempts.deadline();
            let opened = self
                .attempt_to_open(
                    &directory, &trying, &picked, &mut early, &mut sent, deadline,
                )
                .await;
            let failed = match opened {
                Ok((send, recv, tunnel)) => {
                    trying.opened(&picked);
                    let said = match early {
                        Early::Along(io) => sent.settle(io),
                        Early::Nothing => 0,
                    };
                    return Ok((send, recv, tunnel, busy, said));
                }
                Err(failed) => failed,
            };
            trying.failed(&picked, &failed);
            tried.push(picked.endpoint);
            let again = Repeatable {
                body: true,
                // A connection that brought nothing may be made anew.
                harmless: sent.taken == 0,
            };
            match attempts.settle(failed.failure, again, Instant::now()) {
                Next::Again(pause) if pause.is_zero() => {}
                Next::Again(pause) => sleep(pause).await,
                Next::IfPaid if service.budget.lock().withdraw() => {}
                Next::IfPaid | Next::GiveUp => return Err(failed.error),
            }
        }
    }

    /// One attempt: a tunnel, a stream, the answer.
    async fn attempt_to_open(
        &self,
        directory: &Arc<Directory>,
        trying: &Trying<'_>,
        picked: &Picked,
        early: &mut Early<'_>,
        sent: &mut Sent,
        deadline: Instant,
    ) -> Result<(ByteSend, ByteRecv, InUse), Failed> {
        let tunnel = self
            .pool
            .tunnel_to(
                &trying.source.id,
                &picked.endpoint,
                directory,
                tunnel::Alpn::Weft1,
                deadline,
            )
            .await
            .map_err(|error| trying.no_tunnel(&error))?;
        let opening = async {
            let (mut send, mut answer) = tunnel
                .connect_tcp(&trying.service.facts.name)
                .await
                .map_err(|error| trying.no_answer(error))?;
            std::future::poll_fn(|cx| poll_open(cx, trying, &mut send, &mut answer, early, sent))
                .await?;
            let recv = answer
                .into_recv()
                .map_err(|error| trying.no_answer(RequestError::Broken(error)))?;
            Ok((send, recv))
        };
        match timeout_at(deadline, opening).await {
            Ok(opened) => opened.map(|(send, recv)| (send, recv, tunnel)),
            Err(_) => Err(trying.broken("no answer in time")),
        }
    }
}

/// Waits for the answer, while the app's first bytes are sent.
fn poll_open(
    cx: &mut Context<'_>,
    trying: &Trying<'_>,
    send: &mut ByteSend,
    answer: &mut TcpAnswer,
    early: &mut Early<'_>,
    sent: &mut Sent,
) -> Poll<Result<(), Failed>> {
    if let Poll::Ready(answered) = answer.poll_opened(cx) {
        return Poll::Ready(answered.map_err(|error| trying.no_answer(error)));
    }
    if let Early::Along(io) = early
        && let Poll::Ready(error) = sent.poll_send(cx, io, send)
    {
        return Poll::Ready(Err(gone(&error)));
    }
    Poll::Pending
}

/// The app has broken its connection off: nobody is to blame, and nobody waits.
fn gone(error: &std::io::Error) -> Failed {
    tracing::debug!(%error, "an app has gone before its connection stood");
    Failed {
        failure: Failure::Caller,
        error: OutboundError::Caller(super::carrier::CallerFault::Gone),
        blames: false,
    }
}

impl Sent {
    /// Sends what the app says, up to a limit; ready when the app's connection broke.
    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut Io,
        send: &mut ByteSend,
    ) -> Poll<std::io::Error> {
        loop {
            if ready!(send.poll_write(cx, &mut self.waiting)).is_err() {
                // The answer says why.
                return Poll::Pending;
            }
            if let Some(unsent) = io.buf.get(self.taken..).filter(|unsent| !unsent.is_empty()) {
                self.waiting = [Bytes::copy_from_slice(unsent)];
                self.taken = io.buf.len();
                continue;
            }
            if self.ended || io.buf.len() >= EARLY_BYTES {
                return Poll::Pending;
            }
            match ready!(io.poll_fill(cx)) {
                // What the end means is the splice's to say: it will meet it again.
                Ok(0) => self.ended = true,
                Ok(_) => {}
                Err(error) => return Poll::Ready(error),
            }
        }
    }

    /// Takes what was sent out of what was read, and says how much that is.
    fn settle(self, io: &mut Io) -> u64 {
        let [waiting] = self.waiting;
        let sent = self.taken - waiting.len();
        io.buf.advance(sent);
        sent as u64
    }
}

impl Standing {
    /// Lets it go: the app had something else in mind.
    pub(crate) fn let_go(self) {
        self.record.finish();
    }

    /// Waits until the service has said something, or has ended; false when the connection broke.
    pub(crate) async fn first_words(&mut self) -> bool {
        let mut chunks = [const { Bytes::new() }; 8];
        let read = self.recv.read(&mut chunks).await;
        if let Ok(Some(count)) = read {
            self.heard.extend(chunks.into_iter().take(count));
        }
        read.is_ok()
    }

    /// Carries bytes both ways until both ends are done; `io` may hold bytes that were read already.
    pub(crate) async fn carry(mut self, mut io: Io) {
        let meter = self.record.opened();
        let heard: u64 = self.heard.iter().map(|chunk| chunk.len() as u64).sum();
        meter.count(self.said, heard);
        self.heard.into_iter().for_each(|chunk| io.push(chunk));
        let (passed, ended) = Splice::new(io, self.send, self.recv)
            .metered(Direction::Outbound, meter)
            .run()
            .await;
        self.record
            .passed(passed.from + self.said, passed.to + heard);
        if let Err(error) = ended {
            self.record.failed(error.reason(), &error);
        }
        self.record.finish();
    }
}
