//! Every metric of a node: its name, its help text, and who counts it. The reference page is made from this.

pub mod tcp;
pub mod udp;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge};
use protocol::name::SpiffeId;

/// Requests, by direction, source, destination, cluster at the other end, and class of the status.
pub const REQUESTS_TOTAL: &str = "weft_requests_total";
/// How long requests took, from arrival to the last byte of the answer.
pub const REQUEST_DURATION_SECONDS: &str = "weft_request_duration_seconds";
/// Requests that the mesh itself answered or that broke off.
pub const REQUEST_FAILURES_TOTAL: &str = "weft_request_failures_total";
/// Attempts, which are more than requests where some are repeated.
pub const ATTEMPTS_TOTAL: &str = "weft_attempts_total";
/// Answered requests by the cluster that served them.
pub const SERVED_TOTAL: &str = "weft_served_total";
/// Requests that left home by a failover policy.
pub const SPILLED_REQUESTS_TOTAL: &str = "weft_spilled_requests_total";
/// Endpoints taken out after failures.
pub const EJECTIONS_TOTAL: &str = "weft_ejections_total";
/// Tunnels that came up, by what they speak.
pub const TUNNELS_TOTAL: &str = "weft_tunnels_total";
/// Tunnels open at present.
pub const TUNNELS_OPEN: &str = "weft_tunnels_open";
/// Tunnels that have ended.
pub const TUNNELS_CLOSED_TOTAL: &str = "weft_tunnels_closed_total";
/// Finished handshakes.
pub const HANDSHAKES_TOTAL: &str = "weft_handshakes_total";
/// Handshakes that ended in no tunnel.
pub const HANDSHAKE_FAILURES_TOTAL: &str = "weft_handshake_failures_total";
/// Tunnels whose other end moved to another address.
pub const MIGRATIONS_TOTAL: &str = "weft_migrations_total";
/// Datagrams dropped because their connection ID doesn't open.
pub const DROPPED_DATAGRAMS_TOTAL: &str = "weft_dropped_datagrams_total";
/// Datagrams that arrived at one shard and were another's.
pub const HANDED_OVER_DATAGRAMS_TOTAL: &str = "weft_handed_over_datagrams_total";
/// Those of them that were lost, as their shard didn't keep up.
pub const HANDED_OVER_LOST_TOTAL: &str = "weft_handed_over_lost_total";
/// When each SVID here ends.
pub const CERTIFICATE_EXPIRY_SECONDS: &str = "weft_certificate_expiry_seconds";
/// The version of the View in force.
pub const VIEW_VERSION: &str = "weft_view_version";
/// Whether the controller is in reach.
pub const CONTROLLER_LINKED: &str = "weft_controller_linked";
/// Access-log lines that could not be written.
pub const ACCESS_LOG_LOST_TOTAL: &str = "weft_access_log_lost_total";
/// Whether each workload here is healthy.
pub const WORKLOAD_HEALTHY: &str = "weft_workload_healthy";

/// Which end of a tunnel this node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It dialed.
    Caller,
    /// It was dialed.
    Listener,
}

impl Role {
    const fn word(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Listener => "listener",
        }
    }
}

/// Each counter's name and help text.
pub const COUNTERS: &[(&str, &str)] = &[
    (
        REQUESTS_TOTAL,
        "Requests, by direction, source, destination, cluster at the other end, and class of the status.",
    ),
    (
        REQUEST_FAILURES_TOTAL,
        "Requests that the mesh itself answered, or that broke off, by reason.",
    ),
    (
        ATTEMPTS_TOTAL,
        "Attempts to send a request; more than requests where some are tried again.",
    ),
    (
        SERVED_TOTAL,
        "Answered requests, by service and by the cluster that served them.",
    ),
    (
        SPILLED_REQUESTS_TOTAL,
        "Requests that left home by a failover policy.",
    ),
    (EJECTIONS_TOTAL, "Endpoints taken out after failures."),
    (TUNNELS_CLOSED_TOTAL, "Tunnels that have ended, by reason."),
    (
        TUNNELS_TOTAL,
        "Tunnels that came up, by role and encoding (weft/1, h3).",
    ),
    (HANDSHAKES_TOTAL, "Handshakes that both ends finished."),
    (
        HANDSHAKE_FAILURES_TOTAL,
        "Handshakes that ended in no tunnel.",
    ),
    (
        MIGRATIONS_TOTAL,
        "Tunnels whose other end moved to another address.",
    ),
    (
        DROPPED_DATAGRAMS_TOTAL,
        "Datagrams dropped because their connection ID does not open.",
    ),
    (
        HANDED_OVER_DATAGRAMS_TOTAL,
        "Datagrams that arrived at one shard and were another's.",
    ),
    (
        HANDED_OVER_LOST_TOTAL,
        "Datagrams lost between shards, as theirs did not keep up.",
    ),
    (
        ACCESS_LOG_LOST_TOTAL,
        "Access-log lines that could not be written.",
    ),
];

