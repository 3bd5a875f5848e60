//! Catalogs over a link, both ways: ours to a peer that follows, a peer's into our state.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;
use parking_lot::Mutex;
use protocol::name::{ClusterName, HostPort};
use protocol::view::BundleData;
use protocol::wire::v1;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use tunnel::rpc::Caller;
use tunnel::rpc::v1::federation_server::Federation;

use super::link::Ended;
use crate::catalog::export::catalog_for;
use crate::catalog::import::{self, CATALOG_VERSION};
use crate::compile::Compiled;
use crate::controller::{Parts, unix_now};
use crate::metrics;
use crate::state::{
    BundleRecord, Change, Der, Outcome, Peer, Refusal, UnixSeconds, change::PeerNews,
};

/// The longest pause between two catalogs: the sign of life.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);
/// How long a peer's bundle holds without news (P-8).
pub(crate) const BUNDLE_LEASE_SECONDS: UnixSeconds = 3600;
/// The lease is renewed once it has used up a third, so that not every sign of life is a change of the state.
const RENEW_BELOW_SECONDS: UnixSeconds = BUNDLE_LEASE_SECONDS * 2 / 3;
/// The least time between two changes that one peer may cause: its update rate (P-17).
const SPACING: Duration = Duration::from_millis(50);

/// The highest sequence of a peer's catalogs that was accepted since this controller began with it (P-10). The state keeps the one of
/// the last catalog that brought other services, so that not every news of a peer is a write.
#[derive(Debug, Default)]
pub(super) struct Highest(u64);

impl Highest {
    /// What a catalog must not be below.
    fn with(&self, stored: u64) -> u64 {
        self.0.max(stored)
    }

    fn accepted(&mut self, sequence: u64) {
        self.0 = self.0.max(sequence);
    }
}

/// Takes one catalog of a peer.
pub(super) async fn take(
    parts: &Parts,
    cluster: &ClusterName,
    peer: &Peer,
    catalog: v1::Catalog,
    highest: &mut Highest,
) -> Result<(), Ended> {
    let state = parts.state();
    let held = state.imports.get(cluster);
    let admitted = import::admit(
        &peer.trust_domain,
        highest.with(held.map_or(0, |held| held.sequence)),
        catalog,
    )
    .map_err(|refused| {
        metrics::catalog_refused(cluster.as_str(), refused.label());
        Ended::Suspended(refused.to_string())
    })?;
    for left_out in &admitted.left_out {
        metrics::catalog_refused(cluster.as_str(), "out_of_lane");
        tracing::warn!(peer = %cluster, %left_out, "an entry of a peer's catalog is not in its lane (P-17)");
    }
    let news = PeerNews {
        cluster: cluster.clone(),
        bundle: leased(admitted.bundle, unix_now()),
        gateways: admitted.gateways,
        capability: admitted.capability,
    };
    let sequence = admitted.imports.sequence;
    let mut changed = note_news(parts, news).await.map_err(Ended::Suspended)?;
    if held.is_none_or(|held| held.services != admitted.imports.services) {
        let change = Change::PutImports {
            cluster: cluster.clone(),
            imports: admitted.imports,
        };
        match parts.store.propose(change).await {
            Ok(Outcome::Refused(refusal)) => {
                if matches!(refusal, Refusal::ImportsTooLarge { .. }) {
                    metrics::catalog_refused(cluster.as_str(), "limit");
                }
                return Err(Ended::Suspended(refusal.to_string()));
            }
            Ok(_) => changed = true,
            Err(error) => return Err(Ended::broken(error)),
        }
    }
    // Only now: a catalog that was refused is no news, and its peer turns STALE with the reason shown.
    highest.accepted(sequence);
    parts.contacts.news(cluster, admitted.lease, Instant::now());
    if changed {
        tokio::time::sleep(SPACING).await;
    }
    Ok(())
}

