//! A QUIC connection whose other end is proven. Only [`dial`](crate::Endpoint::dial) and [`accept`](crate::Arrival::prove) make one.

use std::net::SocketAddr;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use identity::verify::VerifiedSvid;

use crate::alpn::Alpn;
use crate::close::{CloseCode, CloseReason};
use crate::datagrams::Datagrams;
use crate::encoding::{Idle, h3};
use crate::limits::{Limits, Role};
use crate::windows::Windows;

/// One tunnel; clones are the same one.
#[derive(Debug, Clone)]
pub struct Tunnel {
    pub(crate) connection: quinn::Connection,
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    alpn: Alpn,
    server_name: Option<String>,
    remote: VerifiedSvid,
    expires: SystemTime,
    limits: Arc<Limits>,
    /// Streams open on an accepted tunnel, and the limit that was raised for them.
    active: AtomicU32,
    stalled: AtomicU32,
    allowed: AtomicU32,
    /// Streams of a dialed tunnel that wait for their next exchange.
    idle: Idle,
    datagrams: Datagrams,
    windows: Windows,
    /// What HTTP/3 keeps for the whole tunnel.
    h3: OnceLock<h3::Session>,
}

/// What QUIC knows of a tunnel.
#[derive(Debug, Clone, Copy)]
pub struct TunnelStats {
    /// Names the connection for its whole life, migrations included.
    pub stable_id: usize,
    /// Smoothed round-trip time.
    pub rtt: Duration,
    /// Packets sent.
    pub sent_packets: u64,
    /// Of these, given up as lost.
    pub lost_packets: u64,
    /// Where the other end is at present.
    pub remote_address: SocketAddr,
}

impl Tunnel {
    pub(crate) fn dialed(
        connection: quinn::Connection,
        alpn: Alpn,
        remote: VerifiedSvid,
        source_expires: Option<SystemTime>,
        limits: Arc<Limits>,
    ) -> Self {
        let expires =
            source_expires.map_or(remote.not_after(), |source| source.min(remote.not_after()));
        Self::new(connection, alpn, None, remote, expires, limits)
    }

    pub(crate) fn accepted(
        connection: quinn::Connection,
        alpn: Alpn,
        server_name: Option<String>,
        remote: VerifiedSvid,
        limits: Arc<Limits>,
    ) -> Self {
        let expires = remote.not_after();
        Self::new(connection, alpn, server_name, remote, expires, limits)
    }

    fn new(
        connection: quinn::Connection,
        alpn: Alpn,
        server_name: Option<String>,
        remote: VerifiedSvid,
        expires: SystemTime,
        limits: Arc<Limits>,
    ) -> Self {
        let allowed = AtomicU32::new(limits.streams);
        let windows = Windows::new(Instant::now(), &limits);
        let inner = Inner {
            alpn,
            server_name,
            remote,
            expires,
            limits,
            active: AtomicU32::new(0),
            stalled: AtomicU32::new(0),
            allowed,
            idle: Idle::default(),
            datagrams: Datagrams::default(),
            windows,
            h3: OnceLock::new(),
        };
        Self {
            connection,
            inner: Arc::new(inner),
        }
    }

    /// Exchanges what the encoding says before any request.
    pub(crate) async fn begin(&self, role: Role) -> Result<(), CloseReason> {
        if self.alpn() != Alpn::H3 {
            return Ok(());
        }
        let connection = self.connection.clone();
        let session = match role {
            Role::Caller => h3::Session::caller(connection).await,
            Role::Listener => h3::Session::listener(connection).await,
        };
        let session = session.map_err(|_| self.why_closed())?;
        self.inner.h3.get_or_init(|| session);
        Ok(())
    }

    /// How long whatever belongs to the beginning may take.
    pub(crate) fn patience(&self) -> Duration {
        self.inner.limits.handshake
    }

    pub(crate) fn h3(&self) -> Option<&h3::Session> {
        self.inner.h3.get()
    }

    /// Who the other end has proven to be.
    #[must_use]
    pub fn remote(&self) -> &VerifiedSvid {
        &self.inner.remote
    }

