//! One bottleneck: a rate, a queue, a way; and what may be wrong with it.

use std::time::Duration;

use quinn_proto::EcnCodepoint;

/// IP and UDP headers, which a link carries too.
const HEADERS: u64 = 28;

/// What the link between all flows is like.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    /// Bits per second.
    pub(super) rate: u64,
    /// Round trip without a queue.
    pub(super) rtt: Duration,
    /// Bytes that wait before the bottleneck; more are dropped.
    pub(super) queue: u64,
    /// Which share of the packets is lost at random, in each direction.
    pub(super) loss: f64,
    /// From how many waiting bytes packets are marked.
    pub(super) mark_above: Option<u64>,
    /// Before the queue: bits per second, and the bytes of the bucket.
    pub(super) policer: Option<(u64, u64)>,
    /// Of the losses.
    pub(super) seed: u64,
}

impl Link {
    /// 20 Mbit/s, 60 ms, a queue of one bandwidth-delay product.
    pub(super) const fn wan() -> Self {
        Self {
            rate: 20_000_000,
            rtt: Duration::from_millis(60),
            queue: 150_000,
            loss: 0.0,
            mark_above: None,
            policer: None,
            seed: 1,
        }
    }

    /// With a queue of `share` of the bandwidth-delay product.
    pub(super) fn queue_of(mut self, share: f64) -> Self {
        self.queue = (self.rate as f64 / 8.0 * self.rtt.as_secs_f64() * share) as u64;
        self
    }

    pub(super) const fn losing(mut self, loss: f64) -> Self {
        self.loss = loss;
        self
    }
}

/// What became of a packet.
pub(super) enum Fate {
    /// Arrives then.
    Arrives(Duration, Option<EcnCodepoint>),
    /// No room in the queue.
    Overflowed,
    /// Beyond the policed rate.
    Policed,
    /// Lost at random.
    Lost,
}

/// The link as it is at one time.
pub(super) struct Bottleneck {
    pub(super) link: Link,
    free_at: Duration,
    tokens: f64,
    tokens_at: Duration,
    random: u64,
    pub(super) deepest: u64,
}

impl Bottleneck {
    pub(super) fn new(link: Link) -> Self {
        Self {
            link,
            free_at: Duration::ZERO,
            tokens: link.policer.map_or(0.0, |(_, bucket)| bucket as f64),
            tokens_at: Duration::ZERO,
            random: link.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            deepest: 0,
        }
    }

    fn roll(&mut self) -> f64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Bytes that wait.
    pub(super) fn waiting(&self, now: Duration) -> u64 {
        let time = self.free_at.saturating_sub(now).as_secs_f64();
        (time * self.link.rate as f64 / 8.0) as u64
    }

    /// Toward the server: through the bottleneck.
    pub(super) fn forward(
        &mut self,
        now: Duration,
        size: usize,
        ecn: Option<EcnCodepoint>,
    ) -> Fate {
        let size = size as u64 + HEADERS;
        if let Some((rate, bucket)) = self.link.policer {
            let since = now.saturating_sub(self.tokens_at).as_secs_f64();
            self.tokens = (self.tokens + since * rate as f64 / 8.0).min(bucket as f64);
            self.tokens_at = now;
            if self.tokens < size as f64 {
                return Fate::Policed;
            }
            self.tokens -= size as f64;
        }
        let waiting = self.waiting(now);
        if waiting + size > self.link.queue.max(size) {
            return Fate::Overflowed;
        }
        self.deepest = self.deepest.max(waiting + size);
        let takes = Duration::from_secs_f64(size as f64 * 8.0 / self.link.rate as f64);
        self.free_at = self.free_at.max(now) + takes;
        if self.roll() < self.link.loss {
            return Fate::Lost;
        }
        let marked = self.link.mark_above.is_some_and(|above| waiting > above);
        let ecn = if marked && ecn.is_some() {
            Some(EcnCodepoint::Ce)
        } else {
            ecn
        };
        Fate::Arrives(self.free_at + self.link.rtt / 2, ecn)
    }

    /// Back: wide enough for everything.
    pub(super) fn backward(&mut self, now: Duration, ecn: Option<EcnCodepoint>) -> Fate {
        if self.roll() < self.link.loss {
            return Fate::Lost;
        }
        Fate::Arrives(now + self.link.rtt / 2, ecn)
    }
}
