//! Loss beyond chance and CE marks: less is sent until they are gone.

use super::rate::percent;

/// Loss beyond this share isn't chance.
const BAD_PERCENT: u64 = 12;
/// A share is only told of so many packets.
const ENOUGH_PACKETS: u64 = 64;
const LEAST: u64 = 50;
const FULL: u64 = 100;

/// What a round's loss says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing that chance doesn't explain.
    Fine,
    /// The path says by marks that it is full.
    Marked,
    /// Too much is lost.
    Bad,
}

/// The share of the modelled window that is used.
#[derive(Debug, Clone)]
pub(super) struct Caution {
    share: u64,
    acked: u64,
    lost: u64,
}

impl Caution {
    pub(super) const fn new() -> Self {
        Self {
            share: FULL,
            acked: 0,
            lost: 0,
        }
    }

    pub(super) fn round(&mut self, acked: u64, lost: u64, marked: bool, mtu: u64) -> Verdict {
        self.acked = self.acked.saturating_add(acked);
        self.lost = self.lost.saturating_add(lost);
        let all = self.acked.saturating_add(self.lost);
        let judged = all >= ENOUGH_PACKETS * mtu;
        let bad = judged && self.lost > percent(all, BAD_PERCENT);
        if judged {
            (self.acked, self.lost) = (0, 0);
        }
        let verdict = match (bad, marked) {
            (true, _) => Verdict::Bad,
            (false, true) => Verdict::Marked,
            (false, false) => Verdict::Fine,
        };
        self.share = match verdict {
            Verdict::Bad => percent(self.share, 80).max(LEAST),
            Verdict::Marked => percent(self.share, 87).max(LEAST),
            Verdict::Fine => (self.share + 2).min(FULL),
        };
        verdict
    }

    /// In percent.
    pub(super) const fn share(&self) -> u64 {
        self.share
    }
}
