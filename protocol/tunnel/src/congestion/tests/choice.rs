//! Names of controllers, and the window after an outage.

use std::time::{Duration, Instant};

use quinn_proto::congestion::Controller;

use crate::congestion::Congestion;
use crate::congestion::controller::{ByDelivery, LEAST_PACKETS};

#[test]
fn names_are_read_as_they_are_printed() {
    for it in [Congestion::Delivery, Congestion::Cubic] {
        assert_eq!(it.to_string().parse(), Ok(it));
    }
    let refused = "bbr".parse::<Congestion>().unwrap_err().to_string();
    assert!(refused.contains("delivery or cubic"), "{refused}");
}

#[test]
fn after_an_outage_all_begins_anew() {
    let now = Instant::now();
    let mut it = ByDelivery::new(now, 256 << 10, 1_200, 1);
    assert_eq!(it.window(), 256 << 10);
    it.on_congestion_event(now, now, true, 100_000);
    assert_eq!(it.window(), LEAST_PACKETS * 1_200);
    // From there it doubles again.
    let mut later = now;
    for _ in 0..4 {
        it.on_sent(later, it.window(), 0);
        let sent = later;
        later += Duration::from_millis(60);
        it.gather(sent, it.window());
        it.on_end_acks(later, 0, false, None);
    }
    assert!(it.window() > 30_000, "{}", it.window());
}

#[test]
fn larger_packets_raise_the_least_window() {
    let now = Instant::now();
    let mut it = ByDelivery::new(now, 0, 1_200, 1);
    it.on_mtu_update(8_900);
    assert_eq!(it.window(), LEAST_PACKETS * 8_900);
}
