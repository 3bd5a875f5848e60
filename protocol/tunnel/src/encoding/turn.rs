//! Whose turn it is when a tunnel is full: what is short goes before what is long.
//!
//! quinn sends from the streams of the highest priority, packet by packet in turn. A stream that has written much without a pause steps
//! down until its next message or pause, so that requests don't wait behind a bulk transfer; long ones share what is left.

use std::time::{Duration, Instant};

/// Up to so much is short.
const SHORT_BYTES: u64 = 64 << 10;
/// After such a pause a stream begins anew.
const PAUSE: Duration = Duration::from_millis(100);

/// One stream's account.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    written: u64,
    long: bool,
    last: Option<Instant>,
}

impl Turn {
    /// `bytes` were written.
    pub(crate) fn wrote(&mut self, stream: &quinn::SendStream, bytes: usize) {
        if let Some(priority) = self.count(Instant::now(), bytes as u64)
            && stream.set_priority(priority).is_err()
        {
            tracing::trace!("the stream had ended already");
        }
    }

    /// A message is complete: what follows is another.
    pub(crate) const fn next_message(&mut self) {
        self.written = 0;
    }

    /// The priority, when it is another from now on.
    fn count(&mut self, now: Instant, bytes: u64) -> Option<i32> {
        let paused = self
            .last
            .is_some_and(|last| now.saturating_duration_since(last) > PAUSE);
        let before = if paused { 0 } else { self.written };
        self.written = before.saturating_add(bytes);
        self.last = Some(now);
        let long = self.written > SHORT_BYTES;
        let changed = long != self.long;
        self.long = long;
        changed.then_some(if long { -1 } else { 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_messages_step_down_and_short_ones_come_first_again() {
        let (mut turn, now) = (Turn::default(), Instant::now());
        assert_eq!(turn.count(now, SHORT_BYTES), None);
        assert_eq!(turn.count(now, 1), Some(-1));
        assert_eq!(turn.count(now, SHORT_BYTES), None);
        turn.next_message();
        assert_eq!(turn.count(now, 100), Some(0));
    }

    #[test]
    fn a_pause_begins_anew() {
        let (mut turn, now) = (Turn::default(), Instant::now());
        assert_eq!(turn.count(now, u64::MAX), Some(-1));
        assert_eq!(turn.count(now + PAUSE, 1), None);
        assert_eq!(turn.count(now + PAUSE * 3, 1), Some(0));
    }
}
