//! Who changed what: one log event for each administrative change, under the target `audit`.

/// Records an administrative change. `what` never holds a secret.
pub(crate) fn record(action: &'static str, by: &str, what: &str, version: u64) {
    tracing::info!(target: "audit", action, by, what, version, "changed");
}
