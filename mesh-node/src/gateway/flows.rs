//! The table of flows: bounded, least recently used out first, with quotas, so that one source or peer can't crowd out the rest.
//!
//! Pure: what a flow holds is the caller's (`T`), `now` is a clock of the caller's that never goes back.

mod recency;

use std::collections::HashMap;
use std::hash::Hash;
use std::net::SocketAddr;
use std::time::Duration;

use protocol::cid::{Handle, Selector};
use protocol::forward::{DropReason, SourcePrefix};

use recency::Recency;

/// How many flows there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowLimits {
    /// All together.
    pub total: usize,
    /// Begun with one selector.
    pub per_selector: usize,
    /// From one /24 or /56.
    pub per_prefix: usize,
    /// How long a flow is kept that nobody uses.
    pub idle: Duration,
}

impl Default for FlowLimits {
    fn default() -> Self {
        Self {
            total: 16_384,
            per_selector: 8_192,
            per_prefix: 8_192,
            idle: Duration::from_secs(60),
        }
    }
}

impl FlowLimits {
    /// Lowers them all in proportion, if there can't be so many.
    #[must_use]
    pub(super) fn within(self, possible: usize) -> Self {
        if self.total <= possible {
            return self;
        }
        let scaled = |limit: usize| (limit.saturating_mul(possible) / self.total).max(1);
        Self {
            total: possible,
            per_selector: scaled(self.per_selector),
            per_prefix: scaled(self.per_prefix),
            ..self
        }
    }
}

/// Whose packets to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct FlowKey {
    /// The address that packets come from.
    pub(super) caller: SocketAddr,
    /// The host that they are for.
    pub(super) handle: Handle,
}

impl FlowKey {
    fn prefix(self) -> SourcePrefix {
        SourcePrefix::of(self.caller.ip())
    }
}

/// The flows, found by key and ordered by use.
#[derive(Debug)]
pub(super) struct Flows<T> {
    limits: FlowLimits,
    slots: HashMap<FlowKey, usize>,
    flows: Vec<Option<Flow<T>>>,
    free: Vec<usize>,
    recency: Recency,
    of_selector: HashMap<Selector, usize>,
    of_prefix: HashMap<SourcePrefix, usize>,
}

#[derive(Debug)]
struct Flow<T> {
    key: FlowKey,
    selector: Option<Selector>,
    used: Duration,
    held: T,
}

impl<T> Flows<T> {
    pub(super) fn new(limits: FlowLimits) -> Self {
        Self {
            limits,
            slots: HashMap::new(),
            flows: Vec::new(),
            free: Vec::new(),
            recency: Recency::default(),
            of_selector: HashMap::new(),
            of_prefix: HashMap::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Finds a flow, which counts as using it.
    pub(super) fn find(&mut self, key: FlowKey, now: Duration) -> Option<&mut T> {
        let &slot = self.slots.get(&key)?;
        let flow = self.flows[slot].as_mut()?;
        flow.used = now;
        self.recency.unlink(slot);
        self.recency.push(slot);
        Some(&mut flow.held)
    }

    /// Tells whether the quotas leave room for one more of this source and selector.
    pub(super) fn admit(&self, key: FlowKey, selector: Option<Selector>) -> Result<(), DropReason> {
        let count = selector.and_then(|selector| self.of_selector.get(&selector));
        let selector_full = count.is_some_and(|&count| count >= self.limits.per_selector);
        let prefix_full = self
            .of_prefix
            .get(&key.prefix())
            .is_some_and(|&count| count >= self.limits.per_prefix);
        if selector_full || prefix_full {
            Err(DropReason::Quota)
        } else {
            Ok(())
        }
    }

    /// Adds a flow; returns the one that had its key, or the one that made room.
    pub(super) fn insert(
        &mut self,
        key: FlowKey,
        selector: Option<Selector>,
        now: Duration,
        held: T,
    ) -> Option<T> {
        let mut out = self.remove(key);
        if self.len() >= self.limits.total {
            out = self.evict();
        }
        let flow = Some(Flow {
            key,
            selector,
            used: now,
            held,
        });
        let slot = if let Some(slot) = self.free.pop() {
            self.flows[slot] = flow;
            slot
        } else {
            self.flows.push(flow);
            self.flows.len() - 1
        };
        self.slots.insert(key, slot);
        self.recency.push(slot);
        *self.of_prefix.entry(key.prefix()).or_default() += 1;
        if let Some(selector) = selector {
            *self.of_selector.entry(selector).or_default() += 1;
        }
        out
    }

    /// Takes out the flow that was used longest ago.
    pub(super) fn evict(&mut self) -> Option<T> {
        self.recency.oldest().and_then(|slot| self.take(slot))
    }

    /// Takes out a flow.
    pub(super) fn remove(&mut self, key: FlowKey) -> Option<T> {
        self.slots
            .get(&key)
            .copied()
            .and_then(|slot| self.take(slot))
    }

    /// Takes out all that were idle for so long; `also_used` says when `T` itself was last used.
    pub(super) fn expire(
        &mut self,
        now: Duration,
        idle: Duration,
        also_used: impl Fn(&T) -> Duration,
    ) -> Vec<T> {
        let mut expired = Vec::new();
        for _ in 0..self.len() {
            let Some(slot) = self.recency.oldest() else {
                break;
            };
            let Some(flow) = self.flows[slot].as_mut() else {
                break;
            };
            if flow.used + idle > now {
                break;
            }
            flow.used = flow.used.max(also_used(&flow.held));
            if flow.used + idle > now {
                self.recency.unlink(slot);
                self.recency.push(slot);
            } else {
                expired.extend(self.take(slot));
            }
        }
        expired
    }

    fn take(&mut self, slot: usize) -> Option<T> {
        let Flow {
            key,
            selector,
            held,
            ..
        } = self.flows[slot].take()?;
        self.slots.remove(&key);
        self.recency.unlink(slot);
        self.free.push(slot);
        release(&mut self.of_prefix, key.prefix());
        if let Some(selector) = selector {
            release(&mut self.of_selector, selector);
        }
        Some(held)
    }
}

/// Counts one less, and forgets what has none.
fn release<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: K) {
    let Some(count) = counts.get_mut(&key) else {
        return;
    };
    *count -= 1;
    if *count == 0 {
        counts.remove(&key);
    }
}

#[cfg(test)]
mod tests;
