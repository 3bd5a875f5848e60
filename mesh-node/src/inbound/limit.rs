//! How much may be under way at once. Over it, requests are refused at once: shedding early beats queueing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Requests at once on one node.
pub(crate) const MAX_IN_FLIGHT: usize = 16_384;

/// Counts what is under way.
#[derive(Debug, Clone, Default)]
pub(crate) struct InFlight(Arc<AtomicUsize>);

/// A request that is under way for as long as this lives.
#[derive(Debug)]
pub(crate) struct Counted(Arc<AtomicUsize>);

impl InFlight {
    /// Lets one more in, if there is room.
    pub(crate) fn admit(&self) -> Option<Counted> {
        let before = self.0.fetch_add(1, Ordering::Relaxed);
        let counted = Counted(Arc::clone(&self.0));
        (before < MAX_IN_FLIGHT).then_some(counted)
    }

    /// How many are under way.
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_holds_and_frees_itself() {
        let in_flight = InFlight::default();
        let held: Vec<_> = (0..MAX_IN_FLIGHT)
            .map_while(|_| in_flight.admit())
            .collect();
        assert_eq!(held.len(), MAX_IN_FLIGHT);
        assert!(in_flight.admit().is_none());
        assert_eq!(in_flight.count(), MAX_IN_FLIGHT);
        drop(held);
        assert!(in_flight.admit().is_some());
        assert_eq!(in_flight.count(), 0);
    }
}
