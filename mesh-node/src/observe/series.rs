//! The golden metrics of each pair of source and destination, their handles kept so that a request costs no look-up in a registry.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ::metrics::{Counter, Histogram, counter, histogram};
use parking_lot::Mutex;

use super::Direction;
use super::metrics::{REQUEST_DURATION_SECONDS, REQUEST_FAILURES_TOTAL, REQUESTS_TOTAL};

/// After so many pairs all further ones count as `other` (CVE-2025-43915).
const MAX_SERIES: usize = 1000;
const OTHER: &str = "other";

#[derive(Debug)]
pub(super) struct SeriesTable<S>(Mutex<HashMap<Key, Arc<S>>>);

/// A pair of source and destination.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) direction: Direction,
    pub(super) source: Arc<str>,
    pub(super) destination: Arc<str>,
    pub(super) peer: Arc<str>,
}

/// The metrics of one pair.
pub(super) struct Series {
    key: Key,
    by_class: [Counter; 5],
    duration: Histogram,
}

impl std::fmt::Debug for Series {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Series")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl<S> Default for SeriesTable<S> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<S: From<Key>> SeriesTable<S> {
    pub(super) fn of(
        &self,
        direction: Direction,
        source: &Arc<str>,
        destination: &Arc<str>,
        peer: &Arc<str>,
    ) -> Arc<S> {
        let mut key = Key {
            direction,
            source: Arc::clone(source),
            destination: Arc::clone(destination),
            peer: Arc::clone(peer),
        };
        let mut table = self.0.lock();
        if let Some(series) = table.get(&key) {
            return Arc::clone(series);
        }
        if table.len() >= MAX_SERIES {
            key = Key {
                direction,
                source: OTHER.into(),
                destination: OTHER.into(),
                peer: OTHER.into(),
            };
        }
        Arc::clone(
            table
                .entry(key)
                .or_insert_with_key(|key| Arc::new(S::from(key.clone()))),
        )
    }
}

impl From<Key> for Series {
    fn from(key: Key) -> Self {
        let requests = |class: &'static str| {
            counter!(
                REQUESTS_TOTAL,
                "direction" => key.direction.word(), "source" => key.source.to_string(),
                "destination" => key.destination.to_string(), "peer" => key.peer.to_string(), "code_class" => class,
            )
        };
        let by_class = ["1xx", "2xx", "3xx", "4xx", "5xx"].map(requests);
        let duration = histogram!(
            REQUEST_DURATION_SECONDS,
            "direction" => key.direction.word(), "source" => key.source.to_string(),
            "destination" => key.destination.to_string(), "peer" => key.peer.to_string(),
        );
        Self {
            key,
            by_class,
            duration,
        }
    }
}

impl Series {
    pub(super) fn count(&self, status: u16, error: Option<&'static str>, elapsed: Duration) {
        let class = usize::from(status / 100).clamp(1, 5) - 1;
        self.by_class[class].increment(1);
        self.duration.record(elapsed.as_secs_f64());
        if let Some(reason) = error {
            let key = &self.key;
            counter!(
                REQUEST_FAILURES_TOTAL,
                "direction" => key.direction.word(), "source" => key.source.to_string(),
                "destination" => key.destination.to_string(), "peer" => key.peer.to_string(), "reason" => reason,
            )
            .increment(1);
        }
    }
}
