//! How long a peer's catalog holds without news. Pure.
//!
//! ```text
//!   news ── fresh ──(lease)── stale, still in use ──(grace)── over: its imports are dropped
//! ```

use std::time::Duration;

/// The lease of a catalog whose sender names none.
pub(crate) const DEFAULT: Duration = Duration::from_secs(30);
/// How long stale imports stay in use.
pub(crate) const GRACE: Duration = Duration::from_secs(600);
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(600);

/// The age of a catalog, in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Age {
    /// Within its lease.
    Fresh,
    /// Past its lease; the last-known catalog keeps serving.
    Stale,
    /// Past the grace too.
    Over,
}

/// Judges a catalog by the time since its last news.
pub(crate) fn age(since_news: Duration, lease: Duration) -> Age {
    if since_news <= lease {
        Age::Fresh
    } else if since_news <= lease + GRACE {
        Age::Stale
    } else {
        Age::Over
    }
}

/// The lease that a sender asks for, within bounds.
pub(crate) fn granted(millis: u64) -> Duration {
    match millis {
        0 => DEFAULT,
        millis => Duration::from_millis(millis).clamp(SHORTEST, LONGEST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_catalog_ages() {
        let lease = Duration::from_secs(30);
        assert_eq!(age(Duration::ZERO, lease), Age::Fresh);
        assert_eq!(age(lease, lease), Age::Fresh);
        assert_eq!(age(lease + Duration::from_millis(1), lease), Age::Stale);
        assert_eq!(
            age(lease + GRACE + Duration::from_millis(1), lease),
            Age::Over
        );
    }

    #[test]
    fn a_peer_cannot_ask_for_a_lease_without_end() {
        assert_eq!(granted(u64::MAX), LONGEST);
        assert_eq!(granted(0), DEFAULT);
        assert_eq!(granted(1), SHORTEST);
    }
}
