//! When each workload's SVID is due, and fetching those that are.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use futures_util::future::join_all;
use identity::{PrivateKey, X509Svid};
use protocol::name::SpiffeId;
use tokio::sync::watch;

use super::Credentials;
use crate::control::Membership;

/// A failed renewal waits no longer than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy)]
struct Due {
    at: SystemTime,
    /// For which SVID: another one means another date.
    ends: Option<SystemTime>,
    failures: u32,
}

impl Credentials {
    /// Keeps every workload's SVID fresh for ever. `changed` ticks when a View was applied; `fresh` is told after each success.
    pub(crate) async fn run(
        &self,
        membership: &Membership,
        mut changed: watch::Receiver<u64>,
        fresh: impl Fn(),
    ) {
        let mut dues: BTreeMap<SpiffeId, Due> = BTreeMap::new();
        loop {
            let Some(wanted) = membership
                .views()
                .borrow()
                .as_ref()
                .map(|view| super::identities(view))
            else {
                if changed.changed().await.is_err() {
                    return;
                }
                continue;
            };
            self.schedule(&mut dues, &wanted);
            let now = SystemTime::now();
            let ready: Vec<SpiffeId> = dues
                .iter()
                .filter(|(_, due)| due.at <= now)
                .map(|(id, _)| id.clone())
                .collect();
            if ready.is_empty() {
                let next = dues
                    .values()
                    .map(|due| due.at)
                    .min()
                    .unwrap_or(now + Duration::from_secs(3600));
                tokio::select! {
                    () = tokio::time::sleep(next.duration_since(now).unwrap_or_default()) => {}
                    gone = changed.changed() => if gone.is_err() { return },
                }
                continue;
            }
            let results = join_all(ready.iter().map(|id| self.renew(membership, id))).await;
            for (id, result) in ready.iter().zip(results) {
                match result {
                    Ok(()) => fresh(),
                    Err(reason) => postpone(dues.get_mut(id), id, &reason),
                }
            }
        }
    }

    fn schedule(&self, dues: &mut BTreeMap<SpiffeId, Due>, wanted: &[SpiffeId]) {
        dues.retain(|id, _| wanted.contains(id));
        let wallet = self.wallet.load();
        for id in wanted {
            let svid = wallet.held.get(id).map(|held| &held.svid);
            let ends = svid.map(|svid| svid.not_after());
            if dues.get(id).is_some_and(|due| due.ends == ends) {
                continue;
            }
            let at = svid.map_or_else(SystemTime::now, |svid| {
                identity::renewal::next(svid.not_before(), svid.not_after(), rand::random())
            });
            dues.insert(
                id.clone(),
                Due {
                    at,
                    ends,
                    failures: 0,
                },
            );
        }
    }

    async fn renew(&self, membership: &Membership, id: &SpiffeId) -> Result<(), String> {
        let key = PrivateKey::generate().map_err(|error| error.to_string())?;
        let csr = key.csr().map_err(|error| error.to_string())?;
        let chain = membership
            .issue(csr, id)
            .await
            .map_err(|error| error.to_string())?;
        let svid = X509Svid::from_parts(chain, key).map_err(|error| error.to_string())?;
        if svid.id() != id {
            return Err(format!("the controller issued {}", svid.id()));
        }
        identity::key::create_private_dir(&self.dir).map_err(|error| error.to_string())?;
        svid.save(&self.dir_of(id))
            .map_err(|error| error.to_string())?;
        tracing::info!(%id, "got an SVID");
        self.hold(svid);
        Ok(())
    }
}

fn postpone(due: Option<&mut Due>, id: &SpiffeId, reason: &str) {
    let Some(due) = due else { return };
    let pause = identity::renewal::backoff(due.failures, rand::random()).min(LONGEST_PAUSE);
    due.failures += 1;
    due.at = SystemTime::now() + pause.max(Duration::from_millis(100));
    if due.failures == 3 {
        tracing::warn!(%id, %reason, "no SVID yet; trying on");
    } else {
        tracing::debug!(%id, %reason, failures = due.failures, "no SVID yet");
    }
}
