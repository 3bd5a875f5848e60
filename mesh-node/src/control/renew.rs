//! Keeps the host's own SVID fresh: at half of its life, with jitter, and with patience while the controller is away (P-9).

use std::time::{Duration, SystemTime};

use identity::{PrivateKey, X509Svid};

use super::{Membership, store};

/// Renews for ever.
pub(super) async fn run(membership: &Membership) {
    loop {
        let svid = membership.svid();
        let due = identity::renewal::next(svid.not_before(), svid.not_after(), rand::random());
        tokio::time::sleep(due.duration_since(SystemTime::now()).unwrap_or_default()).await;
        let mut attempt = 0;
        while let Err(reason) = renew(membership).await {
            attempt += 1;
            tracing::warn!(id = %membership.id(), %reason, attempt, "the host's SVID can't be renewed yet");
            tokio::time::sleep(
                identity::renewal::backoff(attempt, rand::random()).min(Duration::from_secs(30)),
            )
            .await;
        }
    }
}

async fn renew(membership: &Membership) -> Result<(), String> {
    let key = PrivateKey::generate().map_err(|error| error.to_string())?;
    let csr = key.csr().map_err(|error| error.to_string())?;
    let chain = membership
        .issue(csr, membership.id())
        .await
        .map_err(|error| error.to_string())?;
    let svid = X509Svid::from_parts(chain, key).map_err(|error| error.to_string())?;
    if svid.id() != membership.id() {
        return Err(format!("the controller issued {}", svid.id()));
    }
    svid.save(&membership.data_dir().join(store::SVID_DIR))
        .map_err(|error| error.to_string())?;
    membership.inner.svid.store(std::sync::Arc::new(svid));
    membership.inner.renewed.notify_one();
    tracing::info!(id = %membership.id(), "renewed the host's SVID");
    Ok(())
}
