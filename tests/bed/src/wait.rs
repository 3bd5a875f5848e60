//! Waiting for events, never for time: a probe is asked again until it answers, or until a generous limit says that it never will.

use std::time::{Duration, Instant};

/// How long anything may take before a test calls it lost.
pub const GENEROUS: Duration = Duration::from_secs(60);

const BETWEEN_PROBES: Duration = Duration::from_millis(10);

/// Asks `probe` until it answers; panics with `what` when `limit` has passed.
pub fn until<T>(what: &str, limit: Duration, probe: impl FnMut() -> Option<T>) -> T {
    poll(limit, probe).unwrap_or_else(|| panic!("waited {limit:?} in vain: {what}"))
}

/// Asks `probe` until it answers, or gives up after `limit`.
pub fn poll<T>(limit: Duration, mut probe: impl FnMut() -> Option<T>) -> Option<T> {
    let begun = Instant::now();
    loop {
        if let Some(answer) = probe() {
            return Some(answer);
        }
        if begun.elapsed() > limit {
            return None;
        }
        std::thread::sleep(BETWEEN_PROBES);
    }
}
