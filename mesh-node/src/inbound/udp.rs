//! A caller's UDP session on its way in: caller → authorize → limit → app, over a socket of its own.
//!
//! An app sees one address for each session. It has no use for a session's end, and no way to refuse but the kernel's: a port that
//! nobody listens on ends the session.

use std::cell::RefCell;
use std::io;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use protocol::name::ServiceName;
use protocol::view::Protocol;
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tunnel::{MessageError, Refusal, StreamCode, UdpArrival, UdpRecv, UdpSend, UdpSession};

use super::tcp::allows;
use super::{Accepting, Inbound, limit};
use crate::observe::metrics::udp::DropReason;
use crate::observe::{Carried, Direction, SessionRecord};

/// A session that carries nothing for so long is over. The caller's node ends its flows sooner, so that it is the one who knows.
const IDLE: Duration = Duration::from_secs(75);
/// Packets of an app that are read before anything else has its turn.
const BATCH: usize = 64;
/// More than any packet has.
const BUFFER: usize = 64 << 10;

thread_local! {
    /// Where an app's packet lands first: one for all sessions of a thread, as a packet may be large and sessions are many.
    static LANDING: RefCell<Box<[u8]>> = RefCell::new(vec![0; BUFFER].into());
}

/// A socket whose other end is an app, and what it holds open.
struct Connected {
    app: UdpSocket,
    _room: limit::Counted,
    _of_caller: limit::OfCaller,
}

/// Why there is none, in a word for the caller and more for the log.
struct Refused(Refusal, String);

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self(refusal, refusal.word().to_owned())
    }
}

/// Why a session is over.
enum End {
    /// The caller has ended it, or lost it.
    Caller(Result<(), MessageError>),
    /// The app isn't there.
    App(io::Error),
    /// Nobody used it.
    Idle,
    /// A View no longer allows it.
    NotAllowed,
}

impl Inbound {
    /// The steps.
    pub(super) async fn session(
        &self,
        accepting: &Accepting,
        service: ServiceName,
        arrival: UdpArrival,
    ) {
        let mut record = self.observer.session(
            Direction::Inbound,
            accepting.tunnel.remote().id(),
            &accepting.caller,
            &accepting.peer,
        );
        record.destination(&accepting.shown);
        record.attempts(1);
        let connected = match self.reach(accepting, &service, &mut record).await {
            Ok(connected) => connected,
            Err(Refused(refusal, detail)) => {
                record.failed(refusal.word(), &detail);
                return arrival.refuse(refusal).await;
            }
        };
        let session = match arrival.accept().await {
            Ok(session) => session,
            Err(error) => return record.failed("cancelled", &error),
        };
        let not_allowed = self.not_allowed(accepting, &service);
        carry(session, &connected.app, not_allowed, record).await;
    }

    /// Authorizes, makes room, and has a socket whose other end is an app.
    async fn reach(
        &self,
        accepting: &Accepting,
        service: &ServiceName,
        record: &mut SessionRecord,
    ) -> Result<Connected, Refused> {
        let served = self.served.load_full().ok_or(Refusal::Draining)?;
        let caller = accepting.tunnel.remote().id();
        let (allowed, policy) = allows(&served, accepting, service);
        record.policy(policy);
        if let Some(label) = served.offers(service, &accepting.shown, caller.trust_domain()) {
            record.service(&label);
        }
        if !allowed {
            return Err(Refusal::Forbidden.into());
        }
        let room = self.take_room(accepting, &served)?;
        let of_caller = self.limits.sessions.admit(caller);
        let of_caller = of_caller.ok_or(Refusal::Overloaded)?;
        let takes_packets = |protocol| protocol == Protocol::Udp;
        let ports = self
            .ports
            .of(service, &accepting.shown, takes_packets)
            .ok_or_else(|| {
                Refused(
                    Refusal::Malformed,
                    "the service takes no packets".to_owned(),
                )
            })?;
        let unavailable = |detail: String| Refused(Refusal::Unavailable, detail);
        let port = ports
            .first()
            .ok_or_else(|| unavailable("no healthy instance is here".to_owned()))?;
        let app = connect(port.port)
            .await
            .map_err(|error| unavailable(format!("port {}: {error}", port.port)))?;
        Ok(Connected {
            app,
            _room: room,
            _of_caller: of_caller,
        })
    }
}

