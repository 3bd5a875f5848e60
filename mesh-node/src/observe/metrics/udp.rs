//! The metrics of UDP: sessions, what they carry, and what goes nowhere.

use std::sync::Arc;

use ::metrics::{Counter, Gauge, counter, gauge};

use crate::observe::series::Key;

/// UDP sessions that have ended.
pub const UDP_SESSIONS_TOTAL: &str = "weft_udp_sessions_total";
/// UDP sessions that were refused, found nobody, or broke.
pub const UDP_SESSION_FAILURES_TOTAL: &str = "weft_udp_session_failures_total";
/// UDP sessions at present.
pub const UDP_SESSIONS_OPEN: &str = "weft_udp_sessions_open";
/// Packets of UDP sessions.
pub const UDP_PACKETS_TOTAL: &str = "weft_udp_packets_total";
/// Bytes of the packets of UDP sessions.
pub const UDP_BYTES_TOTAL: &str = "weft_udp_bytes_total";
/// Packets of apps, or for them, that went nowhere.
pub const UDP_DROPPED_PACKETS_TOTAL: &str = "weft_udp_dropped_packets_total";

/// Each counter's name and help text.
pub const COUNTERS: &[(&str, &str)] = &[
    (
        UDP_SESSIONS_TOTAL,
        "UDP sessions that have ended, by direction, source, destination and cluster at the other end.",
    ),
    (
        UDP_SESSION_FAILURES_TOTAL,
        "UDP sessions that were refused, found nobody, or broke, by reason.",
    ),
    (
        UDP_PACKETS_TOTAL,
        "Packets of UDP sessions, by whether they went to the service or came from it.",
    ),
    (
        UDP_BYTES_TOTAL,
        "Bytes of these packets, by whether they went to the service or came from it.",
    ),
    (
        UDP_DROPPED_PACKETS_TOTAL,
        "Packets of apps, or for them, that went nowhere, by reason.",
    ),
];

/// Each gauge's name and help text.
pub const GAUGES: &[(&str, &str)] = &[(
    UDP_SESSIONS_OPEN,
    "UDP sessions at present, by direction, source, destination and cluster at the other end.",
)];

/// Why a packet went nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DropReason {
    /// Packets came faster than their session took them.
    Queue,
    /// Packets came faster than their tunnel sent them.
    Path,
    /// There is no session for it: it was refused, or nobody is there.
    NoSession,
    /// It names no session of its tunnel.
    Stray,
    /// The app's socket did not take it.
    App,
}

impl DropReason {
    const fn word(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Path => "path",
            Self::NoSession => "no-session",
            Self::Stray => "stray",
            Self::App => "app",
        }
    }
}

/// Counts packets that went nowhere.
pub(crate) fn dropped(reason: DropReason, packets: u64) {
    if packets > 0 {
        counter!(UDP_DROPPED_PACKETS_TOTAL, "reason" => reason.word()).increment(packets);
    }
}

/// Counts what came on a tunnel for no session.
pub(crate) fn count_strays(tunnel: &tunnel::Tunnel) {
    dropped(DropReason::Stray, tunnel.take_stray_datagrams());
}

/// The metrics of one pair.
pub(crate) struct SessionSeries {
    key: Key,
    open: Gauge,
    total: Counter,
    request: Way,
    response: Way,
}

/// One direction.
struct Way {
    packets: Counter,
    bytes: Counter,
}

/// A session that counts as open for as long as this lives.
#[derive(Debug)]
pub(crate) struct Opened(Arc<SessionSeries>);

impl From<Key> for SessionSeries {
    fn from(key: Key) -> Self {
        let labels = labels(&key);
        let way = |way: &'static str| {
            let mut labels = labels.clone();
            labels.push(("way", way.to_owned()));
            Way {
                packets: counter!(UDP_PACKETS_TOTAL, &labels),
                bytes: counter!(UDP_BYTES_TOTAL, &labels),
            }
        };
        Self {
            open: gauge!(UDP_SESSIONS_OPEN, &labels),
            total: counter!(UDP_SESSIONS_TOTAL, &labels),
            request: way("request"),
            response: way("response"),
            key,
        }
    }
}

fn labels(key: &Key) -> Vec<(&'static str, String)> {
    vec![
        ("direction", key.direction.word().to_owned()),
        ("source", key.source.to_string()),
        ("destination", key.destination.to_string()),
        ("peer", key.peer.to_string()),
    ]
}

impl SessionSeries {
    /// One has ended, or never stood.
    pub(crate) fn ended(&self, failure: Option<&'static str>) {
        self.total.increment(1);
        if let Some(reason) = failure {
            let mut labels = labels(&self.key);
            labels.push(("reason", reason.to_owned()));
            counter!(UDP_SESSION_FAILURES_TOTAL, &labels).increment(1);
        }
    }

    /// A packet to the service.
    pub(crate) fn request(&self, bytes: usize) {
        self.request.count(bytes);
    }

    /// A packet from it.
    pub(crate) fn response(&self, bytes: usize) {
        self.response.count(bytes);
    }
}

impl Way {
    fn count(&self, bytes: usize) {
        self.packets.increment(1);
        self.bytes.increment(bytes as u64);
    }
}

impl Opened {
    pub(crate) fn of(series: Arc<SessionSeries>) -> Self {
        series.open.increment(1.0);
        Self(series)
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.0.open.decrement(1.0);
    }
}

impl std::fmt::Debug for SessionSeries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionSeries")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
