//! Bytes per second, in whole numbers: no NaN, no infinity, nothing that overflows.

use std::time::Duration;

/// Bytes per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Rate(pub(super) u64);

impl Rate {
    /// So many bytes in that time; a time of nothing counts as a microsecond.
    pub(super) fn of(bytes: u64, time: Duration) -> Self {
        let nanos = time.as_nanos().max(1_000);
        Self(narrow(u128::from(bytes) * 1_000_000_000 / nanos))
    }

    /// What this rate carries in that time.
    pub(super) fn over(self, time: Duration) -> u64 {
        let nanos = time.as_nanos().min(u128::from(u64::MAX));
        narrow(u128::from(self.0) * nanos / 1_000_000_000)
    }
}

/// `percent` of `bytes`.
pub(super) fn percent(bytes: u64, percent: u64) -> u64 {
    narrow(u128::from(bytes) * u128::from(percent) / 100)
}

/// `percent` of `time`.
pub(super) fn stretched(time: Duration, percent: u32) -> Duration {
    time.checked_mul(percent)
        .map_or(Duration::MAX, |long| long / 100)
}

fn narrow(wide: u128) -> u64 {
    u64::try_from(wide).unwrap_or(u64::MAX)
}

/// The most of the last rounds: a value that shows again each round stays, one that doesn't is forgotten.
#[derive(Debug, Clone, Default)]
pub(super) struct Most<const ROUNDS: usize> {
    /// Each with its round; the newest last.
    kept: std::collections::VecDeque<(u64, u64)>,
}

impl<const ROUNDS: usize> Most<ROUNDS> {
    pub(super) fn note(&mut self, round: u64, value: u64) {
        match self.kept.back_mut() {
            Some((of, most)) if *of == round => *most = (*most).max(value),
            Some(_) | None => {
                self.kept.push_back((round, value));
                if self.kept.len() > ROUNDS {
                    self.kept.pop_front();
                }
            }
        }
    }

    /// Only the newest `rounds` count from now on.
    pub(super) fn forget_before(&mut self, rounds: usize) {
        let surplus = self.kept.len().saturating_sub(rounds);
        self.kept.drain(..surplus);
    }

    pub(super) fn clear(&mut self) {
        self.kept.clear();
    }

    pub(super) fn get(&self) -> u64 {
        self.kept.iter().map(|(_, value)| *value).max().unwrap_or(0)
    }
}
