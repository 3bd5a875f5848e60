//! Peers: invite, join, list, remove.

use std::time::{Duration, UNIX_EPOCH};

use data_encoding::HEXLOWER;
use protocol::invitation::{Invitation, phrase};
use protocol::name::{ClusterName, TrustDomain};
use protocol::wire::v1;
use tokio::time::Instant;
use tonic::Status;

use super::answer;
use super::hosts::lifetime;
use crate::audit;
use crate::controller::Parts;
use crate::peer::LinkState;
use crate::peer::invite::{self, InviteError};
use crate::peer::join::{self, JoinError};
use crate::peer::remove::{self, RemoveError};
use crate::push::acknowledged;
use crate::state::{Refusal, UnixSeconds};

const INVITATION_LIFETIME: UnixSeconds = 15 * 60;

/// Mints an invitation.
pub(super) async fn invite(
    parts: &Parts,
    request: v1::InvitePeerRequest,
) -> Result<v1::InvitePeerReply, Status> {
    let cluster = cluster_name(&request.cluster)?;
    let lifetime = lifetime(request.expires_seconds, INVITATION_LIFETIME)?;
    let trust_domain = match request.trust_domain.as_str() {
        "" => None,
        text => Some(TrustDomain::parse(text).map_err(|error| {
            answer::invalid(
                error,
                format!("weft peer invite {cluster} --trust-domain {cluster}.example"),
            )
        })?),
    };
    let minted = invite::mint(parts, &cluster, trust_domain.as_ref(), lifetime)
        .await
        .map_err(|error| invite_status(&cluster, error))?;
    audit::record(
        "peer invite",
        "api",
        &format!("{cluster}, invitation {}", minted.id),
        parts.state().version,
    );
    let expires_at = minted.invitation.expires_at;
    Ok(v1::InvitePeerReply {
        invitation: minted.invitation.to_string(),
        id: minted.id,
        expires_at,
        phrase: minted.phrase,
    })
}

fn invite_status(cluster: &ClusterName, error: InviteError) -> Status {
    match error {
        InviteError::NoGateway => answer::refused(
            error,
            "start the controller with --advertise HOST:PORT of its gateway",
        ),
        InviteError::NotFounded => Status::unavailable(error.to_string()),
        InviteError::Refused(Refusal::Oneself) => answer::refused(
            format!("{cluster} is this cluster itself"),
            "weft peer invite NAME-OF-THE-OTHER-CLUSTER",
        ),
        InviteError::Refused(refusal) => {
            answer::refused(refusal, format!("weft peer remove {cluster}"))
        }
        InviteError::Propose(error) => answer::unavailable(&error),
    }
}

/// Follows an invitation, or with `dry_run` shows what is in it.
pub(super) async fn join(
    parts: &Parts,
    request: v1::JoinPeerRequest,
) -> Result<v1::JoinPeerReply, Status> {
    let invitation = Invitation::parse(request.invitation.trim()).map_err(|error| {
        answer::invalid(
            format!("the invitation cannot be read: {error}"),
            "copy the whole line again",
        )
    })?;
    let version = if request.dry_run {
        join::check(parts, &invitation).map(|()| parts.state().version)
    } else {
        join::join(parts, &invitation).await
    };
    let version = version.map_err(|error| join_status(parts, &invitation, error))?;
    if !request.dry_run {
        audit::record(
            "peer join",
            "api",
            &format!("{} of {}", invitation.cluster, invitation.trust_domain),
            version,
        );
    }
    Ok(v1::JoinPeerReply {
        cluster: invitation.cluster.to_string(),
        trust_domain: invitation.trust_domain.to_string(),
        root_digest: HEXLOWER.encode(&invitation.root_digest),
        phrase: phrase(&invitation.root_digest),
        gateways: invitation
            .gateways
            .iter()
            .map(ToString::to_string)
            .collect(),
        version,
    })
}

