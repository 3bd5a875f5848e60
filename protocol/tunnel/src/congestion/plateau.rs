//! A way that has become longer, told from a queue that others fill: a queue gets shorter when we send less, a way doesn't.

use std::time::Duration;

/// Rounds on end with the same round trip.
const ROUNDS: u32 = 6;

/// Follows the least round trip of each round.
#[derive(Debug, Clone, Default)]
pub(super) struct Plateau {
    level: Duration,
    window: u64,
    rounds: u32,
}

impl Plateau {
    /// A round is over in which `window` was used. True when the way itself must have become longer.
    pub(super) fn round(&mut self, seen: Duration, window: u64) -> bool {
        let same = seen.abs_diff(self.level) <= self.level / 32 + Duration::from_micros(500);
        if !same {
            *self = Self {
                level: seen,
                window,
                rounds: 0,
            };
            return false;
        }
        self.rounds = self.rounds.saturating_add(1);
        self.window = self.window.max(window);
        // A quarter less on its way, and nothing has changed.
        self.rounds >= ROUNDS && window <= self.window - self.window / 4
    }
}
