//! The flows of one UDP port, one for each address that an app sends from: bounded, the one used longest ago out first, each with an
//! end when nobody uses it.
//!
//! Pure: `now` is a clock of the caller's that never goes back.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How many flows there may be, and how long each.
#[derive(Debug, Clone, Copy)]
pub(super) struct FlowLimits {
    /// At once.
    pub(super) total: usize,
    /// How long a flow is kept that nobody uses.
    pub(super) idle: Duration,
    /// The same, where a question was asked and answered: DNS asks from another port each time.
    pub(super) answered: Duration,
}

impl Default for FlowLimits {
    fn default() -> Self {
        Self {
            total: 2_048,
            idle: Duration::from_secs(60),
            answered: Duration::from_secs(5),
        }
    }
}

/// A flow that asked so often at most, and got an answer each time, has got what it wanted.
const QUESTIONS: u64 = 2;

/// What a flow has carried, told by both directions.
#[derive(Debug, Default)]
pub(super) struct Usage {
    sent: AtomicU64,
    answered: AtomicU64,
    /// In milliseconds.
    last: AtomicU64,
}

impl Usage {
    fn note_sent(&self, now: Duration) {
        self.sent.fetch_add(1, Ordering::Relaxed);
        self.note(now);
    }

    /// An answer has gone to the app.
    pub(super) fn note_answered(&self, now: Duration) {
        self.answered.fetch_add(1, Ordering::Relaxed);
        self.note(now);
    }

    fn note(&self, now: Duration) {
        let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        self.last.fetch_max(now, Ordering::Relaxed);
    }

    fn last(&self) -> Duration {
        Duration::from_millis(self.last.load(Ordering::Relaxed))
    }

    /// When it will have been idle for too long.
    fn ends(&self, limits: &FlowLimits) -> Duration {
        let sent = self.sent.load(Ordering::Relaxed);
        let is_answered = self.answered.load(Ordering::Relaxed) >= sent && sent <= QUESTIONS;
        let kept = if is_answered {
            limits.answered
        } else {
            limits.idle
        };
        self.last() + kept
    }
}

/// The flows by address.
#[derive(Debug)]
pub(super) struct Flows<T> {
    limits: FlowLimits,
    flows: BTreeMap<SocketAddr, Flow<T>>,
    begun: u64,
}

#[derive(Debug)]
struct Flow<T> {
    number: u64,
    usage: Arc<Usage>,
    held: T,
}

impl<T> Flows<T> {
    pub(super) const fn new(limits: FlowLimits) -> Self {
        Self {
            limits,
            flows: BTreeMap::new(),
            begun: 0,
        }
    }

    /// Finds the flow of an app's packet, which counts as using it.
    pub(super) fn find(&mut self, from: SocketAddr, now: Duration) -> Option<&mut T> {
        let flow = self.flows.get_mut(&from)?;
        flow.usage.note_sent(now);
        Some(&mut flow.held)
    }

    /// Begins a flow with an app's first packet. `hold` makes what it holds, of a number that tells this flow from others of the same
    /// address, and of its usage. Says what the flow held that made room for it.
    pub(super) fn begin(
        &mut self,
        from: SocketAddr,
        now: Duration,
        hold: impl FnOnce(u64, &Arc<Usage>) -> T,
    ) -> Option<T> {
        let evicted = if self.flows.len() >= self.limits.total {
            self.evict()
        } else {
            None
        };
        let usage = Arc::new(Usage::default());
        usage.note_sent(now);
        let number = self.begun;
        self.begun += 1;
        let flow = Flow {
            number,
            held: hold(number, &usage),
            usage,
        };
        let replaced = self.flows.insert(from, flow).map(|flow| flow.held);
        evicted.or(replaced)
    }

    /// Ends this flow, not another of the same address.
    pub(super) fn end(&mut self, from: SocketAddr, number: u64) -> Option<T> {
        self.flows.get(&from).filter(|flow| flow.number == number)?;
        self.flows.remove(&from).map(|flow| flow.held)
    }

    /// Takes out all that were idle for too long.
    pub(super) fn expire(&mut self, now: Duration) -> Vec<T> {
        let limits = self.limits;
        self.flows
            .extract_if(.., |_, flow| flow.usage.ends(&limits) <= now)
            .map(|(_, flow)| flow.held)
            .collect()
    }

    /// Takes out all.
    pub(super) fn take_all(&mut self) -> Vec<T> {
        let flows = std::mem::take(&mut self.flows);
        flows.into_values().map(|flow| flow.held).collect()
    }

    /// Takes out the one that was used longest ago, in either direction. It looks at all: beginning a flow costs more than that.
    fn evict(&mut self) -> Option<T> {
        let oldest = self.flows.iter().min_by_key(|(_, flow)| flow.usage.last());
        let (&from, _) = oldest?;
        self.flows.remove(&from).map(|flow| flow.held)
    }
}

#[cfg(test)]
mod tests;
