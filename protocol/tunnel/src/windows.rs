//! The windows of a tunnel: small at first, as large as its path needs while that is used, small again when it isn't. So what a
//! stalled reader can make us keep depends on what it took before, and thousands of quiet tunnels promise little.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::limits::Limits;

/// What every tunnel has: several streams' windows, so that a stream whose reader is slow leaves room for others.
const LEAST: u64 = 16 << 20;

/// Both windows of one tunnel.
#[derive(Debug)]
pub(crate) struct Windows {
    receive_most: u64,
    send_most: u64,
    now: Mutex<Now>,
}

#[derive(Debug)]
struct Now {
    looked: Instant,
    received: u64,
    sent: u64,
    receive: u64,
    send: u64,
}

/// What a tunnel begins with.
pub(crate) fn first(most: u64) -> u64 {
    most.min(LEAST)
}

impl Windows {
    pub(crate) fn new(now: Instant, limits: &Limits) -> Self {
        let (receive_most, send_most) =
            (limits.tunnel_window_bytes.into(), limits.send_window_bytes);
        Self {
            receive_most,
            send_most,
            now: Mutex::new(Now {
                looked: now,
                received: 0,
                sent: 0,
                receive: first(receive_most),
                send: first(send_most),
            }),
        }
    }

    /// Looks at what went through since the last look, and sets the windows by it.
    pub(crate) fn follow(&self, now: Instant, connection: &quinn::Connection) {
        let mut it = self.now.lock();
        let passed = now.saturating_duration_since(it.looked);
        if passed < Duration::from_millis(200) {
            return;
        }
        let stats = connection.stats();
        let (received, sent) = (stats.udp_rx.bytes, stats.udp_tx.bytes);
        let on_its_way = |bytes: u64| product(bytes, stats.path.rtt, passed);
        let receive = fitting(
            it.receive,
            on_its_way(received.saturating_sub(it.received)),
            self.receive_most,
        );
        let send = fitting(
            it.send,
            on_its_way(sent.saturating_sub(it.sent)),
            self.send_most,
        );
        if receive != it.receive {
            let window = quinn::VarInt::from_u64(receive).unwrap_or(quinn::VarInt::MAX);
            connection.set_receive_window(window);
        }
        if send != it.send {
            connection.set_send_window(send);
        }
        *it = Now {
            looked: now,
            received,
            sent,
            receive,
            send,
        };
    }
}

/// What was on its way at once: the bandwidth-delay product as used.
fn product(bytes: u64, round_trip: Duration, passed: Duration) -> u64 {
    let wide = u128::from(bytes) * round_trip.as_nanos() / passed.as_nanos().max(1);
    u64::try_from(wide).unwrap_or(u64::MAX)
}

/// Grows when half of it is used, at once far enough for twice as much traffic; shrinks by half a look when hardly any is.
fn fitting(window: u64, used: u64, most: u64) -> u64 {
    let least = first(most);
    if used > window / 2 {
        window.max(used.saturating_mul(4)).min(most)
    } else if used < window / 16 {
        (window / 2).max(least)
    } else {
        window
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: u64 = 16 << 20;

    #[test]
    fn a_window_follows_its_use() {
        let mut window = first(MOST);
        assert_eq!(window, LEAST);
        // 500 Mbit/s over 120 ms, as far as the window lets them.
        let path = 7_500_000u64;
        for _ in 0..3 {
            window = fitting(window, path.min(window), MOST);
        }
        assert!(window >= 2 * path, "{window}");
        for _ in 0..3 {
            window = fitting(window, 0, MOST);
        }
        assert_eq!(window, LEAST);
    }

    #[test]
    fn no_window_leaves_its_bounds() {
        assert_eq!(fitting(LEAST, u64::MAX, MOST), MOST);
        assert_eq!(fitting(MOST, MOST / 4, MOST), MOST);
        assert_eq!(fitting(1 << 20, 0, 1 << 20), 1 << 20);
    }

    #[test]
    fn what_is_on_its_way_is_reckoned_without_overflow() {
        let second = Duration::from_secs(1);
        assert_eq!(
            product(12_500_000, Duration::from_millis(60), second),
            750_000
        );
        assert_eq!(product(u64::MAX, second * 60, Duration::ZERO), u64::MAX);
    }
}