fn leased(bundle: BundleData, now: UnixSeconds) -> BundleRecord {
    BundleRecord {
        sequence: bundle.sequence,
        roots: bundle.roots.into_iter().map(Der).collect(),
        valid_until: Some(now + BUNDLE_LEASE_SECONDS),
    }
}

/// Keeps what a peer says of itself, if it is anything new or the bundle's lease wants renewing; says whether it was.
async fn note_news(parts: &Parts, news: PeerNews) -> Result<bool, String> {
    let state = parts.state();
    let Some(peer) = state.peers.get(&news.cluster) else {
        return Err("it is no peer any more".to_owned());
    };
    let Some(bundle) = state.bundles.get(&peer.trust_domain) else {
        return Err("its bundle is gone".to_owned());
    };
    let same = bundle.sequence == news.bundle.sequence
        && bundle.roots == news.bundle.roots
        && (news.gateways.is_empty() || peer.gateways == news.gateways)
        && news
            .capability
            .as_ref()
            .is_none_or(|capability| &peer.capability == capability);
    let lease_left = bundle.valid_until.unwrap_or(0).saturating_sub(unix_now());
    if same && lease_left > RENEW_BELOW_SECONDS {
        return Ok(false);
    }
    match parts.store.propose(Change::UpdatePeer(news)).await {
        Ok(Outcome::Refused(refusal)) => Err(refusal.to_string()),
        Ok(_) => Ok(true),
        Err(error) => Err(error.to_string()),
    }
}

/// Serves the controllers of peers.
pub(crate) struct FederationService {
    parts: Arc<Parts>,
    followers: Followers,
}

impl FederationService {
    pub(crate) fn new(parts: Arc<Parts>) -> Self {
        Self {
            parts,
            followers: Followers::default(),
        }
    }
}

/// The stream of each peer that follows. One for each: what a peer costs doesn't grow with how often it asks (P-17).
#[derive(Debug, Default)]
struct Followers(Mutex<BTreeMap<ClusterName, CancellationToken>>);

impl Followers {
    /// Ends the peer's older stream; what is returned ends the newer one in its turn.
    fn enter(&self, cluster: &ClusterName) -> CancellationToken {
        let newer = CancellationToken::new();
        let older = self.0.lock().insert(cluster.clone(), newer.clone());
        if let Some(older) = older {
            older.cancel();
        }
        newer
    }
}

/// The catalogs for one peer.
pub(crate) type Catalogs = Pin<Box<dyn Stream<Item = Result<v1::Catalog, Status>> + Send>>;

#[tonic::async_trait]
impl Federation for FederationService {
    type FollowCatalogStream = Catalogs;

    async fn follow_catalog(
        &self,
        request: Request<v1::CatalogRequest>,
    ) -> Result<Response<Catalogs>, Status> {
        let parts = &self.parts;
        let caller = request
            .extensions()
            .get::<Caller>()
            .and_then(|caller| caller.id.clone());
        let cluster = peer_of(parts, caller.as_ref())?;
        let request = request.into_inner();
        if request.version != CATALOG_VERSION {
            return Err(Status::failed_precondition(format!(
                "catalogs of version {} are not known here",
                request.version
            )));
        }
        if request.cluster != cluster.as_str() {
            return Err(Status::permission_denied(format!(
                "the caller is the peer {cluster}, not {}",
                request.cluster
            )));
        }
        hear(parts, &cluster, request.bundle, &request.gateways).await?;
        tracing::info!(peer = %cluster, "a peer follows the catalog");
        let feed = Feed {
            replaced: self.followers.enter(&cluster),
            parts: Arc::clone(parts),
            cluster,
            compiled: parts.compiled.subscribe(),
            sent: None,
        };
        Ok(Response::new(Box::pin(futures_util::stream::unfold(
            feed,
            Feed::next,
        ))))
    }
}

