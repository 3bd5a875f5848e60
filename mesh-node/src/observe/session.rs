//! What happened in one UDP session: a line when it is over, counters while it lasts.

use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use protocol::name::SpiffeId;
use serde::Serialize;

use super::metrics::udp::{self, DropReason, Opened, SessionSeries};
use super::timestamp::Timestamp;
use super::{Direction, Observer};

/// One session from its first packet to its end. Dropped, it tells that it was cut off.
#[derive(Debug)]
pub(crate) struct SessionRecord {
    observer: Arc<Observer>,
    direction: Direction,
    source: SpiffeId,
    source_label: Arc<str>,
    destination: Option<SpiffeId>,
    service: Option<Arc<str>>,
    /// The cluster at the other end.
    peer: Arc<str>,
    attempts: u32,
    policy: Option<String>,
    begun: Instant,
    /// Set once it stands.
    open: Option<(Opened, Arc<Carried>)>,
    end: Option<&'static str>,
    error: Option<&'static str>,
    detail: Option<String>,
}

/// What a session has carried: requests go to the service, responses come from it.
#[derive(Debug)]
pub(crate) struct Carried {
    series: Arc<SessionSeries>,
    request: Way,
    response: Way,
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct Way {
    packets: AtomicU64,
    bytes: AtomicU64,
}

/// A line of the access log.
#[derive(Debug, Serialize)]
struct Line<'a> {
    time: Timestamp,
    direction: &'static str,
    protocol: &'static str,
    source: &'a SpiffeId,
    destination: Option<&'a SpiffeId>,
    service: Option<&'a str>,
    peer: &'a str,
    attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    request_packets: u64,
    request_bytes: u64,
    response_packets: u64,
    response_bytes: u64,
    dropped_packets: u64,
    duration_ms: f64,
}

impl Observer {
    /// A UDP session of a workload here, or of a caller elsewhere.
    pub(crate) fn session(
        self: &Arc<Self>,
        direction: Direction,
        source: &SpiffeId,
        label: &Arc<str>,
        peer: &Arc<str>,
    ) -> SessionRecord {
        SessionRecord {
            observer: Arc::clone(self),
            direction,
            source: source.clone(),
            source_label: Arc::clone(label),
            destination: None,
            service: None,
            peer: Arc::clone(peer),
            attempts: 0,
            policy: None,
            begun: Instant::now(),
            open: None,
            end: None,
            error: None,
            detail: None,
        }
    }
}

impl SessionRecord {
    pub(crate) fn service(&mut self, label: &Arc<str>) {
        self.service = Some(Arc::clone(label));
    }

    pub(crate) fn attempts(&mut self, made: u32) {
        self.attempts = made;
    }

    pub(crate) fn endpoint(&mut self, id: &SpiffeId, cluster: &Arc<str>) {
        self.destination = Some(id.clone());
        self.peer = Arc::clone(cluster);
    }

    pub(crate) fn destination(&mut self, id: &SpiffeId) {
        self.destination = Some(id.clone());
    }

    pub(crate) fn policy(&mut self, policy: Option<String>) {
        self.policy = policy;
    }

    /// It stands: from here on it counts as open, and its packets as they pass.
    pub(crate) fn opened(&mut self) -> Arc<Carried> {
        let series = self.series();
        let carried = Arc::new(Carried {
            series: Arc::clone(&series),
            request: Way::default(),
            response: Way::default(),
            dropped: AtomicU64::new(0),
        });
        self.open = Some((Opened::of(series), Arc::clone(&carried)));
        carried
    }

    /// It is over as it should be, and this ended it.
    pub(crate) fn finish(mut self, end: &'static str) {
        self.end = Some(end);
    }

    /// It never stood, or broke.
    pub(crate) fn failed(mut self, reason: &'static str, detail: &dyn Display) {
        self.error = Some(reason);
        self.detail = Some(detail.to_string());
    }

    fn series(&self) -> Arc<SessionSeries> {
        let unknown: Arc<str> = "unknown".into();
        self.observer.sessions.of(
            self.direction,
            &self.source_label,
            self.service.as_ref().unwrap_or(&unknown),
            &self.peer,
        )
    }
}

impl Drop for SessionRecord {
    fn drop(&mut self) {
        if self.end.is_none() {
            self.error.get_or_insert("cancelled");
        }
        self.series().ended(self.error);
        let Some(log) = &self.observer.log else {
            return;
        };
        let carried = self.open.as_ref().map(|(_, carried)| carried);
        let count = |counted: fn(&Carried) -> &AtomicU64| {
            carried.map_or(0, |carried| counted(carried).load(Ordering::Relaxed))
        };
        let line = Line {
            time: Timestamp::now(),
            direction: self.direction.word(),
            protocol: "udp",
            source: &self.source,
            destination: self.destination.as_ref(),
            service: self.service.as_deref(),
            peer: &self.peer,
            attempts: self.attempts,
            policy: self.policy.as_deref(),
            end: self.end,
            error: self.error,
            detail: self.detail.as_deref(),
            request_packets: count(|carried| &carried.request.packets),
            request_bytes: count(|carried| &carried.request.bytes),
            response_packets: count(|carried| &carried.response.packets),
            response_bytes: count(|carried| &carried.response.bytes),
            dropped_packets: count(|carried| &carried.dropped),
            duration_ms: (self.begun.elapsed().as_secs_f64() * 1e6).round() / 1e3,
        };
        log.write(|out| serde_json::to_writer(out, &line));
    }
}

impl Carried {
    /// A packet to the service.
    pub(crate) fn request(&self, bytes: usize) {
        self.request.count(bytes);
        self.series.request(bytes);
    }

    /// A packet from the service.
    pub(crate) fn response(&self, bytes: usize) {
        self.response.count(bytes);
        self.series.response(bytes);
    }

    /// Whether any packet has come from the service.
    pub(crate) fn is_answered(&self) -> bool {
        self.response.packets.load(Ordering::Relaxed) > 0
    }

    /// Packets that went nowhere.
    pub(crate) fn dropped(&self, reason: DropReason, packets: u64) {
        self.dropped.fetch_add(packets, Ordering::Relaxed);
        udp::dropped(reason, packets);
    }
}

impl Way {
    fn count(&self, bytes: usize) {
        self.packets.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}
