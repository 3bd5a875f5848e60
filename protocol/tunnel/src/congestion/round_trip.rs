//! The least round trip of the last seconds: the way without a queue.

use std::time::{Duration, Instant};

/// How long a measurement is believed: one to two spans.
const SPAN: Duration = Duration::from_secs(5);
/// Least of this span and of the one before it.
#[derive(Debug, Clone)]
pub(super) struct RoundTrip {
    current: Option<Duration>,
    previous: Option<Duration>,
    began: Instant,
    confirmed: Instant,
}

impl RoundTrip {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            current: None,
            previous: None,
            began: now,
            confirmed: now,
        }
    }

    pub(super) fn observe(&mut self, now: Instant, round_trip: Duration) {
        let age = now.saturating_duration_since(self.began);
        if age >= SPAN {
            // After a long silence the span before is out of date as well.
            self.previous = if age >= SPAN * 2 { None } else { self.current };
            self.current = None;
            self.began = now;
        }
        let round_trip = round_trip.max(Duration::from_micros(1));
        if self.get().is_none_or(|least| near(round_trip, least)) {
            self.confirmed = now;
        }
        self.current = Some(
            self.current
                .map_or(round_trip, |least| least.min(round_trip)),
        );
    }

    /// The way has become longer.
    pub(super) const fn lengthened(&mut self, now: Instant, to: Duration) {
        self.current = Some(to);
        self.previous = None;
        self.began = now;
        self.confirmed = now;
    }

    pub(super) fn get(&self) -> Option<Duration> {
        match (self.current, self.previous) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }

    /// How long nothing as short was seen.
    pub(super) fn unconfirmed(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.confirmed)
    }

    /// It was looked for, whatever was found.
    pub(super) const fn confirm(&mut self, now: Instant) {
        self.confirmed = now;
    }
}

/// Within what jitter explains.
pub(super) fn near(round_trip: Duration, least: Duration) -> bool {
    round_trip <= least + least / 16 + Duration::from_micros(500)
}

/// Longer than our own part in a queue explains.
pub(super) fn queued(round_trip: Duration, least: Duration, percent: u32) -> bool {
    round_trip > super::rate::stretched(least, percent).saturating_add(Duration::from_millis(3))
}
