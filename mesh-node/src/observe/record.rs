//! What happened to one request, written once.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Instant;

use http::{Method, StatusCode};
use protocol::name::SpiffeId;
use serde::Serialize;

use super::timestamp::Timestamp;
use super::{Direction, Observer};

/// The status that stands for «whoever asked has gone» (nginx's).
const GONE: u16 = 499;

/// What is known of a request.
#[derive(Debug)]
pub(crate) struct Facts {
    direction: Direction,
    source: SpiffeId,
    source_label: Arc<str>,
    destination: Option<SpiffeId>,
    service: Option<Arc<str>>,
    /// The cluster at the other end.
    pub(super) peer: Arc<str>,
    method: Method,
    path: String,
    attempts: u32,
    policy: Option<String>,
    status: u16,
    grpc_status: Option<String>,
    error: Option<&'static str>,
    detail: Option<String>,
    sent: u64,
}

impl Facts {
    pub(super) fn new(
        direction: Direction,
        source: SpiffeId,
        source_label: Arc<str>,
        method: Method,
    ) -> Self {
        Self {
            direction,
            source,
            source_label,
            method,
            destination: None,
            service: None,
            peer: "".into(),
            path: String::new(),
            attempts: 0,
            policy: None,
            status: GONE,
            grpc_status: None,
            error: None,
            detail: None,
            sent: 0,
        }
    }
}

/// One request from arrival to end. Dropped before its end, it tells that whoever asked has gone.
#[derive(Debug)]
pub(crate) struct Record {
    observer: Arc<Observer>,
    facts: Facts,
    begun: Instant,
    received: u64,
    finished: bool,
    held: Option<Box<dyn std::any::Any + Send>>,
}

/// A line of the access log. Paths and identities hold no byte that JSON doesn't escape.
#[derive(Debug, Serialize)]
struct Line<'a> {
    time: Timestamp,
    direction: &'static str,
    source: &'a SpiffeId,
    destination: Option<&'a SpiffeId>,
    service: Option<&'a str>,
    peer: &'a str,
    method: &'a str,
    path: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    grpc_status: Option<&'a str>,
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

impl Record {
    pub(super) fn begin(observer: Arc<Observer>, facts: Facts) -> Self {
        Self {
            observer,
            facts,
            begun: Instant::now(),
            received: 0,
            finished: false,
            held: None,
        }
    }

    pub(crate) fn service(&mut self, label: &Arc<str>) {
        self.facts.service = Some(Arc::clone(label));
    }

    pub(crate) fn path(&mut self, path: &str) {
        self.facts.path = path.to_owned();
    }

    pub(crate) fn attempts(&mut self, made: u32) {
        self.facts.attempts = made;
    }

    pub(crate) fn endpoint(&mut self, id: &SpiffeId, cluster: &Arc<str>) {
        self.facts.destination = Some(id.clone());
        self.facts.peer = Arc::clone(cluster);
    }

    pub(crate) fn destination(&mut self, id: &SpiffeId) {
        self.facts.destination = Some(id.clone());
    }

    pub(crate) fn policy(&mut self, policy: Option<String>) {
        self.facts.policy = policy;
    }

    pub(crate) fn status(&mut self, status: StatusCode) {
        self.facts.status = status.as_u16();
    }

    /// The mesh itself answers, and why.
    pub(crate) fn failed(
        &mut self,
        status: StatusCode,
        reason: &'static str,
        detail: &dyn Display,
    ) {
        self.facts.status = status.as_u16();
        self.facts.error = Some(reason);
        self.facts.detail = Some(detail.to_string());
    }

    /// So much of the request's body has come, and so much of the answer's has gone.
    pub(crate) fn passed(&mut self, received: u64, sent: u64) {
        self.received = received;
        self.facts.sent = sent;
    }

    /// What the trailers said.
    pub(crate) fn grpc_status(&mut self, status: Option<String>) {
        if status.is_some() {
            self.facts.grpc_status = status;
        }
    }

    /// Keeps something for as long as the record is open.
    pub(crate) fn hold(&mut self, held: impl Send + 'static) {
        self.held = Some(Box::new(held));
    }

    /// It broke off after its head.
    pub(crate) fn broken_off(&mut self, detail: &dyn Display) {
        self.facts.error.get_or_insert("broken-off");
        self.facts.detail.get_or_insert_with(|| detail.to_string());
    }

    /// Nothing more will come.
    pub(crate) fn finish(mut self) {
        self.write();
    }

    fn write(&mut self) {
        self.finished = true;
        let elapsed = self.begun.elapsed();
        let facts = &self.facts;
        let destination = facts.service.clone().unwrap_or_else(|| "unknown".into());
        let series = self.observer.series.of(
            facts.direction,
            &facts.source_label,
            &destination,
            &facts.peer,
        );
        series.count(facts.status, facts.error, elapsed);
        let Some(log) = &self.observer.log else {
            return;
        };
        let line = Line {
            time: Timestamp::now(),
            direction: facts.direction.word(),
            source: &facts.source,
            destination: facts.destination.as_ref(),
            service: facts.service.as_deref(),
            peer: &facts.peer,
            method: facts.method.as_str(),
            path: &facts.path,
            status: facts.status,
            grpc_status: facts.grpc_status.as_deref(),
            attempts: facts.attempts,
            policy: facts.policy.as_deref(),
            error: facts.error,
            detail: facts.detail.as_deref(),
            request_bytes: self.received,
            response_bytes: facts.sent,
            duration_ms: (elapsed.as_secs_f64() * 1e6).round() / 1e3,
        };
        log.write(|out| serde_json::to_writer(out, &line));
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if !self.finished {
            self.facts.error.get_or_insert("cancelled");
            self.write();
        }
    }
}
