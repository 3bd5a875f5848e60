//! The apps here that serve a service under an identity: healthy ones, in turn.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arc_swap::ArcSwap;
use protocol::name::{ServiceName, SpiffeId};
use protocol::view::{Protocol, View};
use tunnel::HttpVersion;

use crate::health::{Health, WorkloadKey};
use crate::http::send::App;

/// The apps behind this node.
#[derive(Debug)]
pub(super) struct Apps {
    health: Arc<Health>,
    table: ArcSwap<Table>,
    turn: AtomicUsize,
}

type Table = BTreeMap<(ServiceName, SpiffeId), Vec<Instance>>;

/// One workload's port for one service.
#[derive(Debug, Clone)]
pub(super) struct Instance {
    workload: WorkloadKey,
    protocol: Protocol,
    pub(super) app: Arc<App>,
}

/// How an app is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaks {
    Http1,
    Http2,
}

/// Why no app answered.
#[derive(Debug)]
pub(super) enum AppError {
    /// None got a byte.
    Unavailable(String),
    /// One may have.
    Broken { detail: String, is_grpc: bool },
}

impl Instance {
    /// What its service declares; where it declares nothing, what the caller speaks.
    pub(super) fn speaks(&self, caller: HttpVersion) -> Speaks {
        match (self.protocol, caller) {
            (Protocol::Http2 | Protocol::Grpc, _) | (Protocol::Auto, HttpVersion::Http2) => {
                Speaks::Http2
            }
            _ => Speaks::Http1,
        }
    }
}

impl Apps {
    pub(super) fn new(health: Arc<Health>) -> Self {
        Self {
            health,
            table: ArcSwap::default(),
            turn: AtomicUsize::new(0),
        }
    }

    /// Takes over what a View says; connections to ports that stay are kept.
    pub(super) fn apply(&self, view: &View) {
        let before = self.table.load();
        let known = |port| {
            let mut apps = before.values().flatten().map(|instance| &instance.app);
            apps.find(|app| app.port() == port).cloned()
        };
        let mut table = Table::new();
        for workload in &view.workloads {
            let id = workload.spiffe_id(&view.trust_domain);
            for serves in &workload.serves {
                let instance = Instance {
                    workload: WorkloadKey::of(workload),
                    protocol: serves.protocol,
                    app: known(serves.port).unwrap_or_else(|| Arc::new(App::new(serves.port))),
                };
                table
                    .entry((serves.service.clone(), id.clone()))
                    .or_default()
                    .push(instance);
            }
        }
        self.table.store(Arc::new(table));
    }

    /// It took no connection.
    pub(super) fn refused(&self, instance: &Instance) {
        self.health.refused(&instance.workload);
    }

    /// The healthy instances, each request beginning with another.
    pub(super) fn instances(&self, service: &ServiceName, shown: &SpiffeId) -> Vec<Instance> {
        let table = self.table.load();
        let all = table
            .get(&(service.clone(), shown.clone()))
            .map(Vec::as_slice)
            .unwrap_or_default();
        let mut healthy: Vec<_> = all
            .iter()
            .filter(|instance| self.health.may_serve(&instance.workload))
            .cloned()
            .collect();
        if healthy.len() > 1 {
            let turn = self.turn.fetch_add(1, Ordering::Relaxed) % healthy.len();
            healthy.rotate_left(turn);
        }
        healthy
    }
}
