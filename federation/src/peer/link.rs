//! Keeps a link to each peer's controller: dials, follows its catalog, and begins again after any end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use identity::tls::Expect;
use protocol::cid::Selector;
use protocol::name::{ClusterName, SpiffeId};
use protocol::wire::{self, v1};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;
use tunnel::rpc::v1::federation_client::FederationClient;
use tunnel::{Alpn, CloseCode, CloseReason, Tunnel};

use super::dial::{self, Route};
use super::sync::{self, Highest};
use crate::catalog::import::CATALOG_VERSION;
use crate::catalog::lease::Age;
use crate::controller::Parts;
use crate::state::{Change, Peer};

/// The longest pause between attempts; a pause is drawn between nothing and this (full jitter), less for the first attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The pause after a catalog that is refused whole: that peer is suspended, nobody else (P-17).
const SUSPENDED: Duration = Duration::from_secs(30);
/// Silence on a link after which it is given up; signs of life come every 10 s at most.
const SILENCE: Duration = Duration::from_secs(25);
/// The least time that a link is kept: one whose SVIDs have next to nothing left must not be dialed anew without end.
const SHORTEST_LINK: Duration = Duration::from_secs(1);
const LOOK_AROUND: Duration = Duration::from_secs(1);

/// How a session ended.
pub(super) enum Ended {
    /// The peer was removed here.
    Removed,
    /// The SVIDs are past half their life: go on with new ones.
    Renew,
    /// The link broke or didn't come up.
    Broken {
        /// What happened.
        reason: String,
        /// Whether the other side decided so.
        refused: bool,
    },
    /// The peer's catalog was refused.
    Suspended(String),
}

impl Ended {
    pub(super) fn broken(reason: impl std::fmt::Display) -> Self {
        Self::Broken {
            reason: reason.to_string(),
            refused: false,
        }
    }
}

/// Keeps one task for each peer there is.
pub(crate) async fn run(parts: Arc<Parts>) {
    let mut kept: BTreeMap<(ClusterName, Selector), AbortOnDropHandle<()>> = BTreeMap::new();
    let mut changes = parts.store.watch();
    let mut ticks = tokio::time::interval(LOOK_AROUND);
    loop {
        let state = changes.borrow_and_update().clone();
        kept.retain(|_, task| !task.is_finished());
        for (cluster, peer) in &state.peers {
            kept.entry((cluster.clone(), peer.selector))
                .or_insert_with(|| {
                    let keep = keep(Arc::clone(&parts), cluster.clone(), peer.selector);
                    AbortOnDropHandle::new(tokio::spawn(keep))
                });
        }
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return },
            now = ticks.tick() => drop_what_aged_out(&parts, now).await,
        }
    }
}

async fn drop_what_aged_out(parts: &Parts, now: Instant) {
    let state = parts.state();
    for (cluster, imports) in &state.imports {
        if imports.services.is_empty() || parts.contacts.of(cluster, now).age(now) != Age::Over {
            continue;
        }
        tracing::warn!(peer = %cluster, services = imports.services.len(), "a peer's catalog went without news for too long; its services are dropped");
        if let Err(error) = parts
            .store
            .propose(Change::DropImports {
                cluster: cluster.clone(),
            })
            .await
        {
            tracing::error!(%error, "cannot drop a peer's services");
        }
    }
}

