//! Room for bursts: quinn's pacer spreads a burst as large as the window over most of a round trip. Where the application, not the
//! path, sets the pace, the window is a multiple of the largest burst, as long as bursts neither queue nor get lost.

use std::time::Duration;

use super::caution::Verdict;
use super::rate::{Most, percent};
use super::round::Round;
use super::round_trip::queued;

const FULL: u64 = 400;
const NONE: u64 = 100;
/// Rounds without a pause of the application after which it isn't one of bursts.
const BUSY_ROUNDS: u32 = 2;

/// What bursts need.
#[derive(Debug, Clone)]
pub(super) struct Headroom {
    peaks: Most<10>,
    times: u64,
    busy: u32,
}

impl Headroom {
    pub(super) fn new() -> Self {
        Self {
            peaks: Most::default(),
            times: FULL,
            busy: 0,
        }
    }

    pub(super) fn round(&mut self, round: &Round, verdict: Verdict, least: Duration) {
        if !round.app_limited {
            self.busy += 1;
            if self.busy >= BUSY_ROUNDS {
                self.peaks.clear();
            }
            return;
        }
        self.busy = 0;
        if verdict != Verdict::Fine || queued(round.most, least, 150) {
            // A peak that filled a queue is no measure: more of it would fill it more.
            self.peaks.clear();
            self.times = (self.times / 2).max(NONE);
            return;
        }
        self.peaks.note(round.number, round.peak);
        self.times = (self.times + 20).min(FULL);
    }

    /// The window that bursts ask for; nothing where there are none.
    pub(super) fn window(&self) -> u64 {
        percent(self.peaks.get(), self.times)
    }
}
