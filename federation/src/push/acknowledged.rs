//! Which hosts in touch have applied a version.

use std::time::Duration;

use crate::compile::state_version;
use crate::controller::Parts;

/// An answer to "does everybody know?".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Acknowledged {
    /// The version of the state that was asked about.
    pub(crate) version: u64,
    /// Hosts in touch that applied at least that.
    pub(crate) acknowledged: u32,
    /// Hosts in touch.
    pub(crate) hosts: u32,
    /// Those that haven't, and why if they said so.
    pub(crate) lagging: Vec<String>,
}

/// Waits until every host in touch has applied this version of the state, or the time is over.
pub(crate) async fn acknowledged(parts: &Parts, version: u64, within: Duration) -> Acknowledged {
    let mut progress = parts.roster.watch_progress();
    let complete = async {
        loop {
            progress.mark_unchanged();
            let count = count(parts, version);
            if count.lagging.is_empty() || progress.changed().await.is_err() {
                return count;
            }
        }
    };
    match tokio::time::timeout(within, complete).await {
        Ok(count) => count,
        Err(_) => count(parts, version),
    }
}

fn count(parts: &Parts, version: u64) -> Acknowledged {
    let mut count = Acknowledged {
        version,
        ..Acknowledged::default()
    };
    for (host, presence) in parts.roster.presences() {
        if !presence.in_touch {
            continue;
        }
        count.hosts += 1;
        if state_version(presence.acknowledged) >= version {
            count.acknowledged += 1;
        } else if presence.rejected.is_empty() {
            count.lagging.push(host.to_string());
        } else {
            count
                .lagging
                .push(format!("{host} ({})", presence.rejected));
        }
    }
    count
}
