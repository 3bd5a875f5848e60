//! The metrics of TCP: connections, and the bytes that they carry.

use std::sync::Arc;

use ::metrics::{Counter, Gauge, counter, gauge};

use crate::observe::series::Key;

/// TCP connections that have ended.
pub const TCP_CONNECTIONS_TOTAL: &str = "weft_tcp_connections_total";
/// TCP connections that were refused, found nobody, or broke.
pub const TCP_CONNECTION_FAILURES_TOTAL: &str = "weft_tcp_connection_failures_total";
/// TCP connections at present.
pub const TCP_CONNECTIONS_OPEN: &str = "weft_tcp_connections_open";
/// Bytes of TCP connections.
pub const TCP_BYTES_TOTAL: &str = "weft_tcp_bytes_total";

/// Each counter's name and help text.
pub const COUNTERS: &[(&str, &str)] = &[
    (
        TCP_CONNECTIONS_TOTAL,
        "TCP connections that have ended, by direction, source, destination and cluster at the other end.",
    ),
    (
        TCP_CONNECTION_FAILURES_TOTAL,
        "TCP connections that were refused, found nobody, or broke, by reason.",
    ),
    (
        TCP_BYTES_TOTAL,
        "Bytes of TCP connections, by whether they went to the service or came from it.",
    ),
];

/// Each gauge's name and help text.
pub const GAUGES: &[(&str, &str)] = &[(
    TCP_CONNECTIONS_OPEN,
    "TCP connections at present, by direction, source, destination and cluster at the other end.",
)];

/// The metrics of one pair.
pub(crate) struct ConnectionSeries {
    key: Key,
    open: Gauge,
    total: Counter,
    meter: Meter,
}

/// Counts bytes as they pass.
#[derive(Clone)]
pub(crate) struct Meter {
    request: Counter,
    response: Counter,
}

/// A connection that counts as open for as long as this lives.
#[derive(Debug)]
pub(crate) struct Opened(Arc<ConnectionSeries>);

impl From<Key> for ConnectionSeries {
    fn from(key: Key) -> Self {
        let labels = labels(&key);
        let bytes = |way: &'static str| {
            let mut labels = labels.clone();
            labels.push(("way", way.to_owned()));
            counter!(TCP_BYTES_TOTAL, &labels)
        };
        Self {
            open: gauge!(TCP_CONNECTIONS_OPEN, &labels),
            total: counter!(TCP_CONNECTIONS_TOTAL, &labels),
            meter: Meter {
                request: bytes("request"),
                response: bytes("response"),
            },
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

impl ConnectionSeries {
    /// One has ended, or never stood.
    pub(crate) fn ended(&self, failure: Option<&'static str>) {
        self.total.increment(1);
        if let Some(reason) = failure {
            let mut labels = labels(&self.key);
            labels.push(("reason", reason.to_owned()));
            counter!(TCP_CONNECTION_FAILURES_TOTAL, &labels).increment(1);
        }
    }
}

impl Opened {
    pub(crate) fn of(series: Arc<ConnectionSeries>) -> (Self, Meter) {
        series.open.increment(1.0);
        let meter = series.meter.clone();
        (Self(series), meter)
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.0.open.decrement(1.0);
    }
}

impl Meter {
    /// Bytes to the service, and from it.
    pub(crate) fn count(&self, request: u64, response: u64) {
        if request > 0 {
            self.request.increment(request);
        }
        if response > 0 {
            self.response.increment(response);
        }
    }
}

impl std::fmt::Debug for Meter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Meter").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for ConnectionSeries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectionSeries")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
