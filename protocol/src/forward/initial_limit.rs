//! How many connections one source may begin with one selector: a token bucket each, in a table that never grows.
//!
//! A bucket is one number, the time up to which its tokens are spent (GCRA). Buckets lie in a fixed array by a keyed hash, so two
//! sources may share one by chance; nothing is allocated, evicted or forgotten, whatever is thrown at it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use super::SourcePrefix;
use crate::cid::Selector;

const BUCKETS: usize = 1 << 16;

/// How fast the buckets fill, and how much they hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InitialRate {
    /// Datagrams with a route token a second, per selector and source prefix. A dial takes two or three.
    pub per_second: u32,
    /// As many at once.
    pub burst: u32,
}

impl Default for InitialRate {
    fn default() -> Self {
        Self {
            per_second: 1_000,
            burst: 4_000,
        }
    }
}

/// The buckets.
#[derive(Debug)]
pub struct InitialLimit {
    /// Up to when each bucket's tokens are spent, in nanoseconds of the caller's clock.
    spent_until: Box<[u64]>,
    each: u64,
    depth: u64,
    seed: u64,
}

impl InitialLimit {
    /// Makes all buckets full; `seed` is random, so that nobody outside can choose whom to share a bucket with.
    pub fn new(rate: InitialRate, seed: u64) -> Self {
        let each = 1_000_000_000 / u64::from(rate.per_second.max(1));
        let depth = each * u64::from(rate.burst.max(1));
        Self {
            spent_until: vec![0; BUCKETS].into(),
            each,
            depth,
            seed,
        }
    }

    /// Takes a token, if there is one; `now` is a clock that never goes back.
    pub fn admit(&mut self, now: Duration, selector: Selector, source: SourcePrefix) -> bool {
        let now = now.as_nanos() as u64;
        let bucket = self.bucket(selector, source);
        let spent = self.spent_until[bucket].max(now) + self.each;
        if spent - now > self.depth {
            return false;
        }
        self.spent_until[bucket] = spent;
        true
    }

    fn bucket(&self, selector: Selector, source: SourcePrefix) -> usize {
        let mut hasher = DefaultHasher::new();
        (self.seed, selector, source).hash(&mut hasher);
        hasher.finish() as usize % BUCKETS
    }
}
