//! What happened to one TCP connection: a line when it is over, counters while it lasts.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Instant;

use protocol::name::SpiffeId;
use serde::Serialize;

use super::metrics::tcp::{ConnectionSeries, Meter, Opened};
use super::timestamp::Timestamp;
use super::{Direction, Observer};

/// One connection from its arrival to its end.
#[derive(Debug)]
pub(crate) struct ConnectionRecord {
    observer: Arc<Observer>,
    direction: Direction,
    source: SpiffeId,
    source_label: Arc<str>,
    destination: Option<SpiffeId>,
    service: Option<Arc<str>>,
    peer: Arc<str>,
    attempts: u32,
    policy: Option<String>,
    begun: Instant,
    /// Set once it stands.
    open: Option<Opened>,
    error: Option<&'static str>,
    detail: Option<String>,
    /// Bytes to the service, and from it.
    passed: (u64, u64),
    finished: bool,
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
    error: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    request_bytes: u64,
    response_bytes: u64,
    duration_ms: f64,
}

impl Observer {
    /// A TCP connection of a workload here, or of a caller elsewhere.
    pub(crate) fn connection(
        self: &Arc<Self>,
        direction: Direction,
        source: &SpiffeId,
        label: &Arc<str>,
        peer: &Arc<str>,
    ) -> ConnectionRecord {
        ConnectionRecord {
            observer: Arc::clone(self),
            direction,
            source: source.clone(),
            source_label: Arc::clone(label),
            peer: Arc::clone(peer),
            destination: None,
            service: None,
            attempts: 0,
            policy: None,
            begun: Instant::now(),
            open: None,
            error: None,
            detail: None,
            passed: (0, 0),
            finished: false,
        }
    }
}

impl ConnectionRecord {
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

    /// It stands: from here on it counts as open, and its bytes as they pass.
    pub(crate) fn opened(&mut self) -> Meter {
        let (opened, meter) = Opened::of(self.series());
        self.open = Some(opened);
        meter
    }

    /// So many bytes have gone to the service, and come from it.
    pub(crate) fn passed(&mut self, request: u64, response: u64) {
        self.passed = (request, response);
    }

    /// It never stood, or did not come to its end; the first word said holds.
    pub(crate) fn failed(&mut self, reason: &'static str, detail: &dyn Display) {
        self.error.get_or_insert(reason);
        self.detail.get_or_insert_with(|| detail.to_string());
    }

    /// Nothing more will come.
    pub(crate) fn finish(mut self) {
        self.write();
    }

    fn series(&self) -> Arc<ConnectionSeries> {
        let unknown: Arc<str> = "unknown".into();
        self.observer.connections.of(
            self.direction,
            &self.source_label,
            self.service.as_ref().unwrap_or(&unknown),
            &self.peer,
        )
    }

    fn write(&mut self) {
        self.finished = true;
        self.series().ended(self.error);
        self.open = None;
        let Some(log) = &self.observer.log else {
            return;
        };
        let line = Line {
            time: Timestamp::now(),
            direction: self.direction.word(),
            protocol: "tcp",
            source: &self.source,
            destination: self.destination.as_ref(),
            service: self.service.as_deref(),
            peer: &self.peer,
            attempts: self.attempts,
            policy: self.policy.as_deref(),
            error: self.error,
            detail: self.detail.as_deref(),
            request_bytes: self.passed.0,
            response_bytes: self.passed.1,
            duration_ms: (self.begun.elapsed().as_secs_f64() * 1e6).round() / 1e3,
        };
        log.write(|out| serde_json::to_writer(out, &line));
    }
}

impl Drop for ConnectionRecord {
    fn drop(&mut self) {
        if !self.finished {
            self.error.get_or_insert("cancelled");
            self.write();
        }
    }
}