fn join_status(parts: &Parts, invitation: &Invitation, error: JoinError) -> Status {
    let invite = format!(
        "weft peer invite {}  (on {})",
        parts.cluster(),
        invitation.cluster
    );
    match &error {
        JoinError::Declined { status, .. } => {
            let first = status.message().lines().next().unwrap_or_default();
            answer::refused(
                format!("{} refused the invitation: {first}", invitation.cluster),
                invite,
            )
        }
        JoinError::Unreachable { .. } => answer::with_hint(
            tonic::Code::Unavailable,
            format!("{error}; the invitation was not used up"),
            format!(
                "check that UDP to {} gets through, then join again",
                join_list(invitation)
            ),
        ),
        JoinError::Refused(Refusal::PeerExists { cluster }) => {
            answer::refused(&error, format!("weft peer remove {cluster}"))
        }
        JoinError::Propose(error) => answer::unavailable(error),
        JoinError::NotFounded => Status::unavailable(error.to_string()),
        JoinError::NoGateway { .. } => answer::refused(
            &error,
            "start the controller with --advertise HOST:PORT of its gateway",
        ),
        _ => answer::refused(&error, invite),
    }
}

fn join_list(invitation: &Invitation) -> String {
    invitation
        .gateways
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

/// How each peer stands.
pub(super) fn list(parts: &Parts) -> Vec<v1::PeerStatus> {
    let (state, now) = (parts.state(), Instant::now());
    let presences = parts.roster.presences();
    let bundles = parts.compiled.borrow().bundles();
    let status = |(cluster, peer): (&ClusterName, &crate::state::Peer)| {
        let contact = parts.contacts.of(cluster, now);
        let (condition, reason) = contact.condition(now);
        let age = now.saturating_duration_since(contact.heard);
        let reports = presences
            .values()
            .filter(|presence| presence.in_touch)
            .flat_map(|presence| &presence.tunnels);
        let reports: Vec<_> = reports
            .filter(|tunnels| tunnels.peer == cluster.as_str())
            .collect();
        let link_rtt = match contact.link {
            LinkState::Up { rtt } => u64::try_from(rtt.as_micros()).unwrap_or(u64::MAX),
            _ => 0,
        };
        let measured = reports
            .iter()
            .map(|tunnels| tunnels.rtt_micros)
            .filter(|rtt| *rtt > 0)
            .min();
        let root_expiry = bundles
            .get(&peer.trust_domain)
            .and_then(identity::Bundle::earliest_expiry);
        v1::PeerStatus {
            cluster: cluster.to_string(),
            trust_domain: peer.trust_domain.to_string(),
            state: condition.as_str().to_owned(),
            tunnels: reports.iter().map(|tunnels| tunnels.tunnels).sum(),
            rtt_micros: measured.unwrap_or(link_rtt),
            services: state
                .imports
                .get(cluster)
                .map_or(0, |imports| imports.services.len() as u32),
            catalog_age_millis: if contact.ever { millis(age) } else { 0 },
            lease_left_millis: if contact.ever {
                millis(contact.lease.saturating_sub(age))
            } else {
                0
            },
            root_expires_at: root_expiry.map_or(0, unix),
            gateways: peer.gateways.iter().map(ToString::to_string).collect(),
            changed_at: peer.since,
            reason,
        }
    };
    state.peers.iter().map(status).collect()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Seconds since the epoch.
pub(super) fn unix(time: std::time::SystemTime) -> UnixSeconds {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// Removes a peer, and says how many hosts have heard of it.
pub(super) async fn remove(
    parts: &Parts,
    request: v1::RemovePeerRequest,
) -> Result<v1::ChangeReply, Status> {
    let cluster = cluster_name(&request.cluster)?;
    let state = parts.state();
    if !state.peers.contains_key(&cluster) {
        return Err(answer::not_found(
            format!("there is no peer {cluster}"),
            "weft peer list",
        ));
    }
    if request.dry_run {
        let now = acknowledged(parts, state.version, Duration::ZERO).await;
        return Ok(v1::ChangeReply {
            version: state.version,
            outcome: "removed".to_owned(),
            acknowledged: 0,
            nodes: now.hosts,
        });
    }
    let done = remove::remove(parts, &cluster)
        .await
        .map_err(|error| match error {
            RemoveError::Refused(refusal) => answer::not_found(refusal, "weft peer list"),
            RemoveError::Propose(error) => answer::unavailable(&error),
        })?;
    audit::record("peer remove", "api", cluster.as_str(), done.version);
    Ok(v1::ChangeReply {
        version: done.version,
        outcome: "removed".to_owned(),
        acknowledged: done.acknowledged,
        nodes: done.hosts,
    })
}

fn cluster_name(text: &str) -> Result<ClusterName, Status> {
    ClusterName::parse(text).map_err(|error| answer::invalid(error, "weft peer list"))
}