/// A socket of this session's own, so that the app can tell sessions apart by their address.
async fn connect(port: u16) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    socket.connect((Ipv4Addr::LOCALHOST, port)).await?;
    Ok(socket)
}

/// Carries packets both ways until the session is over.
async fn carry(
    session: UdpSession,
    socket: &UdpSocket,
    not_allowed: impl Future<Output = ()>,
    mut record: SessionRecord,
) {
    let carried = record.opened();
    let activity = Activity::new();
    let (mut send, mut recv) = session.split();
    let end = tokio::select! {
        end = to_app(&mut recv, socket, &carried, &activity) => end,
        end = from_app(socket, &mut send, &carried, &activity) => end,
        () = activity.idle() => End::Idle,
        () = not_allowed => End::NotAllowed,
    };
    match end {
        End::Caller(Ok(())) => {
            send.finish();
            record.finish("finished");
        }
        End::Caller(Err(error)) => record.failed("broken-off", &error),
        End::App(error) => {
            send.break_off(StreamCode::Broken);
            record.failed("app-gone", &error);
        }
        End::Idle => {
            send.finish();
            record.finish("idle");
        }
        End::NotAllowed => {
            send.break_off(StreamCode::Cancelled);
            record.failed(Refusal::Forbidden.word(), &"a View no longer allows it");
        }
    }
}

async fn to_app(
    recv: &mut UdpRecv,
    socket: &UdpSocket,
    carried: &Carried,
    activity: &Activity,
) -> End {
    let mut overflowed = 0;
    loop {
        let packet = match recv.recv().await {
            Ok(Some(packet)) => packet,
            Ok(None) => return End::Caller(Ok(())),
            Err(error) => return End::Caller(Err(error)),
        };
        activity.note();
        carried.request(packet.len());
        match socket.send(&packet).await {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                return End::App(error);
            }
            // Too large for IPv4, or no room: it is lost, as UDP may.
            Err(error) => {
                tracing::trace!(%error, "an app didn't take a packet");
                carried.dropped(DropReason::App, 1);
            }
        }
        let before = std::mem::replace(&mut overflowed, recv.overflowed());
        carried.dropped(DropReason::Queue, overflowed - before);
    }
}

async fn from_app(
    socket: &UdpSocket,
    send: &mut UdpSend,
    carried: &Carried,
    activity: &Activity,
) -> End {
    let mut displaced = send.displaced();
    loop {
        if let Err(error) = readable(socket).await {
            return End::App(error);
        }
        for _ in 0..BATCH {
            let packet = match landed(socket) {
                Ok(packet) => packet,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return End::App(error),
            };
            activity.note();
            carried.response(packet.len());
            if let Err(error) = send.send(packet).await {
                return End::Caller(Err(error));
            }
        }
        let before = std::mem::replace(&mut displaced, send.displaced());
        carried.dropped(DropReason::Path, displaced - before);
        tokio::task::yield_now().await;
    }
}

/// Waits for packets, or for word that nobody listens (ICMP), which makes a socket erroneous but not readable.
async fn readable(socket: &UdpSocket) -> io::Result<()> {
    loop {
        let ready = socket.ready(Interest::READABLE | Interest::ERROR).await?;
        if let Some(error) = socket.take_error()? {
            return Err(error);
        }
        if ready.is_readable() {
            return Ok(());
        }
        // Somebody else has met the error already.
        let seen = socket.try_io(Interest::ERROR, || {
            Err::<(), _>(io::ErrorKind::WouldBlock.into())
        });
        drop(seen);
    }
}

/// The next packet that the app has sent.
fn landed(socket: &UdpSocket) -> io::Result<Bytes> {
    LANDING.with_borrow_mut(|landing| {
        let length = socket.try_recv(landing)?;
        Ok(Bytes::copy_from_slice(&landing[..length]))
    })
}

/// When a session was last used.
struct Activity {
    begun: Instant,
    /// In milliseconds since it was begun.
    last: AtomicU64,
}

impl Activity {
    fn new() -> Self {
        Self {
            begun: Instant::now(),
            last: AtomicU64::new(0),
        }
    }

    fn note(&self) {
        let now = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(now, Ordering::Relaxed);
    }

    /// Comes back when nobody has used it for too long.
    async fn idle(&self) {
        loop {
            let ends = Duration::from_millis(self.last.load(Ordering::Relaxed)) + IDLE;
            let left = ends.saturating_sub(self.begun.elapsed());
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left).await;
        }
    }
}
