//! Whatever comes in whatever order: the window keeps its bounds, memory too, and nothing panics.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use quinn_proto::congestion::Controller;

use crate::congestion::controller::{ByDelivery, LEAST_PACKETS, MOST};
use crate::congestion::delivery::RING;
use crate::congestion::rate::{Most, Rate, percent, stretched};

#[derive(Debug, Clone)]
enum Step {
    Waits(u64),
    Sends(u64),
    /// Acknowledged: packets that left so long ago, or will leave (a clock may be wrong).
    Acks(Vec<(i64, u64)>),
    Ends(u64, bool),
    Loses(u64),
    Marked,
    Gone(u64),
    Mtu(u16),
}

fn step() -> impl Strategy<Value = Step> {
    let micros = prop_oneof![
        0u64..100_000,
        0u64..100_000_000,
        Just(u64::from(u32::MAX) * 1_000)
    ];
    let bytes = prop_oneof![0u64..20_000, 0u64..100_000_000, Just(u64::MAX)];
    let ago = prop_oneof![0i64..200_000, -1_000_000i64..100_000_000];
    prop_oneof![
        micros.prop_map(Step::Waits),
        bytes.clone().prop_map(Step::Sends),
        prop::collection::vec((ago, bytes.clone()), 1..8).prop_map(Step::Acks),
        (bytes.clone(), any::<bool>()).prop_map(|(bytes, limited)| Step::Ends(bytes, limited)),
        bytes.clone().prop_map(Step::Loses),
        Just(Step::Marked),
        bytes.prop_map(Step::Gone),
        any::<u16>().prop_map(Step::Mtu),
    ]
}

proptest! {
    #[test]
    fn the_window_keeps_its_bounds(
        initial in prop_oneof![0u64..2_000_000, Just(u64::MAX)],
        steps in prop::collection::vec(step(), 1..400),
    ) {
        let epoch = Instant::now() + Duration::from_secs(1_000);
        let mut now = epoch;
        let mut mtu = 1_200u64;
        let mut it = ByDelivery::new(now, initial, mtu, 7);
        for step in steps {
            match step {
                Step::Waits(micros) => now += Duration::from_micros(micros),
                Step::Sends(bytes) => it.on_sent(now, bytes, 0),
                Step::Acks(packets) => {
                    for (ago, bytes) in packets {
                        let by = Duration::from_micros(ago.unsigned_abs());
                        let sent = if ago < 0 { now + by } else { now - by };
                        it.gather(sent, bytes);
                    }
                    it.on_end_acks(now, 10_000, false, None);
                }
                Step::Ends(bytes, limited) => it.on_end_acks(now, bytes, limited, None),
                Step::Loses(bytes) => it.on_congestion_event(now, now, false, bytes),
                Step::Marked => it.on_congestion_event(now, now, false, 0),
                Step::Gone(bytes) => it.on_congestion_event(now, now, true, bytes),
                Step::Mtu(new) => {
                    mtu = u64::from(new).max(1);
                    it.on_mtu_update(new);
                }
            }
            prop_assert!(it.window() >= LEAST_PACKETS * mtu, "{} at {mtu}", it.window());
            prop_assert!(it.window() <= MOST, "{}", it.window());
            prop_assert!(it.snapshots() <= RING);
        }
    }

    #[test]
    fn rates_never_overflow(bytes: u64, nanos: u64, share: u64, of: u32) {
        let time = Duration::from_nanos(nanos);
        let rate = Rate::of(bytes, time);
        let _ = rate.over(Duration::MAX);
        if nanos >= 1_000 && rate.0 < u64::MAX {
            prop_assert!(rate.over(time) <= bytes);
        }
        let _ = percent(bytes, share);
        let _ = stretched(Duration::MAX, of);
    }

    #[test]
    fn the_most_of_the_last_rounds_is_kept(values in prop::collection::vec(any::<u64>(), 1..50)) {
        let mut most = Most::<10>::default();
        for (round, value) in values.iter().enumerate() {
            most.note(round as u64, *value);
        }
        let last = values[values.len().saturating_sub(10)..].iter().max();
        prop_assert_eq!(Some(&most.get()), last);
    }
}
