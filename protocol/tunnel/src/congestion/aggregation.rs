//! Acknowledgements that come in bunches (delayed ones, radio links, busy peers): how much more than the rate says may come at once.

use std::time::Instant;

use super::rate::{Most, Rate};

/// Follows the acknowledged bytes against what the rate lets expect.
#[derive(Debug, Clone)]
pub(super) struct Aggregation {
    since: Instant,
    acked: u64,
    extra: Most<10>,
}

impl Aggregation {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            since: now,
            acked: 0,
            extra: Most::default(),
        }
    }

    pub(super) fn acknowledged(&mut self, now: Instant, round: u64, bytes: u64, rate: Rate) {
        let expected = rate.over(now.saturating_duration_since(self.since));
        if self.acked <= expected {
            self.since = now;
            self.acked = 0;
        }
        let expected = rate.over(now.saturating_duration_since(self.since));
        self.acked = self.acked.saturating_add(bytes);
        self.extra.note(round, self.acked.saturating_sub(expected));
    }

    pub(super) fn extra(&self) -> u64 {
        self.extra.get()
    }
}
