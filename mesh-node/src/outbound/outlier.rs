//! Passive ejection of one endpoint: after failures in a row, or one failed dial, it is out for a while; then a probe asks whether
//! it lives. Pure.
//!
//! ```text
//!   In ── failures in a row, or a failed dial ──> Ejected until t ── t passes ──> ProbeDue ── one request ──> Probing
//!    ^                                               ^                                                         │ │
//!    └──────────────── the probe is answered ────────│─────────────────────────────────────────────────────────┘ │
//!                                                    └───────────── the probe fails: twice as long ───────────────┘
//! ```

use std::time::{Duration, Instant};

/// The first ejection's length; each next one is twice as long.
pub(crate) const BASE: Duration = Duration::from_secs(2);
/// The longest ejection.
pub(crate) const LONGEST: Duration = Duration::from_secs(60);
/// A probe that isn't answered by then no longer keeps another from being sent.
const PROBE_PATIENCE: Duration = Duration::from_secs(5);

/// What may be sent to an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// Anything.
    In,
    /// One request, to see whether it lives.
    ProbeDue,
    /// Nothing.
    Out,
}

/// The state of one endpoint.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outlier {
    failures: u32,
    /// Ejections in a row.
    ejections: u32,
    state: State,
}

#[derive(Debug, Clone, Copy, Default)]
enum State {
    #[default]
    In,
    Ejected {
        until: Instant,
    },
    Probing {
        since: Instant,
    },
}

impl Outlier {
    /// What may be sent.
    pub(crate) fn admission(&self, now: Instant) -> Admission {
        match self.state {
            State::In => Admission::In,
            State::Ejected { until } if now < until => Admission::Out,
            State::Ejected { .. } => Admission::ProbeDue,
            State::Probing { since } if now < since + PROBE_PATIENCE => Admission::Out,
            State::Probing { .. } => Admission::ProbeDue,
        }
    }

    /// Whether the endpoint counts as one that could serve: it is in, or there is no fresh evidence against it.
    pub(crate) fn counts_as_healthy(&self, now: Instant) -> bool {
        match self.state {
            State::Probing { .. } => true,
            State::In | State::Ejected { .. } => self.admission(now) != Admission::Out,
        }
    }

    /// A request is sent there; when a probe was due, this is it.
    pub(crate) fn sent(&mut self, now: Instant) {
        if self.admission(now) == Admission::ProbeDue {
            self.state = State::Probing { since: now };
        }
    }

    /// It answered as it should.
    pub(crate) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// It failed a request; ejected after `limit` in a row. True when this ejected it.
    pub(crate) fn failed(&mut self, now: Instant, limit: u32) -> bool {
        self.failures = self.failures.saturating_add(1);
        let probing = matches!(self.state, State::Probing { .. });
        (probing || self.failures >= limit.max(1)) && self.eject(now)
    }

    /// It can't be reached, or takes no connection: ejected at once. True when this ejected it.
    pub(crate) fn eject(&mut self, now: Instant) -> bool {
        if self.admission(now) == Admission::Out && !matches!(self.state, State::Probing { .. }) {
            return false;
        }
        let length = BASE
            .saturating_mul(1 << self.ejections.min(16))
            .min(LONGEST);
        self.ejections = self.ejections.saturating_add(1);
        self.failures = 0;
        self.state = State::Ejected {
            until: now + length,
        };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn failures_in_a_row_eject_and_a_success_starts_over() {
        let (mut outlier, now) = (Outlier::default(), Instant::now());
        for _ in 0..4 {
            assert!(!outlier.failed(now, 5));
        }
        outlier.succeeded();
        for _ in 0..4 {
            assert!(!outlier.failed(now, 5));
        }
        assert!(outlier.failed(now, 5));
        assert_eq!(outlier.admission(now), Admission::Out);
    }

    #[test]
    fn ejected_endpoint_returns_after_its_probe() {
        let (mut outlier, now) = (Outlier::default(), Instant::now());
        assert!(outlier.eject(now));
        let later = now + BASE;
        assert_eq!(outlier.admission(later), Admission::ProbeDue);
        outlier.sent(later);
        assert_eq!(
            outlier.admission(later),
            Admission::Out,
            "one probe at a time"
        );
        outlier.succeeded();
        assert_eq!(outlier.admission(later), Admission::In);
    }

    #[test]
    fn a_failed_probe_ejects_for_twice_as_long_up_to_a_minute() {
        let (mut outlier, mut now) = (Outlier::default(), Instant::now());
        for length in [2, 4, 8, 16, 32, 60, 60] {
            assert!(outlier.eject(now));
            assert_eq!(
                outlier.admission(now + Duration::from_secs(length) - Duration::from_millis(1)),
                Admission::Out
            );
            now += Duration::from_secs(length);
            assert_eq!(outlier.admission(now), Admission::ProbeDue);
            outlier.sent(now);
        }
    }

    #[test]
    fn a_lost_probe_doesnt_keep_the_endpoint_out_for_ever() {
        let (mut outlier, now) = (Outlier::default(), Instant::now());
        outlier.eject(now);
        outlier.sent(now + BASE);
        assert_eq!(
            outlier.admission(now + BASE + PROBE_PATIENCE),
            Admission::ProbeDue
        );
    }

    proptest! {
        /// Whatever happens, a minute and a probe's patience without news make a probe due at the latest.
        #[test]
        fn nobody_is_out_for_ever(steps in proptest::collection::vec((0u8..4, 0u64..10_000), 0..60)) {
            let (mut outlier, mut now) = (Outlier::default(), Instant::now());
            for (what, millis) in steps {
                now += Duration::from_millis(millis);
                match what {
                    0 => outlier.succeeded(),
                    1 => { outlier.failed(now, 3); }
                    2 => { outlier.eject(now); }
                    _ => outlier.sent(now),
                }
            }
            prop_assert_ne!(outlier.admission(now + LONGEST + PROBE_PATIENCE), Admission::Out);
        }
    }
}
