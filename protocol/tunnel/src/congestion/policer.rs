//! A rate that the path cuts off instead of queueing. Its bucket fills while little is sent, so the path seems fast until it is empty,
//! and loses much then, without a longer round trip. From one such time to the next just the policed rate was delivered: twice the same,
//! and it is believed.

use std::time::Duration;

use super::caution::Verdict;
use super::rate::Rate;
use super::round::Round;
use super::round_trip::queued;

/// The shortest time from one overload to the next; those in between belong to the first.
const LEAST_ROUNDS: u32 = 4;
/// After so long an overload has nothing to do with the one before.
const MOST_ROUNDS: u32 = 100;
/// For so many rounds a found rate is kept before more is tried; twice as many each time that it is found again.
const KEEP_ROUNDS: u64 = 64;
const KEEP_MOST: u64 = 1024;

/// Looks for one, and keeps to what it found.
#[derive(Debug, Clone, Default)]
pub(super) struct Policer {
    /// Since the last overload.
    since: Option<Since>,
    /// What was delivered from the overload before that to it.
    before: Option<Rate>,
    /// The rate, until which round.
    held: Option<(Rate, u64)>,
    /// The rate that was held last, and for how long.
    last: Option<(Rate, u64)>,
}

#[derive(Debug, Clone, Default)]
struct Since {
    rounds: u32,
    acked: u64,
    took: Duration,
}

impl Policer {
    /// The policed rate, when there is one.
    pub(super) fn rate(&self) -> Option<Rate> {
        self.held.map(|(rate, _)| rate)
    }

    pub(super) fn round(
        &mut self,
        round: &Round,
        verdict: Verdict,
        took: Duration,
        least: Duration,
    ) {
        if let Some((_, until)) = self.held {
            if round.number >= until {
                self.held = None;
            }
            return;
        }
        let overloaded =
            verdict == Verdict::Bad && !round.least.is_some_and(|seen| queued(seen, least, 125));
        let Some(since) = &mut self.since else {
            self.since = overloaded.then(Since::default);
            return;
        };
        since.rounds += 1;
        since.acked = since.acked.saturating_add(round.acked);
        since.took = since.took.saturating_add(took);
        if since.rounds > MOST_ROUNDS {
            (self.since, self.before) = (None, None);
        } else if overloaded && since.rounds >= LEAST_ROUNDS {
            let rate = Rate::of(since.acked, since.took);
            self.since = Some(Since::default());
            match self.before.replace(rate) {
                // What was delivered while we held back is too little, never too much.
                Some(before) if steady(before, rate) => self.hold(round.number, rate.max(before)),
                Some(_) | None => {}
            }
        }
    }

    fn hold(&mut self, round: u64, rate: Rate) {
        let keep = match self.last {
            Some((last, kept)) if steady(last, rate) => (kept * 2).min(KEEP_MOST),
            Some(_) | None => KEEP_ROUNDS,
        };
        *self = Self {
            held: Some((rate, round.saturating_add(keep))),
            last: Some((rate, keep)),
            ..Self::default()
        };
    }
}

fn steady(one: Rate, other: Rate) -> bool {
    one.0.abs_diff(other.0) <= one.0.max(other.0) / 6
}