fn peer_of(
    parts: &Parts,
    caller: Option<&protocol::name::SpiffeId>,
) -> Result<ClusterName, Status> {
    let Some(caller) = caller else {
        return Err(Status::unauthenticated(
            "only a controller with an SVID is served here",
        ));
    };
    let state = parts.state();
    match state.peer_of(caller.trust_domain()) {
        Some((cluster, peer))
            if *caller == protocol::name::SpiffeId::controller(&peer.trust_domain) =>
        {
            Ok(cluster.clone())
        }
        _ => Err(Status::permission_denied(format!(
            "{caller} is not the controller of a peer of {}",
            parts.cluster()
        ))),
    }
}

/// Takes what the caller says of itself in its request.
async fn hear(
    parts: &Parts,
    cluster: &ClusterName,
    bundle: Option<v1::Bundle>,
    gateways: &[String],
) -> Result<(), Status> {
    let invalid =
        |error: protocol::wire::InvalidMessage| Status::invalid_argument(error.to_string());
    let Some(bundle) = bundle else { return Ok(()) };
    let bundle = BundleData::try_from(bundle).map_err(invalid)?;
    let gateways: Vec<HostPort> = import::gateways(gateways).map_err(invalid)?;
    if parts
        .state()
        .peers
        .get(cluster)
        .is_none_or(|peer| peer.trust_domain != bundle.trust_domain)
    {
        return Err(Status::permission_denied(
            "the bundle is of another trust domain than the caller's",
        ));
    }
    let news = PeerNews {
        cluster: cluster.clone(),
        bundle: leased(bundle, unix_now()),
        gateways,
        capability: None,
    };
    let changed = note_news(parts, news)
        .await
        .map_err(Status::failed_precondition)?;
    if changed {
        tokio::time::sleep(SPACING).await;
    }
    Ok(())
}

/// One peer that follows.
struct Feed {
    replaced: CancellationToken,
    parts: Arc<Parts>,
    cluster: ClusterName,
    compiled: watch::Receiver<Arc<Compiled>>,
    sent: Option<v1::Catalog>,
}

impl Feed {
    /// The next catalog: at once, on each change that concerns the peer, and as a sign of life.
    async fn next(mut self) -> Option<(Result<v1::Catalog, Status>, Self)> {
        let lease = self.parts.settings.catalog_lease;
        let due = Instant::now() + SIGN_OF_LIFE.min(lease / 3);
        loop {
            let compiled = self.compiled.borrow_and_update().clone();
            let Some(catalog) = catalog_for(
                &compiled,
                &self.parts.state(),
                &self.cluster,
                self.parts.gateways(),
                lease,
            ) else {
                return Some((
                    Err(Status::permission_denied("the caller is no peer any more")),
                    self,
                ));
            };
            if Instant::now() >= due || self.is_news(&catalog) {
                self.sent = Some(catalog.clone());
                return Some((Ok(catalog), self));
            }
            tokio::select! {
                changed = self.compiled.changed() => changed.ok()?,
                () = tokio::time::sleep_until(due) => {}
                () = self.replaced.cancelled() => {
                    tracing::debug!(peer = %self.cluster, "a newer stream took this one's place");
                    return None;
                }
            }
        }
    }

    fn is_news(&self, catalog: &v1::Catalog) -> bool {
        self.sent.as_ref().is_none_or(|sent| {
            sent.exports != catalog.exports
                || sent.bundle != catalog.bundle
                || sent.gateways != catalog.gateways
                || sent.capability != catalog.capability
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// P-10
    #[test]
    fn the_highest_sequence_stays_also_when_only_the_services_of_an_older_one_are_stored() {
        let mut highest = Highest::default();
        highest.accepted(9);
        highest.accepted(7);
        assert_eq!(highest.with(5), 9);
        assert_eq!(highest.with(12), 12);
    }

    #[test]
    fn a_newer_stream_of_a_peer_ends_its_older_one_alone() {
        let followers = Followers::default();
        let name = |text: &str| ClusterName::parse(text).expect("a name");
        let (west, north) = (
            followers.enter(&name("west")),
            followers.enter(&name("north")),
        );
        let newer = followers.enter(&name("west"));
        assert!(west.is_cancelled() && !north.is_cancelled() && !newer.is_cancelled());
    }
}
