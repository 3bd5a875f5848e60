//! In which place a request goes: a pure state machine over the order that a `FailoverPolicy` gives.
//!
//! ```text
//!            well         too few healthy                         well for `hold`
//!     New ───────> In ────────────────────> Out (well since …) ────────────────────> Returning (step 0, 1, …) ── 100 % ──> In
//!      ^                                     ^                                          │ too few healthy
//!      └── at the start                      └──────────────────────────────────────────┘
//! ```
//! A place that was never well, such as a peer whose catalog isn't here yet, was never left: there is nothing to come back from.
//! A request takes the first place, except for the share that the place's standing keeps away from it; that goes on to the next.
//! What leaves home is capped by `spill`: the rest stays on what is healthy at home, or is shed.

use std::time::{Duration, Instant};

/// When a place is left, how traffic returns, how much may leave home.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Policy {
    /// A place with a smaller healthy share is left: 0 to 1.
    pub healthy_below: f64,
    /// The share of requests that may leave home: 0 to 1.
    pub spill_max: f64,
    /// How long a place must be well before anything returns.
    pub hold: Duration,
    /// The shares in which it returns.
    pub steps: Vec<f64>,
    /// How long each lasts.
    pub step: Duration,
}

/// A place's endpoints at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Health {
    /// Those that could serve.
    pub healthy: usize,
    /// All.
    pub total: usize,
}

/// Where a request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placement {
    /// To this place.
    At {
        /// Its position in the order.
        place: usize,
        /// Whether the request leaves home.
        spilled: bool,
    },
    /// Nowhere: home can't take it and the cap lets no more out.
    Shed,
}

/// The standing of every place of one service.
#[derive(Debug, Clone)]
pub(crate) struct Failover {
    policy: Policy,
    /// For each place, whether it is at home.
    home: Vec<bool>,
    standings: Vec<Standing>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    New,
    In,
    Out { well_since: Option<Instant> },
    Returning { since: Instant },
}

impl Failover {
    /// Starts with every place new. `home` says of each place whether it is at home; when none is, the first one is.
    pub(crate) fn new(policy: Policy, mut home: Vec<bool>) -> Self {
        if !home.contains(&true)
            && let Some(first) = home.first_mut()
        {
            *first = true;
        }
        let standings = vec![Standing::New; home.len()];
        Self {
            policy,
            home,
            standings,
        }
    }

    /// Whether this machine was made for the same order and policy.
    pub(crate) fn is_for(&self, policy: &Policy, places: usize) -> bool {
        self.policy == *policy && self.home.len() == places
    }

    /// Decides where one request goes; `draw` is uniform in `[0, 1)`.
    pub(crate) fn place(&mut self, now: Instant, health: &[Health], draw: f64) -> Placement {
        let (shares, shed) = self.shares(now, health);
        let mut left = draw;
        for (place, share) in shares.iter().enumerate() {
            if left < *share {
                return Placement::At {
                    place,
                    spilled: !self.home[place],
                };
            }
            left -= share;
        }
        if shed > 0.0 {
            return Placement::Shed;
        }
        // Rounding, or no place at all.
        match shares.iter().rposition(|share| *share > 0.0) {
            Some(place) => Placement::At {
                place,
                spilled: !self.home[place],
            },
            None => Placement::Shed,
        }
    }

    /// The share of requests that each place gets, and the share that is shed.
    pub(crate) fn shares(&mut self, now: Instant, health: &[Health]) -> (Vec<f64>, f64) {
        let mut shares = vec![0.0; self.standings.len()];
        let mut rest = 1.0;
        for (place, share) in shares.iter_mut().enumerate() {
            let open = self.settle(
                place,
                now,
                health.get(place).copied().unwrap_or(Health {
                    healthy: 0,
                    total: 0,
                }),
            );
            *share = rest * open;
            rest -= *share;
        }
        if rest > 0.0
            && let Some(fallback) = fallback(health, &shares)
        {
            shares[fallback] += rest;
        }
        let shed = self.cap(&mut shares, health);
        (shares, shed)
    }

    /// Brings one place's standing up to date; the share of what reaches it that it takes.
    fn settle(&mut self, place: usize, now: Instant, health: Health) -> f64 {
        let well = health.healthy > 0
            && health.healthy as f64 >= self.policy.healthy_below * health.total as f64;
        let standing = match (self.standings[place], well) {
            (Standing::New, false) => Standing::New,
            (Standing::In | Standing::Returning { .. } | Standing::Out { .. }, false) => {
                Standing::Out { well_since: None }
            }
            (Standing::New | Standing::In, true) => Standing::In,
            (Standing::Out { well_since }, true) => {
                let since = well_since.unwrap_or(now);
                if now.saturating_duration_since(since) >= self.policy.hold {
                    Standing::Returning {
                        since: since + self.policy.hold,
                    }
                } else {
                    Standing::Out {
                        well_since: Some(since),
                    }
                }
            }
            (returning @ Standing::Returning { .. }, true) => returning,
        };
        let (standing, share) = match standing {
            Standing::In => (standing, 1.0),
            Standing::New | Standing::Out { .. } => (standing, 0.0),
            Standing::Returning { since } => {
                match self.step(now.saturating_duration_since(since)) {
                    Some(share) if share < 1.0 => (standing, share),
                    _ => (Standing::In, 1.0),
                }
            }
        };
        self.standings[place] = standing;
        share
    }

    fn step(&self, elapsed: Duration) -> Option<f64> {
        let step = elapsed
            .as_nanos()
            .checked_div(self.policy.step.as_nanos())
            .unwrap_or(u128::MAX);
        usize::try_from(step)
            .ok()
            .and_then(|step| self.policy.steps.get(step).copied())
    }

    /// Keeps what leaves home within the cap; the share that nobody takes is shed.
    fn cap(&self, shares: &mut [f64], health: &[Health]) -> f64 {
        let away: f64 = shares
            .iter()
            .zip(&self.home)
            .filter(|(_, home)| !**home)
            .map(|(share, _)| share)
            .sum();
        let over = away - self.policy.spill_max;
        if over <= 1e-12 {
            return 0.0;
        }
        let kept = self.policy.spill_max / away;
        for (share, home) in shares.iter_mut().zip(&self.home) {
            if !home {
                *share *= kept;
            }
        }
        let healthy_home = (0..shares.len())
            .find(|&place| self.home[place] && health.get(place).is_some_and(|h| h.healthy > 0));
        match healthy_home {
            Some(place) => {
                shares[place] += over;
                0.0
            }
            None => over,
        }
    }

    /// Of the shares, how much leaves home.
    pub(crate) fn share_away(&self, shares: &[f64]) -> f64 {
        shares
            .iter()
            .zip(&self.home)
            .filter(|(_, home)| !**home)
            .map(|(share, _)| share)
            .sum()
    }
}

/// With every place out: the first where anybody is healthy, else the first that exists at all.
fn fallback(health: &[Health], shares: &[f64]) -> Option<usize> {
    let among = health.get(..shares.len()).unwrap_or(health);
    among
        .iter()
        .position(|h| h.healthy > 0)
        .or_else(|| among.iter().position(|h| h.total > 0))
        .or((!shares.is_empty()).then_some(0))
}

#[cfg(test)]
mod tests;
