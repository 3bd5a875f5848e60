//! The failover machine: when it leaves a place, how much may spill, how traffic returns.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::{Failover, Health, Placement, Policy};

fn policy() -> Policy {
    Policy {
        healthy_below: 0.5,
        spill_max: 1.0,
        hold: Duration::from_secs(30),
        steps: vec![0.1, 0.5, 1.0],
        step: Duration::from_secs(10),
    }
}

fn two(policy: Policy) -> Failover {
    Failover::new(policy, vec![true, false])
}

fn of(healthy: usize, total: usize) -> Health {
    Health { healthy, total }
}

const WELL: Health = Health {
    healthy: 2,
    total: 2,
};
const DEAD: Health = Health {
    healthy: 0,
    total: 2,
};

fn shares(failover: &mut Failover, now: Instant, health: [Health; 2]) -> [f64; 2] {
    failover.shares(now, &health).0.try_into().unwrap()
}

#[test]
fn home_takes_all_while_it_is_well() {
    let (mut failover, now) = (two(policy()), Instant::now());
    assert_eq!(shares(&mut failover, now, [WELL, WELL]), [1.0, 0.0]);
    assert_eq!(
        shares(&mut failover, now, [of(1, 2), WELL]),
        [1.0, 0.0],
        "half is not below half"
    );
}

#[test]
fn too_few_healthy_moves_everything_at_once() {
    let (mut failover, now) = (two(policy()), Instant::now());
    assert_eq!(shares(&mut failover, now, [of(1, 3), WELL]), [0.0, 1.0]);
    assert_eq!(
        failover.place(now, &[of(1, 3), WELL], 0.99),
        Placement::At {
            place: 1,
            spilled: true
        }
    );
}

#[test]
fn traffic_returns_after_hold_in_steps() {
    let (mut failover, start) = (two(policy()), Instant::now());
    let at = |seconds| start + Duration::from_secs(seconds);
    shares(&mut failover, at(0), [WELL, WELL]);
    shares(&mut failover, at(0), [DEAD, WELL]);
    for (seconds, home) in [
        (10, 0.0),
        (39, 0.0),
        (40, 0.1),
        (49, 0.1),
        (50, 0.5),
        (60, 1.0),
        (500, 1.0),
    ] {
        let [share, away] = shares(&mut failover, at(seconds), [WELL, WELL]);
        assert!(
            (share - home).abs() < 1e-9 && (share + away - 1.0).abs() < 1e-9,
            "at {seconds} s: {share}"
        );
    }
}

#[test]
fn a_relapse_starts_the_hold_anew() {
    let (mut failover, start) = (two(policy()), Instant::now());
    let at = |seconds| start + Duration::from_secs(seconds);
    shares(&mut failover, at(0), [WELL, WELL]);
    shares(&mut failover, at(0), [DEAD, WELL]);
    shares(&mut failover, at(10), [WELL, WELL]);
    assert_eq!(shares(&mut failover, at(45), [WELL, WELL])[0], 0.1);
    assert_eq!(shares(&mut failover, at(46), [DEAD, WELL])[0], 0.0);
    assert_eq!(shares(&mut failover, at(50), [WELL, WELL])[0], 0.0);
    assert_eq!(shares(&mut failover, at(79), [WELL, WELL])[0], 0.0);
    assert_eq!(shares(&mut failover, at(80), [WELL, WELL])[0], 0.1);
}

#[test]
fn a_place_that_becomes_well_for_the_first_time_takes_all_at_once() {
    let (mut failover, start) = (two(policy()), Instant::now());
    let none = of(0, 0);
    assert_eq!(shares(&mut failover, start, [WELL, none]), [1.0, 0.0]);
    // The peer's catalog arrives, then home dies and comes back: the hold is home's, not the peer's.
    let at = |seconds| start + Duration::from_secs(seconds);
    assert_eq!(shares(&mut failover, at(1), [DEAD, WELL]), [0.0, 1.0]);
    assert_eq!(shares(&mut failover, at(2), [WELL, WELL]), [0.0, 1.0]);
    assert_eq!(shares(&mut failover, at(33), [WELL, WELL]), [0.1, 0.9]);
}

#[test]
fn what_the_cap_keeps_stays_on_the_healthy_at_home() {
    let mut failover = two(Policy {
        spill_max: 0.4,
        ..policy()
    });
    let got = shares(&mut failover, Instant::now(), [of(1, 3), WELL]);
    assert!(
        (got[0] - 0.6).abs() < 1e-9 && (got[1] - 0.4).abs() < 1e-9,
        "{got:?}"
    );
}

#[test]
fn what_the_cap_keeps_is_shed_when_home_is_dead() {
    let (mut failover, now) = (
        two(Policy {
            spill_max: 0.4,
            ..policy()
        }),
        Instant::now(),
    );
    let (got, shed) = failover.shares(now, &[DEAD, WELL]);
    assert!((got[1] - 0.4).abs() < 1e-9 && (shed - 0.6).abs() < 1e-9);
    assert_eq!(
        failover.place(now, &[DEAD, WELL], 0.39),
        Placement::At {
            place: 1,
            spilled: true
        }
    );
    assert_eq!(failover.place(now, &[DEAD, WELL], 0.41), Placement::Shed);
}

#[test]
fn with_all_dead_home_is_tried() {
    let (mut failover, now) = (two(policy()), Instant::now());
    assert_eq!(
        failover.place(now, &[DEAD, DEAD], 0.5),
        Placement::At {
            place: 0,
            spilled: false
        }
    );
}

#[test]
fn with_only_peers_the_first_is_home() {
    let mut failover = Failover::new(
        Policy {
            spill_max: 0.0,
            ..policy()
        },
        vec![false],
    );
    assert_eq!(
        failover.place(Instant::now(), &[WELL], 0.9),
        Placement::At {
            place: 0,
            spilled: false
        }
    );
}

proptest! {
    /// Whatever the history: shares and what is shed make one whole, none is negative, and the cap holds.
    #[test]
    fn shares_make_one_whole_and_keep_the_cap(
        spill in 0.0f64..=1.0,
        history in proptest::collection::vec((0usize..4, 0usize..4, 0usize..4, 0u64..20_000), 1..60),
    ) {
        let mut failover = Failover::new(Policy { spill_max: spill, ..policy() }, vec![true, true, false]);
        let mut now = Instant::now();
        for (a, b, c, millis) in history {
            now += Duration::from_millis(millis);
            let (shares, shed) = failover.shares(now, &[of(a, 3.max(a)), of(b, 3.max(b)), of(c, 3.max(c))]);
            let sum: f64 = shares.iter().sum::<f64>() + shed;
            prop_assert!((sum - 1.0).abs() < 1e-9, "{shares:?} {shed}");
            prop_assert!(shares.iter().all(|share| *share >= -1e-12));
            prop_assert!(failover.share_away(&shares) <= spill + 1e-9);
            prop_assert!(a + b == 0 || shed == 0.0, "something is healthy at home: nothing is shed");
        }
    }

    /// From any history, peace brings everything home.
    #[test]
    fn peace_brings_everything_home(history in proptest::collection::vec((0usize..3, 0u64..20_000), 0..40)) {
        let mut failover = two(policy());
        let mut now = Instant::now();
        for (healthy, millis) in history {
            now += Duration::from_millis(millis);
            failover.shares(now, &[of(healthy, 2), WELL]);
        }
        for _ in 0..70 {
            now += Duration::from_secs(1);
            failover.shares(now, &[WELL, WELL]);
        }
        prop_assert_eq!(failover.shares(now, &[WELL, WELL]).0, vec![1.0, 0.0]);
    }
}
