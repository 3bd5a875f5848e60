//! A flow that fills the queue whatever we do (Cubic, NewReno): to leave the queue short beside it would be to leave it the link.
//!
//! The sign: for rounds on end even the least round trip is longer than our own part in the queue explains. Then our window follows
//! Cubic's rule (RFC 9438) above the model's. Once in a while we yield for a round: if the queue runs empty the rival is gone.

use std::time::{Duration, Instant};

use super::round::Round;
use super::round_trip::queued;

/// Rounds on end that convince.
const ROUNDS: u32 = 4;
/// A round trip above this share of the least isn't of our making.
const STANDING_PERCENT: u32 = 130;
/// At this share the queue counts as empty.
const EMPTY_PERCENT: u32 = 110;
/// How often we look whether the rival is still there.
const YIELD_EVERY: Duration = Duration::from_secs(5);
/// For so long its window is remembered after it seemed gone.
const REMEMBER: Duration = Duration::from_secs(10);
/// Cubic's constants.
const C: f64 = 0.4;
const BETA: f64 = 0.7;

/// What is known of a rival.
#[derive(Debug, Clone)]
pub(super) struct Rival {
    streak: u32,
    contest: Option<Contest>,
    before: Option<(Instant, u64)>,
    /// The window while no queue stood, and when that was.
    calm: Option<(Instant, u64)>,
}

/// Cubic's state.
#[derive(Debug, Clone)]
struct Contest {
    window: u64,
    most: u64,
    reduced: Instant,
    yielded: Instant,
    yielding: bool,
    /// Something was lost: from then on by Cubic's rule, before it by a steady share each round.
    settled: bool,
}

impl Rival {
    pub(super) const fn new() -> Self {
        Self {
            streak: 0,
            contest: None,
            before: None,
            calm: None,
        }
    }

    /// Our window beside it; `None` where the model's is enough.
    pub(super) fn window(&self) -> Option<u64> {
        let contest = self.contest.as_ref().filter(|contest| !contest.yielding);
        contest.map(|contest| contest.window)
    }

    /// A round is over in which `window` was used.
    pub(super) fn round(
        &mut self,
        now: Instant,
        round: &Round,
        least: Duration,
        window: u64,
        mtu: u64,
    ) {
        let Some(seen) = round.least else {
            return;
        };
        let Some(contest) = &mut self.contest else {
            let standing = queued(seen, least, STANDING_PERCENT) && round.window_limited(window);
            if standing {
                self.streak += 1;
            } else {
                self.streak = 0;
                if !queued(seen, least, EMPTY_PERCENT) && round.window_limited(window) {
                    self.calm = Some((now, window));
                }
            }
            if self.streak >= ROUNDS {
                self.enter(now, window);
            }
            return;
        };
        if !queued(seen, least, EMPTY_PERCENT) {
            self.before = Some((now, contest.window));
            self.contest = None;
            self.streak = 0;
            return;
        }
        if contest.yielding {
            contest.yielding = false;
            contest.yielded = now;
            return;
        }
        if (round.lost > 0 || round.marked) && queued(round.most, least, 125) {
            contest.reduce(now, mtu);
        } else if round.window_limited(window) && contest.window <= window {
            contest.grow(now, mtu);
        }
        if now.saturating_duration_since(contest.yielded) >= YIELD_EVERY {
            contest.yielding = true;
        }
    }

    fn enter(&mut self, now: Instant, window: u64) {
        let remembered = self
            .before
            .filter(|(at, _)| now.saturating_duration_since(*at) < REMEMBER)
            .map_or(0, |(_, before)| before);
        let calm = self
            .calm
            .filter(|(at, _)| now.saturating_duration_since(*at) < REMEMBER)
            .map_or(0, |(_, calm)| calm);
        let window = window.max(remembered).max(calm);
        self.streak = 0;
        self.contest = Some(Contest {
            window,
            most: window,
            reduced: now,
            yielded: now,
            yielding: false,
            settled: false,
        });
    }
}

impl Contest {
    fn reduce(&mut self, now: Instant, mtu: u64) {
        self.most = if self.window < self.most {
            scaled(self.window, (1.0 + BETA) / 2.0)
        } else {
            self.window
        };
        self.window = scaled(self.window, BETA).max(4 * mtu);
        self.reduced = now;
        self.settled = true;
    }

    fn grow(&mut self, now: Instant, mtu: u64) {
        if !self.settled {
            self.window = self.window.saturating_add(self.window / 6);
            return;
        }
        let packets = self.most as f64 / mtu.max(1) as f64;
        let period = (packets * (1.0 - BETA) / C).cbrt();
        // Some minutes are as good as for ever, and keep the cube in bounds.
        let since = now
            .saturating_duration_since(self.reduced)
            .as_secs_f64()
            .min(600.0);
        let wanted = (C * (since - period).powi(3) + packets).max(0.0) * mtu as f64;
        // A float that doesn't fit becomes the nearest whole number that does.
        let wanted = wanted as u64;
        let least = self.window.saturating_add(mtu / 2);
        self.window = wanted.clamp(
            least,
            least.max(self.window.saturating_add(self.window / 2)),
        );
    }
}

fn scaled(bytes: u64, by: f64) -> u64 {
    (bytes as f64 * by) as u64
}