/// Each gauge's name and help text.
pub const GAUGES: &[(&str, &str)] = &[
    (
        TUNNELS_OPEN,
        "Tunnels open at present, by role and cluster at the other end.",
    ),
    (
        CERTIFICATE_EXPIRY_SECONDS,
        "When each SVID here ends, in seconds since 1970.",
    ),
    (VIEW_VERSION, "The version of the View in force."),
    (CONTROLLER_LINKED, "1 while the controller is in reach."),
    (
        WORKLOAD_HEALTHY,
        "1 for each workload here that is healthy.",
    ),
];

/// Each histogram's name and help text.
pub const HISTOGRAMS: &[(&str, &str)] = &[(
    REQUEST_DURATION_SECONDS,
    "How long requests took, from arrival to the last byte of the answer.",
)];

/// Tells the recorder what each metric is. Call it once, after the recorder is installed.
pub fn describe() {
    for (name, help) in COUNTERS.iter().chain(tcp::COUNTERS).chain(udp::COUNTERS) {
        describe_counter!(*name, *help);
    }
    for (name, help) in GAUGES.iter().chain(tcp::GAUGES).chain(udp::GAUGES) {
        describe_gauge!(*name, *help);
    }
    for (name, help) in HISTOGRAMS {
        describe_histogram!(*name, Unit::Seconds, *help);
    }
}

pub(crate) fn tunnel_opened(role: Role, cluster: &str, encoding: tunnel::Alpn) {
    counter!(TUNNELS_TOTAL, "role" => role.word(), "encoding" => encoding.word()).increment(1);
    counter!(HANDSHAKES_TOTAL, "role" => role.word()).increment(1);
    gauge!(TUNNELS_OPEN, "role" => role.word(), "peer" => cluster.to_owned()).increment(1.0);
}

pub(crate) fn tunnel_closed(role: Role, cluster: &str, reason: &'static str) {
    gauge!(TUNNELS_OPEN, "role" => role.word(), "peer" => cluster.to_owned()).decrement(1.0);
    counter!(TUNNELS_CLOSED_TOTAL, "role" => role.word(), "reason" => reason).increment(1);
}

pub(crate) fn handshake_failed(role: Role) {
    counter!(HANDSHAKE_FAILURES_TOTAL, "role" => role.word()).increment(1);
}

pub(crate) fn migrated(role: Role) {
    counter!(MIGRATIONS_TOTAL, "role" => role.word()).increment(1);
}

pub(crate) fn datagrams(counts: &tunnel::EndpointCounts) {
    counter!(DROPPED_DATAGRAMS_TOTAL).absolute(counts.datagrams_dropped);
    counter!(HANDED_OVER_DATAGRAMS_TOTAL).absolute(counts.datagrams_handed_over);
    counter!(HANDED_OVER_LOST_TOTAL).absolute(counts.datagrams_lost);
}

pub(crate) fn certificate(id: &SpiffeId, ends: SystemTime) {
    let seconds = ends
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs_f64();
    gauge!(CERTIFICATE_EXPIRY_SECONDS, "identity" => id.to_string()).set(seconds);
}

pub(crate) fn view_version(version: u64) {
    gauge!(VIEW_VERSION).set(version as f64);
}

pub(crate) fn controller_linked(linked: bool) {
    gauge!(CONTROLLER_LINKED).set(if linked { 1.0 } else { 0.0 });
}

pub(crate) fn workload_healthy(workload: &str, healthy: bool) {
    gauge!(WORKLOAD_HEALTHY, "workload" => workload.to_owned()).set(if healthy {
        1.0
    } else {
        0.0
    });
}

pub(crate) fn access_log_lost(lines: u64) {
    counter!(ACCESS_LOG_LOST_TOTAL).increment(lines);
}

/// The counters of one endpoint's service and cluster, kept so that an attempt costs no look-up.
#[derive(Clone)]
pub(crate) struct EndpointCounters {
    pub(crate) attempts: metrics::Counter,
    pub(crate) served: metrics::Counter,
    pub(crate) spilled: metrics::Counter,
    pub(crate) ejections: metrics::Counter,
}

impl std::fmt::Debug for EndpointCounters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EndpointCounters").finish_non_exhaustive()
    }
}

impl EndpointCounters {
    pub(crate) fn new(service: &str, cluster: &Arc<str>) -> Self {
        let of = |name: &'static str| counter!(name, "destination" => service.to_owned(), "cluster" => cluster.to_string());
        Self {
            attempts: of(ATTEMPTS_TOTAL),
            served: of(SERVED_TOTAL),
            spilled: of(SPILLED_REQUESTS_TOTAL),
            ejections: of(EJECTIONS_TOTAL),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_conventions() {
        for (name, help) in COUNTERS.iter().chain(tcp::COUNTERS).chain(udp::COUNTERS) {
            assert!(
                name.starts_with("weft_") && name.ends_with("_total"),
                "{name}"
            );
            assert!(help.ends_with('.'), "{name}");
        }
        for (name, _) in GAUGES
            .iter()
            .chain(tcp::GAUGES)
            .chain(udp::GAUGES)
            .chain(HISTOGRAMS)
        {
            assert!(
                name.starts_with("weft_") && !name.ends_with("_total"),
                "{name}"
            );
        }
    }
}
