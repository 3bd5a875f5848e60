//! Where apps here take connections and packets as they are: the ports of services that aren't only HTTP.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arc_swap::ArcSwap;
use protocol::name::{ServiceName, SpiffeId};
use protocol::view::{Protocol, View};

use crate::health::{Health, WorkloadKey};

/// The ports behind this node.
#[derive(Debug)]
pub(super) struct Ports {
    health: Arc<Health>,
    table: ArcSwap<Table>,
    turn: AtomicUsize,
}

type Table = BTreeMap<(ServiceName, SpiffeId), Vec<Port>>;

/// One workload's port for one service.
#[derive(Debug, Clone)]
pub(super) struct Port {
    pub(super) workload: WorkloadKey,
    pub(super) port: u16,
    pub(super) protocol: Protocol,
}

impl Ports {
    pub(super) fn new(health: Arc<Health>) -> Self {
        Self {
            health,
            table: ArcSwap::default(),
            turn: AtomicUsize::new(0),
        }
    }

    /// Takes over what a View says.
    pub(super) fn apply(&self, view: &View) {
        let mut table = Table::new();
        for workload in &view.workloads {
            let id = workload.spiffe_id(&view.trust_domain);
            for serves in &workload.serves {
                table
                    .entry((serves.service.clone(), id.clone()))
                    .or_default()
                    .push(Port {
                        workload: WorkloadKey::of(workload),
                        port: serves.port,
                        protocol: serves.protocol,
                    });
            }
        }
        self.table.store(Arc::new(table));
    }

    /// The healthy ones, each caller beginning with another; `None` when the service's protocol isn't one that `takes` this.
    pub(super) fn of(
        &self,
        service: &ServiceName,
        shown: &SpiffeId,
        takes: impl Fn(Protocol) -> bool,
    ) -> Option<Vec<Port>> {
        let table = self.table.load();
        let all = table.get(&(service.clone(), shown.clone()))?;
        if !all.iter().any(|port| takes(port.protocol)) {
            return None;
        }
        let fits = |port: &&Port| takes(port.protocol) && self.health.may_serve(&port.workload);
        let mut healthy: Vec<_> = all.iter().filter(fits).cloned().collect();
        if healthy.len() > 1 {
            let turn = self.turn.fetch_add(1, Ordering::Relaxed) % healthy.len();
            healthy.rotate_left(turn);
        }
        Some(healthy)
    }
}
