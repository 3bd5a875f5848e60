//! Which parts of the process are ready.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::sync::watch;

/// What `/readyz` tells; every part that is to run is named from the beginning.
#[derive(Clone, Debug)]
pub(crate) struct Readiness(Arc<Mutex<Parts>>);

/// Each part by name; `None` until it has begun to start.
type Parts = BTreeMap<&'static str, Option<watch::Receiver<bool>>>;

impl Readiness {
    /// None of these parts is ready yet.
    pub(crate) fn of(parts: impl IntoIterator<Item = &'static str>) -> Self {
        Self(Arc::new(Mutex::new(
            parts.into_iter().map(|part| (part, None)).collect(),
        )))
    }

    /// A part has begun and tells by itself from then on.
    pub(crate) fn watch(&self, part: &'static str, ready: watch::Receiver<bool>) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(part, Some(ready));
    }

    /// All of it: whether everything is ready, and each part.
    pub(crate) fn report(&self) -> (bool, Value) {
        let parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ready = |watched: &Option<watch::Receiver<bool>>| {
            watched.as_ref().is_some_and(|ready| *ready.borrow())
        };
        let each: serde_json::Map<_, _> = parts
            .iter()
            .map(|(part, watched)| ((*part).to_owned(), json!(ready(watched))))
            .collect();
        (
            parts.values().all(ready),
            json!({"ready": parts.values().all(ready), "parts": each}),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_parts_must_be_ready_and_unready_counts_again() {
        let readiness = Readiness::of(["node", "gateway"]);
        assert!(!readiness.report().0);
        let (node, receiver) = watch::channel(true);
        readiness.watch("node", receiver);
        assert!(!readiness.report().0);
        let (_gateway, receiver) = watch::channel(true);
        readiness.watch("gateway", receiver);
        assert!(readiness.report().0);
        node.send_replace(false);
        assert_eq!(
            readiness.report(),
            (
                false,
                json!({"ready": false, "parts": {"gateway": true, "node": false}})
            )
        );
    }
}
