//! What came of the calls of one step: each call by number, and the latencies of those served.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use hdrhistogram::Histogram;
use tokio::time::Instant;

use super::{Expect, Flow};

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Outcome {
    /// An application answered.
    Served {
        /// The application's cluster.
        cluster: String,
        /// Which one.
        instance: String,
    },
    /// The mesh answered in its stead.
    Refused(String),
    /// Nobody answered, or not what was asked.
    Failed(String),
}

/// One ended call.
#[derive(Debug, Clone)]
pub(in super::super) struct Call {
    /// Its ID within the step.
    pub(in super::super) number: u64,
    /// Its flow's place in the list.
    pub(in super::super) flow: usize,
    /// From the time at which it was due.
    pub(in super::super) took: Duration,
    /// When.
    pub(in super::super) ended: Instant,
    /// How.
    pub(in super::super) outcome: Outcome,
}

/// Counts by cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in super::super) struct Share(BTreeMap<String, u64>);

impl Share {
    /// How many calls were served at all.
    pub(in super::super) fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// The share of one cluster, 0 to 1; 0 if nobody served anything.
    pub(in super::super) fn of(&self, cluster: &str) -> f64 {
        let served = self.0.get(cluster).copied().unwrap_or_default();
        if served == 0 {
            0.0
        } else {
            served as f64 / self.total() as f64
        }
    }
}

/// What came of one step's calls.
#[derive(Debug)]
pub(in super::super) struct Tally {
    /// The step.
    pub(in super::super) step: usize,
    /// The flows.
    pub(in super::super) flows: Vec<Flow>,
    /// Whether the two clusters may still call each other.
    cut: AtomicBool,
    ended: Mutex<Calls>,
}

#[derive(Debug)]
struct Calls {
    list: Vec<Call>,
    micros: Histogram<u64>,
    failures: u64,
    refused: u64,
    complaints: Vec<String>,
}

/// How many failures are told in full.
const COMPLAINTS: usize = 5;

impl Tally {
    /// Begins at nothing.
    pub(super) fn new(step: usize, flows: Vec<Flow>) -> Self {
        let micros = Histogram::new_with_bounds(1, 60_000_000, 3).expect("the bounds are in order");
        let calls = Calls {
            list: Vec::new(),
            micros,
            failures: 0,
            refused: 0,
            complaints: Vec::new(),
        };
        Self {
            step,
            flows,
            cut: AtomicBool::new(false),
            ended: Mutex::new(calls),
        }
    }

    /// Adds a call, judged by what its flow expects.
    pub(super) fn note(&self, call: Call) {
        let flow = &self.flows[call.flow];
        let mut calls = self.calls();
        let expect = match flow.expect {
            Expect::Either if !self.cut.load(Ordering::Relaxed) => Expect::Served,
            expect => expect,
        };
        let complaint = match (&call.outcome, expect) {
            (Outcome::Served { .. }, Expect::Served | Expect::Either) => None,
            (Outcome::Served { cluster, .. }, Expect::Refused) => {
                Some(format!("served by {cluster}"))
            }
            // Silence is a refusal too: a gateway drops what a removed peer sends.
            (Outcome::Refused(_), Expect::Refused | Expect::Either)
            | (Outcome::Failed(_), Expect::Either) => {
                calls.refused += 1;
                None
            }
            (Outcome::Refused(why), Expect::Served) => Some(format!("refused: {why}")),
            (Outcome::Failed(why), Expect::Served | Expect::Refused) => Some(why.clone()),
        };
        if let Some(complaint) = complaint {
            calls.failures += 1;
            if calls.complaints.len() < COMPLAINTS {
                calls
                    .complaints
                    .push(format!("{}-{} {flow}: {complaint}", self.step, call.number));
            }
        }
        if matches!(call.outcome, Outcome::Served { .. }) {
            let micros = u64::try_from(call.took.as_micros()).unwrap_or(u64::MAX);
            calls.micros.saturating_record(micros.max(1));
        }
        calls.list.push(call);
    }

    /// From here on calls that were to be served at first need not be.
    pub(in super::super) fn cut(&self) {
        self.cut.store(true, Ordering::Relaxed);
    }

    /// How many calls have ended.
    pub(in super::super) fn requests(&self) -> u64 {
        self.calls().list.len() as u64
    }

    /// How many ended otherwise than they had to.
    pub(in super::super) fn failures(&self) -> u64 {
        self.calls().failures
    }

    /// How many were refused that had to be.
    pub(in super::super) fn refused(&self) -> u64 {
        self.calls().refused
    }

    /// The first failures, in words.
    pub(in super::super) fn complaints(&self) -> Vec<String> {
        self.calls().complaints.clone()
    }

    /// The latency below which a share of the served calls was, in milliseconds.
    pub(in super::super) fn millis_at(&self, quantile: f64) -> f64 {
        let micros = self.calls().micros.value_at_quantile(quantile);
        (micros as f64 / 10.0).round() / 100.0
    }

    /// Who served the calls that ended since `since` and whose flow is meant.
    pub(in super::super) fn share(
        &self,
        since: Option<Instant>,
        meant: impl Fn(&Flow) -> bool,
    ) -> Share {
        let mut share = Share::default();
        let calls = self.calls();
        // Calls are noted in the order in which they ended.
        let recent = calls
            .list
            .iter()
            .rev()
            .take_while(|call| since.is_none_or(|since| call.ended >= since));
        for call in recent.filter(|call| meant(&self.flows[call.flow])) {
            if let Outcome::Served { cluster, .. } = &call.outcome {
                *share.0.entry(cluster.clone()).or_default() += 1;
            }
        }
        share
    }

    /// When a call whose flow is meant was last served.
    pub(in super::super) fn last_served(&self, meant: impl Fn(&Flow) -> bool) -> Option<Instant> {
        let calls = self.calls();
        let served = |call: &&Call| {
            matches!(call.outcome, Outcome::Served { .. }) && meant(&self.flows[call.flow])
        };
        calls.list.iter().rev().find(served).map(|call| call.ended)
    }

    /// Looks at each call that has ended.
    pub(in super::super) fn each(&self, mut look: impl FnMut(&Call, &Flow)) {
        for call in &self.calls().list {
            look(call, &self.flows[call.flow]);
        }
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
