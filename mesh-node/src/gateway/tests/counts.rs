//! A recorder that keeps counters where a test can read them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use metrics::{
    Counter, Gauge, Histogram, Key, KeyName, LocalRecorderGuard, Metadata, Recorder, SharedString,
    Unit,
};
use parking_lot::Mutex;
use protocol::cid::DropReason;

use crate::gateway::metrics::{DIRECTION, DROPS, PACKETS, REASON};

#[derive(Default)]
pub(super) struct Counts {
    counters: Mutex<BTreeMap<(String, String), Arc<AtomicU64>>>,
}

impl Counts {
    /// Takes what this thread registers until the guard is dropped.
    pub(super) fn record(&self) -> LocalRecorderGuard<'_> {
        metrics::set_default_local_recorder(self)
    }

    pub(super) fn drops(&self, reason: DropReason) -> u64 {
        self.read(DROPS, REASON, reason.label())
    }

    pub(super) fn total_drops(&self) -> u64 {
        DropReason::ALL
            .into_iter()
            .map(|reason| self.drops(reason))
            .sum()
    }

    pub(super) fn drop_counters(&self) -> usize {
        self.counters
            .lock()
            .keys()
            .filter(|(name, _)| name == DROPS)
            .count()
    }

    pub(super) fn packets(&self, direction: &str) -> u64 {
        self.read(PACKETS, DIRECTION, direction)
    }

    fn read(&self, name: &str, label: &str, value: &str) -> u64 {
        let key = (name.to_owned(), format!("{label}={value}"));
        self.counters
            .lock()
            .get(&key)
            .expect("it was registered")
            .load(Ordering::Relaxed)
    }
}

impl Recorder for Counts {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let labels: Vec<_> = key
            .labels()
            .map(|label| format!("{}={}", label.key(), label.value()))
            .collect();
        let mut counters = self.counters.lock();
        Counter::from_arc(Arc::clone(
            counters
                .entry((key.name().to_owned(), labels.join(",")))
                .or_default(),
        ))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}
