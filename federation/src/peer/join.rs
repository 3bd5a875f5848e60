//! Two clusters become peers: one follows an invitation ([`join`]), the other one lets it in ([`accept`]).

use identity::tls::Expect;
use protocol::cid::{Capability, Handle, Selector};
use protocol::invitation::Invitation;
use protocol::name::{ClusterName, SpiffeId};
use protocol::view::BundleData;
use protocol::wire::{InvalidMessage, v1};
use tonic::Status;
use tunnel::rpc::v1::enrolment_client::EnrolmentClient;
use tunnel::{Alpn, CloseCode};

use super::dial::{self, Route, RouteError};
use super::sync::BUNDLE_LEASE_SECONDS;
use crate::api::answer;
use crate::catalog::import;
use crate::controller::{Parts, unix_now};
use crate::enrol;
use crate::state::{
    BundleRecord, Change, Der, Outcome, Peer, PeerRecord, Refusal, State, WITHOUT_END,
};
use crate::store::ProposeError;

/// The version of joining that this software speaks.
const JOIN_VERSION: u32 = 1;

/// Why a cluster didn't join.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JoinError {
    #[error("the invitation of {cluster} has expired")]
    Expired { cluster: ClusterName },
    #[error("the invitation of {inviter} is for the cluster {peer}, and this one is {cluster}")]
    ForAnother {
        inviter: ClusterName,
        peer: ClusterName,
        cluster: ClusterName,
    },
    #[error("this cluster advertises no gateway, so that {inviter} could not reach it")]
    NoGateway { inviter: ClusterName },
    #[error("this cluster is not founded yet")]
    NotFounded,
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("{inviter} was not reached {source}")]
    Unreachable {
        inviter: ClusterName,
        source: Box<RouteError>,
    },
    #[error("{inviter} refused: {}", .status.message())]
    Declined {
        inviter: ClusterName,
        status: Box<Status>,
    },
    #[error("{inviter} answered with something that is no reply: {source}")]
    Reply {
        inviter: ClusterName,
        source: InvalidMessage,
    },
    #[error(
        "{inviter} answered with a bundle that is not the one whose digest is in the invitation"
    )]
    Bundle { inviter: ClusterName },
    #[error(transparent)]
    Propose(#[from] ProposeError),
}

/// Checks what can be checked before anybody is dialed.
pub(crate) fn check(parts: &Parts, invitation: &Invitation) -> Result<(), JoinError> {
    let inviter = invitation.cluster.clone();
    if invitation.expired(unix_now()) {
        return Err(JoinError::Expired { cluster: inviter });
    }
    parts
        .state()
        .check_peer_is_new(&invitation.cluster, &invitation.trust_domain)?;
    if &invitation.peer != parts.cluster() {
        return Err(JoinError::ForAnother {
            inviter,
            peer: invitation.peer.clone(),
            cluster: parts.cluster().clone(),
        });
    }
    if parts.gateways().is_empty() {
        return Err(JoinError::NoGateway { inviter });
    }
    Ok(())
}

/// Follows an invitation: dials the inviter, shows the secret, and keeps what comes back.
pub(crate) async fn join(parts: &Parts, invitation: &Invitation) -> Result<u64, JoinError> {
    check(parts, invitation)?;
    let state = parts.state();
    let keys = state.routing_keys.as_ref().ok_or(JoinError::NotFounded)?;
    let selector = free_selector(&state);
    let request = v1::RedeemRequest {
        version: JOIN_VERSION,
        secret: invitation.secret.expose().to_vec(),
        cluster: parts.cluster().to_string(),
        bundle: enrol::own_bundle(&state).as_ref().map(v1::Bundle::from),
        gateways: parts.gateways().iter().map(ToString::to_string).collect(),
        capability: Some((&keys.capability(selector, WITHOUT_END)).into()),
        controller_handle: parts.handle.into(),
    };
    let reply = redeem(parts, invitation, request).await?;
    let record = inviter(invitation, selector, reply)?;
    match parts.store.propose(Change::PutPeer(record)).await? {
        Outcome::Refused(refusal) => Err(refusal.into()),
        _ => Ok(parts.state().version),
    }
}

/// A selector that nobody has here. It is shown to the inviter before it is kept, so it can't be drawn again on a clash.
fn free_selector(state: &State) -> Selector {
    loop {
        let drawn = Selector::from_random(rand::random());
        if drawn.number() != 0 && !state.selectors.contains_key(&drawn) {
            return drawn;
        }
    }
}

async fn redeem(
    parts: &Parts,
    invitation: &Invitation,
    request: v1::RedeemRequest,
) -> Result<v1::RedeemReply, JoinError> {
    let inviter = &invitation.cluster;
    let id = SpiffeId::controller(&invitation.trust_domain);
    let route = Route {
        gateways: &invitation.gateways,
        capability: &invitation.capability,
        handle: invitation.controller_handle,
        server_name: tunnel::JOIN_NAME,
        source: None,
        expect: Expect::RootDigest {
            digest: invitation.root_digest,
            id,
        },
        alpn: Alpn::Enrol,
    };
    let unreachable = |source| JoinError::Unreachable {
        inviter: inviter.clone(),
        source: Box::new(source),
    };
    let declined = |status| JoinError::Declined {
        inviter: inviter.clone(),
        status: Box::new(status),
    };
    let tunnel = dial::through_gateways(parts, &route, 0)
        .await
        .map_err(unreachable)?;
    let channel = tunnel::rpc::connect(&tunnel)
        .await
        .map_err(|error| declined(Status::unavailable(error.to_string())))?;
    let reply = EnrolmentClient::new(channel).redeem(request).await;
    tunnel.close(CloseCode::Done);
    reply.map(tonic::Response::into_inner).map_err(declined)
}

