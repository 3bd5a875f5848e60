//! When to renew, and how long to wait after a failure: pure, randomness is handed in (P-7, P-9).

use std::time::{Duration, SystemTime};

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How far from half life a renewal may lie, as a part of half the life.
const SPREAD: f64 = 0.1;

/// Says when to renew: at half of the life, ±10 % of that, so that those issued together don't renew together.
///
/// `jitter` is uniform in `[0, 1)`.
pub fn next(not_before: SystemTime, not_after: SystemTime, jitter: f64) -> SystemTime {
    let life = not_after.duration_since(not_before).unwrap_or_default();
    let factor = 1.0 - SPREAD + 2.0 * SPREAD * unit(jitter);
    not_before + (life / 2).mul_f64(factor)
}

/// Says how long to wait before attempt number `attempt` (0 is the first retry): full jitter under a cap that doubles up to 30 s.
///
/// `draw` is uniform in `[0, 1)`.
pub fn backoff(attempt: u32, draw: f64) -> Duration {
    let cap = FIRST_PAUSE
        .saturating_mul(1 << attempt.min(16))
        .min(LONGEST_PAUSE);
    cap.mul_f64(unit(draw))
}

fn unit(draw: f64) -> f64 {
    if draw.is_finite() {
        draw.clamp(0.0, 1.0)
    } else {
        0.5
    }
}

#[cfg(test)]
mod tests;
