//! Whether the workloads here are well: asked actively, and seen at once when one takes no connection. The controller hears of each change.

mod gauge;
mod probe;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use parking_lot::Mutex;
use protocol::name::Label;
use protocol::view::{HealthCheck, Protocol, View, Workload};
use protocol::wire::v1;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::observe::metrics;
use gauge::Gauge;

/// Which workload.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct WorkloadKey {
    namespace: Label,
    name: Label,
}

impl WorkloadKey {
    pub(crate) fn of(workload: &Workload) -> Self {
        Self {
            namespace: workload.namespace.clone(),
            name: workload.name.clone(),
        }
    }
}

impl std::fmt::Display for WorkloadKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// The health of every workload here.
#[derive(Debug, Default)]
pub(crate) struct Health {
    states: Mutex<BTreeMap<WorkloadKey, State>>,
    /// A health has changed.
    changed: Notify,
    /// The set of workloads has changed.
    applied: Notify,
}

#[derive(Debug, Clone)]
struct State {
    check: HealthCheck,
    ports: Vec<u16>,
    gauge: Gauge,
}

impl Health {
    /// Takes over what a View says; what is known of workloads that stay goes on.
    pub(crate) fn apply(&self, view: &View) {
        let mut states = self.states.lock();
        let mut before = std::mem::take(&mut *states);
        for workload in &view.workloads {
            let key = WorkloadKey::of(workload);
            let check = workload.health.clone();
            // A port of UDP answers no check.
            let checked = workload.serves.iter();
            let mut ports: Vec<u16> = checked
                .filter(|serves| serves.protocol != Protocol::Udp)
                .map(|serves| serves.port)
                .collect();
            ports.sort_unstable();
            ports.dedup();
            let known = before
                .remove(&key)
                .filter(|state| state.check == check && state.ports == ports);
            let state = known.unwrap_or_else(|| State {
                gauge: Gauge::new(check.healthy_after, check.unhealthy_after),
                check,
                ports,
            });
            states.insert(key, state);
        }
        drop(states);
        self.applied.notify_one();
        self.changed.notify_one();
    }

    /// Whether requests may go there: yes, until something speaks against it.
    pub(crate) fn may_serve(&self, workload: &WorkloadKey) -> bool {
        self.states
            .lock()
            .get(workload)
            .is_some_and(|state| state.gauge.is_healthy() != Some(false))
    }

    /// It took no connection: unhealthy at once, until a check says otherwise.
    pub(crate) fn refused(&self, workload: &WorkloadKey) {
        let changed = self
            .states
            .lock()
            .get_mut(workload)
            .is_some_and(|state| state.gauge.condemn());
        if changed {
            tracing::info!(%workload, "takes no connection: unhealthy");
            self.changed.notify_one();
        }
    }

    /// Waits for a change, then tells all; workloads of which nothing is known yet are left out.
    pub(crate) async fn news(&self) -> Vec<v1::WorkloadHealth> {
        self.changed.notified().await;
        self.report()
    }

    /// All that is known.
    pub(crate) fn report(&self) -> Vec<v1::WorkloadHealth> {
        let states = self.states.lock();
        let known = states
            .iter()
            .filter_map(|(key, state)| Some((key, state.gauge.is_healthy()?)));
        known
            .map(|(key, healthy)| {
                metrics::workload_healthy(&key.to_string(), healthy);
                v1::WorkloadHealth {
                    namespace: key.namespace.to_string(),
                    name: key.name.to_string(),
                    healthy,
                }
            })
            .collect()
    }

    /// The same workloads, none of which takes anything any more.
    pub(crate) fn farewell(&self) -> Vec<v1::WorkloadHealth> {
        self.report()
            .into_iter()
            .map(|workload| v1::WorkloadHealth {
                healthy: false,
                ..workload
            })
            .collect()
    }

    /// Asks every workload at its pace, for ever.
    pub(crate) async fn run(self: &Arc<Self>) {
        let mut running: BTreeMap<WorkloadKey, (HealthCheck, Vec<u16>, tokio::task::AbortHandle)> =
            BTreeMap::new();
        let mut tasks = JoinSet::new();
        loop {
            let wanted: BTreeMap<_, _> = self
                .states
                .lock()
                .iter()
                .map(|(key, state)| (key.clone(), (state.check.clone(), state.ports.clone())))
                .collect();
            running.retain(|key, (check, ports, task)| {
                let stays = wanted
                    .get(key)
                    .is_some_and(|(c, p)| c == check && p == ports);
                if !stays {
                    task.abort();
                }
                stays
            });
            for (key, (check, ports)) in wanted {
                if let Entry::Vacant(vacant) = running.entry(key) {
                    let asking =
                        Arc::clone(self).ask(vacant.key().clone(), check.clone(), ports.clone());
                    let task = tasks.spawn(asking);
                    vacant.insert((check, ports, task));
                }
            }
            tokio::select! {
                () = self.applied.notified() => {}
                Some(ended) = tasks.join_next() => {
                    if let Err(error) = ended && error.is_panic() {
                        tracing::error!(%error, "a health check panicked");
                    }
                }
            }
        }
    }

    async fn ask(self: Arc<Self>, key: WorkloadKey, check: HealthCheck, ports: Vec<u16>) {
        let mut ticks =
            tokio::time::interval(check.every.max(std::time::Duration::from_millis(50)));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let is_well = probe::all(&ports, check.http_path.as_deref()).await;
            let changed = self
                .states
                .lock()
                .get_mut(&key)
                .and_then(|state| state.gauge.observe(is_well));
            if let Some(healthy) = changed {
                tracing::info!(workload = %key, healthy, "health changed");
                self.changed.notify_one();
            }
        }
    }
}
