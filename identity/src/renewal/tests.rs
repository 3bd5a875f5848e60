//! Renewal: always inside the life, spread, and never in a hurry after failures.

use proptest::prelude::*;

use super::*;

fn at(secs: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(secs)
}

/// P-7
#[test]
fn half_life_is_the_middle_of_the_spread() {
    assert_eq!(next(at(1_000), at(4_600), 0.5), at(2_800));
    assert_eq!(next(at(1_000), at(4_600), 0.0), at(1_000 + 1_620));
}

/// P-9
#[test]
fn the_pause_grows_up_to_its_cap() {
    let longest: Vec<u64> = (0..8)
        .map(|attempt| backoff(attempt, 1.0).as_secs())
        .collect();
    assert_eq!(longest, [1, 2, 4, 8, 16, 30, 30, 30]);
    assert_eq!(backoff(u32::MAX, 1.0), LONGEST_PAUSE);
}

proptest! {
    /// P-7
    #[test]
    fn renewal_lies_around_half_life(begin in 0..4_000_000_000u64, life in 1..400_000_000u64, jitter in 0.0..1.0f64) {
        let due = next(at(begin), at(begin + life), jitter).duration_since(at(begin)).unwrap_or_default().as_secs_f64();
        let half = life as f64 / 2.0;
        prop_assert!(due >= half * 0.9 - 0.001 && due <= half * 1.1 + 0.001, "{due} of {life}");
    }

    /// P-7: a larger draw is never earlier, so a uniform draw spreads evenly.
    #[test]
    fn renewal_is_monotonic_in_its_draw(life in 10..400_000_000u64, a in 0.0..1.0f64, b in 0.0..1.0f64) {
        let (low, high) = (a.min(b), a.max(b));
        prop_assert!(next(at(0), at(life), low) <= next(at(0), at(life), high));
    }

    /// P-9
    #[test]
    fn a_pause_is_never_longer_than_its_cap(attempt in any::<u32>(), draw in 0.0..1.0f64) {
        prop_assert!(backoff(attempt, draw) <= LONGEST_PAUSE);
    }

    #[test]
    fn odd_input_never_panics(begin in 0..1_000_000u64, end in 0..1_000_000u64, draw in any::<f64>(), attempt in any::<u32>()) {
        prop_assert!(next(at(begin), at(end), draw) >= at(begin));
        prop_assert!(backoff(attempt, draw) <= LONGEST_PAUSE);
    }
}
