//! A round: from a packet's leaving to its acknowledgement; what happened in it.

use std::time::{Duration, Instant};

use super::rate::Rate;

/// What one round saw.
#[derive(Debug, Clone, Copy)]
pub(super) struct Round {
    /// Which one.
    pub(super) number: u64,
    pub(super) began: Instant,
    pub(super) acked: u64,
    pub(super) lost: u64,
    /// An ECN-CE mark came back.
    pub(super) marked: bool,
    /// The application ran out of data at least once.
    pub(super) app_limited: bool,
    /// The most that was on its way.
    pub(super) peak: u64,
    pub(super) least: Option<Duration>,
    pub(super) most: Duration,
    /// The fastest sample.
    pub(super) rate: Rate,
}

impl Round {
    pub(super) const fn new(number: u64, began: Instant) -> Self {
        Self {
            number,
            began,
            acked: 0,
            lost: 0,
            marked: false,
            app_limited: false,
            peak: 0,
            least: None,
            most: Duration::ZERO,
            rate: Rate(0),
        }
    }

    pub(super) fn observe(&mut self, round_trip: Duration) {
        self.least = Some(self.least.map_or(round_trip, |least| least.min(round_trip)));
        self.most = self.most.max(round_trip);
    }

    /// The window was what held it back.
    pub(super) const fn window_limited(&self, window: u64) -> bool {
        self.peak.saturating_mul(10) >= window.saturating_mul(8)
    }
}