/// Makes the inviter a peer out of its reply; its roots must hold the one that the invitation named.
fn inviter(
    invitation: &Invitation,
    selector: Selector,
    reply: v1::RedeemReply,
) -> Result<PeerRecord, JoinError> {
    let inviter = &invitation.cluster;
    let invalid = |source| JoinError::Reply {
        inviter: inviter.clone(),
        source,
    };
    let bundle = BundleData::try_from(reply.bundle.unwrap_or_default()).map_err(invalid)?;
    let is_told = |root: &Vec<u8>| {
        identity::Bundle::digest_of(&root.clone().into()) == invitation.root_digest
    };
    if bundle.trust_domain != invitation.trust_domain || !bundle.roots.iter().any(is_told) {
        return Err(JoinError::Bundle {
            inviter: inviter.clone(),
        });
    }
    let given = Given {
        gateways: reply.gateways,
        capability: reply.capability,
        controller_handle: reply.controller_handle,
    };
    record(inviter.clone(), bundle, given, selector).map_err(invalid)
}

/// What each side gives the other one to be reached by.
struct Given {
    gateways: Vec<String>,
    capability: Option<v1::Capability>,
    controller_handle: u32,
}

fn record(
    cluster: ClusterName,
    bundle: BundleData,
    given: Given,
    selector: Selector,
) -> Result<PeerRecord, InvalidMessage> {
    let gateways = import::gateways(&given.gateways)?;
    if gateways.is_empty() {
        return Err(InvalidMessage::new("gateways", "there is none"));
    }
    let capability = given
        .capability
        .ok_or_else(|| InvalidMessage::new("capability", "it is missing"))?;
    let handle = Handle::try_from(given.controller_handle)
        .map_err(|error| InvalidMessage::new("controller_handle", error))?;
    let now = unix_now();
    let peer = Peer {
        trust_domain: bundle.trust_domain,
        gateways,
        capability: Capability::try_from(capability)?,
        controller_handle: handle,
        selector,
        since: now,
    };
    let bundle = BundleRecord {
        sequence: bundle.sequence,
        roots: bundle.roots.into_iter().map(Der).collect(),
        valid_until: Some(now + BUNDLE_LEASE_SECONDS),
    };
    Ok(PeerRecord {
        cluster,
        peer,
        bundle,
    })
}

/// Lets a cluster in that shows an invitation's secret: of many uses exactly one wins (P-18).
pub(crate) async fn accept(
    parts: &Parts,
    request: v1::RedeemRequest,
) -> Result<v1::RedeemReply, Status> {
    if request.version != JOIN_VERSION {
        return Err(Status::failed_precondition(format!(
            "joining of version {} is not known here",
            request.version
        )));
    }
    let cluster = ClusterName::parse(&request.cluster)
        .map_err(|error| Status::invalid_argument(error.to_string()))?;
    let invalid = |error: InvalidMessage| Status::invalid_argument(error.to_string());
    let bundle = BundleData::try_from(request.bundle.unwrap_or_default()).map_err(invalid)?;
    if bundle.roots.is_empty() {
        return Err(Status::invalid_argument(
            "the bundle has no root, so that nobody from there would be trusted",
        ));
    }
    let given = Given {
        gateways: request.gateways,
        capability: request.capability,
        controller_handle: request.controller_handle,
    };
    let joiner =
        record(cluster.clone(), bundle, given, Selector::from_random(0)).map_err(invalid)?;
    let hash = enrol::hash(&request.secret);
    let mut selector = joiner.peer.selector;
    let redeem = || {
        selector = Selector::from_random(rand::random());
        let peer = PeerRecord {
            peer: Peer {
                selector,
                ..joiner.peer.clone()
            },
            ..joiner.clone()
        };
        Change::RedeemInvitation {
            hash: hash.clone(),
            now: unix_now(),
            peer,
        }
    };
    let outcome = parts
        .store
        .propose_drawn(redeem)
        .await
        .map_err(|error| answer::unavailable(&error))?;
    if let Outcome::Refused(refusal) = outcome {
        tracing::warn!(%cluster, %refusal, "an invitation was refused");
        return Err(answer::refused(
            format!("{cluster} cannot join {}: {refusal}", parts.cluster()),
            format!("weft peer invite {cluster}  (on {})", parts.cluster()),
        ));
    }
    let state = parts.state();
    crate::audit::record(
        "peer join",
        &format!("{cluster}, by invitation"),
        joiner.peer.trust_domain.as_ref(),
        state.version,
    );
    let keys = state
        .routing_keys
        .as_ref()
        .ok_or_else(|| Status::unavailable("the cluster is not founded yet"))?;
    Ok(v1::RedeemReply {
        cluster: parts.cluster().to_string(),
        bundle: enrol::own_bundle(&state).as_ref().map(v1::Bundle::from),
        gateways: parts.gateways().iter().map(ToString::to_string).collect(),
        capability: Some((&keys.capability(selector, WITHOUT_END)).into()),
        controller_handle: parts.handle.into(),
    })
}
