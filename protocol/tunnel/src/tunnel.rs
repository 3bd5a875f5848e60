//! A QUIC connection whose other end is proven. Only [`dial`](crate::Endpoint::dial) and [`accept`](crate::Arrival::prove) make one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::{Duration, SystemTime};

use identity::verify::VerifiedSvid;

use crate::alpn::Alpn;
use crate::close::{CloseCode, CloseReason};
use crate::limits::Limits;

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
    /// Requests under way on an accepted tunnel, and the stream limit that was raised for them.
    active: AtomicU32,
    allowed: AtomicU32,
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
        let inner = Inner {
            alpn,
            server_name,
            remote,
            expires,
            limits,
            active: AtomicU32::new(0),
            allowed,
        };
        Self {
            connection,
            inner: Arc::new(inner),
        }
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

    /// Raises the stream limit before the caller runs into it (a high limit from the start costs memory: PERFORMANCE fact 6).
    pub(crate) fn enter_request(&self) -> ActiveRequest {
        use std::sync::atomic::Ordering::Relaxed;
        let active = self.inner.active.fetch_add(1, Relaxed) + 1;
        let allowed = self.inner.allowed.load(Relaxed);
        if active > allowed / 4 * 3 && allowed < self.inner.limits.streams_cap {
            let raised = (allowed * 2).min(self.inner.limits.streams_cap);
            self.inner.allowed.store(raised, Relaxed);
            self.connection.set_max_concurrent_bi_streams(raised.into());
        }
        ActiveRequest {
            inner: Arc::clone(&self.inner),
        }
    }
}

/// Counts a request while it is under way.
#[derive(Debug)]
pub(crate) struct ActiveRequest {
    inner: Arc<Inner>,
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        self.inner
            .active
            .fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
    }
}
