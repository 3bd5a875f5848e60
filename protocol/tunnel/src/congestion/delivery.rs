//! How fast bytes are delivered: for each acknowledgement, what arrived since its packet was sent, over the time that took.
//!
//! As in BBR's draft: the time is the longer of sending and acknowledging, so that bunched acknowledgements don't inflate it. quinn
//! hands out no packets to keep state in; a ring of snapshots by sending time stands in for that.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::rate::Rate;

/// Snapshots that are kept at most; half of them go when there are more, which takes many round trips' worth on the way.
pub(super) const RING: usize = 512;
/// Snapshots closer together say nothing new.
const LEAST_SPACING: Duration = Duration::from_micros(100);
/// Snapshots per round trip.
const PER_ROUND_TRIP: u32 = 64;

/// What was true when a packet left.
#[derive(Debug, Clone, Copy)]
struct Snapshot {
    at: Instant,
    delivered: u64,
    delivered_at: Instant,
    first_sent_at: Instant,
}

/// One measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sample {
    /// At least so fast.
    pub(super) rate: Rate,
    /// The application had no more to send while this was measured: the path may be faster.
    pub(super) app_limited: bool,
}

/// Counts deliveries.
#[derive(Debug, Clone)]
pub(super) struct Delivery {
    delivered: u64,
    delivered_at: Instant,
    /// When the packet left that was acknowledged last.
    first_sent_at: Instant,
    snapshots: VecDeque<Snapshot>,
    /// Deliveries up to this count were held back by the application.
    app_limited_until: u64,
}

impl Delivery {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            delivered: 0,
            delivered_at: now,
            first_sent_at: now,
            snapshots: VecDeque::new(),
            app_limited_until: 0,
        }
    }

    /// Packets leave. `idle` when nothing was on its way: the pause before isn't the path's.
    pub(super) fn sent(&mut self, now: Instant, idle: bool, round_trip: Duration) {
        if idle {
            self.delivered_at = now;
            self.first_sent_at = now;
        }
        let spacing = (round_trip / PER_ROUND_TRIP).max(LEAST_SPACING);
        let newest = self.snapshots.back();
        if !idle && newest.is_some_and(|newest| now.saturating_duration_since(newest.at) < spacing)
        {
            return;
        }
        if self.snapshots.len() >= RING {
            let mut odd = false;
            self.snapshots.retain(|_| {
                odd = !odd;
                odd
            });
        }
        self.snapshots.push_back(Snapshot {
            at: now,
            delivered: self.delivered,
            delivered_at: self.delivered_at,
            first_sent_at: self.first_sent_at,
        });
    }

    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.snapshots.len()
    }

    /// The application has nothing more to send, with `in_flight` on its way.
    pub(super) fn app_limited(&mut self, in_flight: u64) {
        self.app_limited_until = self.delivered.saturating_add(in_flight).max(1);
    }

    /// One batch of acknowledgements; its newest packet left at `sent`.
    pub(super) fn acknowledged(
        &mut self,
        now: Instant,
        sent: Instant,
        bytes: u64,
        least_round_trip: Duration,
    ) -> Option<Sample> {
        self.delivered = self.delivered.saturating_add(bytes);
        self.delivered_at = self.delivered_at.max(now);
        while self.snapshots.get(1).is_some_and(|next| next.at <= sent) {
            self.snapshots.pop_front();
        }
        let sample = self
            .snapshots
            .front()
            .filter(|snapshot| snapshot.at <= sent)
            .map(|snapshot| {
                let sending = sent.saturating_duration_since(snapshot.first_sent_at);
                let acknowledging = now.saturating_duration_since(snapshot.delivered_at);
                let took = sending.max(acknowledging).max(least_round_trip);
                Sample {
                    rate: Rate::of(self.delivered.saturating_sub(snapshot.delivered), took),
                    app_limited: snapshot.delivered < self.app_limited_until,
                }
            });
        self.first_sent_at = self.first_sent_at.max(sent);
        sample
    }
}