    /// What it carries.
    #[must_use]
    pub fn alpn(&self) -> Alpn {
        self.inner.alpn
    }

    /// The server name that the caller asked for; `None` on a dialed tunnel.
    #[must_use]
    pub fn server_name(&self) -> Option<&str> {
        self.inner.server_name.as_deref()
    }

    /// When the first SVID that it stands on ends: on an accepted tunnel the caller's.
    #[must_use]
    pub fn expires(&self) -> SystemTime {
        self.inner.expires
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.connection.close_reason().is_some()
    }

    /// Waits for its end.
    pub async fn closed(&self) -> CloseReason {
        CloseReason::of(&self.connection.closed().await)
    }

    /// Ends it at once, with everything on it. The code is all that the other end is told.
    pub fn close(&self, code: CloseCode) {
        self.connection.close(code.number().into(), b"");
    }

    /// What QUIC knows of it.
    #[must_use]
    pub fn stats(&self) -> TunnelStats {
        let path = self.connection.stats().path;
        TunnelStats {
            stable_id: self.connection.stable_id(),
            rtt: self.connection.rtt(),
            sent_packets: path.sent_packets,
            lost_packets: path.lost_packets,
            remote_address: self.connection.remote_address(),
        }
    }

    /// What finds the session of each datagram.
    pub(crate) fn datagrams(&self) -> &Datagrams {
        &self.inner.datagrams
    }

    /// How many datagrams belonged to no UDP session since this was last asked.
    #[must_use]
    pub fn take_stray_datagrams(&self) -> u64 {
        self.inner.datagrams.take_strays()
    }

    /// Streams that wait for their next exchange.
    pub(crate) fn idle(&self) -> &Idle {
        &self.inner.idle
    }

    /// Lets streams go that were not used for long, and fits the windows to the use; called once a second.
    pub fn trim(&self, now: Instant) {
        self.inner.idle.trim(now);
        self.inner.windows.follow(now, &self.connection);
    }

    /// Counts a stream on which nothing moves because nobody reads at its far side, for as long as the answer lives. Such streams hold
    /// what all streams of the tunnel share.
    #[must_use]
    pub fn count_stalled(&self) -> StalledStream {
        self.inner
            .stalled
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        StalledStream {
            inner: Arc::clone(&self.inner),
        }
    }

    /// Streams that are stalled at present.
    #[must_use]
    pub fn stalled(&self) -> u32 {
        self.inner
            .stalled
            .load(std::sync::atomic::Ordering::Relaxed)
    }

    /// How it ended, as far as that is known at once.
    pub(crate) fn why_closed(&self) -> CloseReason {
        self.connection
            .close_reason()
            .map_or(CloseReason::Here, |error| CloseReason::of(&error))
    }

    /// Raises the stream limit before the caller runs into it (a high limit from the start costs memory: PERFORMANCE fact 6).
    pub(crate) fn enter_stream(&self) -> ActiveStream {
        use std::sync::atomic::Ordering::Relaxed;
        let active = self.inner.active.fetch_add(1, Relaxed) + 1;
        let allowed = self.inner.allowed.load(Relaxed);
        if active > allowed / 4 * 3 && allowed < self.inner.limits.streams_cap {
            let raised = (allowed * 2).min(self.inner.limits.streams_cap);
            self.inner.allowed.store(raised, Relaxed);
            self.connection.set_max_concurrent_bi_streams(raised.into());
        }
        ActiveStream {
            inner: Arc::clone(&self.inner),
        }
    }
}

/// Counts a stalled stream while it lives.
#[derive(Debug)]
pub struct StalledStream {
    inner: Arc<Inner>,
}

impl Drop for StalledStream {
    fn drop(&mut self) {
        self.inner
            .stalled
            .fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
    }
}

/// Counts a stream while it is open.
#[derive(Debug)]
pub(crate) struct ActiveStream {
    inner: Arc<Inner>,
}

impl Drop for ActiveStream {
    fn drop(&mut self) {
        self.inner
            .active
            .fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
    }
}
