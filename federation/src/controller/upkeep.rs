//! What only time brings about: renewing the controller's own certificates, forgetting what has expired.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::{Parts, unix_now};
use crate::state::Change;

/// Often enough for short-lived SVIDs and for a clock that jumps: the wall clock is read anew each time.
const EVERY: Duration = Duration::from_secs(1);

/// Keeps things up for as long as it is polled.
pub(super) async fn run(parts: Arc<Parts>) {
    let mut renewal = parts.authority.renewal();
    let mut ticks = tokio::time::interval(EVERY);
    loop {
        ticks.tick().await;
        let now = SystemTime::now();
        parts.authority.observe(now);
        if now >= renewal {
            renewal = match parts.authority.renew(now) {
                Ok(next) => next,
                Err(error) => {
                    tracing::error!(%error, "the controller's own SVID could not be renewed");
                    now + identity::renewal::backoff(3, rand::random())
                }
            };
        }
        if parts.state().has_expired(unix_now())
            && let Err(error) = parts.store.propose(Change::Prune { now: unix_now() }).await
        {
            tracing::warn!(%error, "what has expired could not be forgotten");
        }
    }
}