/// Keeps the link to one peer until that is removed.
async fn keep(parts: Arc<Parts>, cluster: ClusterName, selector: Selector) {
    parts.contacts.begin(&cluster, Instant::now());
    let mut attempt: u32 = 0;
    let mut highest = Highest::default();
    loop {
        let state = parts.state();
        let Some(peer) = state
            .peers
            .get(&cluster)
            .filter(|peer| peer.selector == selector)
        else {
            break;
        };
        let began = Instant::now();
        let ended = session(&parts, &cluster, peer, attempt as usize, &mut highest).await;
        attempt = if began.elapsed() > SUSPENDED {
            0
        } else {
            attempt.saturating_add(1)
        };
        let pause = match ended {
            Ended::Removed => break,
            Ended::Renew => continue,
            Ended::Broken { reason, refused } => {
                tracing::warn!(peer = %cluster, reason, refused, "the link is down");
                parts
                    .contacts
                    .down(&cluster, reason, refused, Instant::now());
                pause(attempt, rand::random())
            }
            Ended::Suspended(reason) => {
                tracing::warn!(peer = %cluster, reason, "the peer is suspended");
                parts.contacts.down(&cluster, reason, false, Instant::now());
                SUSPENDED
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = removed(&parts, &cluster, selector) => break,
        }
    }
    if !parts.state().peers.contains_key(&cluster) {
        parts.contacts.forget(&cluster);
    }
}

/// Full jitter under a cap that doubles.
fn pause(attempt: u32, draw: f64) -> Duration {
    FIRST_PAUSE
        .saturating_mul(1 << attempt.min(10))
        .min(LONGEST_PAUSE)
        .mul_f64(draw)
}

/// Waits until the peer isn't one any more.
async fn removed(parts: &Parts, cluster: &ClusterName, selector: Selector) {
    let mut changes = parts.store.watch();
    let gone = |state: &Arc<crate::state::State>| {
        state
            .peers
            .get(cluster)
            .is_none_or(|peer| peer.selector != selector)
    };
    if changes.wait_for(gone).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// One link, from dialing to its end.
async fn session(
    parts: &Arc<Parts>,
    cluster: &ClusterName,
    peer: &Peer,
    attempt: usize,
    highest: &mut Highest,
) -> Ended {
    let own = parts.authority.own();
    let route = Route {
        gateways: &peer.gateways,
        capability: &peer.capability,
        handle: peer.controller_handle,
        server_name: tunnel::CONTROLLER_NAME,
        source: Some(&own),
        expect: Expect::Id(SpiffeId::controller(&peer.trust_domain)),
        alpn: Alpn::Control,
    };
    let tunnel = tokio::select! {
        dialed = dial::through_gateways(parts, &route, attempt) => match dialed {
            Ok(tunnel) => tunnel,
            Err(error) => return Ended::Broken { refused: error.is_refusal(), reason: error.to_string() },
        },
        () = removed(parts, cluster, peer.selector) => return Ended::Removed,
    };
    let renew = tokio::time::sleep(until_renewal(tunnel.expires(), SystemTime::now()));
    let ended = tokio::select! {
        ended = follow(parts, cluster, peer, &tunnel, highest) => ended,
        reason = tunnel.closed() => closed(cluster, &reason),
        () = removed(parts, cluster, peer.selector) => Ended::Removed,
        () = renew => Ended::Renew,
    };
    tunnel.close(match ended {
        Ended::Removed => CloseCode::Refused,
        _ => CloseCode::Done,
    });
    ended
}

/// Half of what is left of the SVIDs that the tunnel stands on (P-7, P-9).
fn until_renewal(expires: SystemTime, now: SystemTime) -> Duration {
    (expires.duration_since(now).unwrap_or_default() / 2).max(SHORTEST_LINK)
}

fn closed(cluster: &ClusterName, reason: &CloseReason) -> Ended {
    match reason {
        CloseReason::There(Some(CloseCode::Refused)) => Ended::Broken {
            reason: format!(
                "{cluster} closed the link and refuses this cluster: it was removed there, or its bundle is not trusted any more"
            ),
            refused: true,
        },
        other => Ended::broken(other),
    }
}

/// Follows the peer's catalog.
async fn follow(
    parts: &Arc<Parts>,
    cluster: &ClusterName,
    peer: &Peer,
    tunnel: &Tunnel,
    highest: &mut Highest,
) -> Ended {
    let channel = match tunnel::rpc::connect(tunnel).await {
        Ok(channel) => channel,
        Err(error) => return Ended::broken(error),
    };
    let mut client = FederationClient::new(channel).max_decoding_message_size(wire::CATALOG_BYTES);
    let request = v1::CatalogRequest {
        version: CATALOG_VERSION,
        cluster: parts.cluster().to_string(),
        bundle: parts.compiled.borrow().own_bundle().map(v1::Bundle::from),
        gateways: parts.gateways().iter().map(ToString::to_string).collect(),
    };
    let mut catalogs = match client.follow_catalog(request).await {
        Ok(response) => response.into_inner(),
        Err(status) => return refused_call(cluster, &status),
    };
    parts
        .contacts
        .up(cluster, tunnel.stats().rtt, Instant::now());
    tracing::info!(peer = %cluster, "the link is up");
    loop {
        let catalog = match tokio::time::timeout(SILENCE, catalogs.message()).await {
            Err(_) => {
                return Ended::broken(format!(
                    "nothing came on the link for {} s",
                    SILENCE.as_secs()
                ));
            }
            Ok(Ok(Some(catalog))) => catalog,
            Ok(Ok(None)) => return Ended::broken(format!("{cluster} ended its catalog")),
            Ok(Err(status)) => return refused_call(cluster, &status),
        };
        if let Err(ended) = sync::take(parts, cluster, peer, catalog, highest).await {
            return ended;
        }
        parts
            .contacts
            .up(cluster, tunnel.stats().rtt, Instant::now());
    }
}

fn refused_call(cluster: &ClusterName, status: &tonic::Status) -> Ended {
    let said = status.message();
    match status.code() {
        tonic::Code::PermissionDenied | tonic::Code::Unauthenticated => Ended::Broken {
            reason: format!("{cluster} refuses this cluster: {said}"),
            refused: true,
        },
        tonic::Code::OutOfRange => {
            Ended::Suspended(format!("{cluster}'s catalog is over the limit: {said}"))
        }
        _ => Ended::broken(format!("{cluster} answered: {said}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn svids_that_are_about_to_end_are_no_reason_to_dial_without_pause() {
        let now = SystemTime::now();
        let left = |seconds| until_renewal(now + Duration::from_secs(seconds), now);
        assert_eq!(left(600), Duration::from_secs(300));
        assert_eq!(left(0), SHORTEST_LINK);
        assert_eq!(
            until_renewal(now - Duration::from_secs(60), now),
            SHORTEST_LINK
        );
    }

    #[test]
    fn pauses_are_jittered_and_never_longer_than_two_seconds() {
        assert!(pause(0, 0.999) <= FIRST_PAUSE);
        assert_eq!(pause(5, 0.0), Duration::ZERO);
        for attempt in 0..100 {
            assert!(pause(attempt, 0.999_999) <= LONGEST_PAUSE);
        }
    }
}
