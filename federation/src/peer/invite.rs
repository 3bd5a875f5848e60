//! Mints an invitation: the secret goes into the line, only its hash into the state (P-18).

use protocol::cid::Selector;
use protocol::invitation::{Invitation, Secret, phrase};
use protocol::name::{ClusterName, TrustDomain};

use crate::controller::{Parts, unix_now};
use crate::enrol;
use crate::state::{self, Change, Outcome, Refusal, UnixSeconds};
use crate::store::ProposeError;

/// What the inviter's user gets.
pub(crate) struct Minted {
    pub(crate) invitation: Invitation,
    pub(crate) id: String,
    pub(crate) phrase: String,
}

/// Why there is no invitation.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InviteError {
    #[error("this cluster advertises no gateway, so that nobody could follow an invitation")]
    NoGateway,
    #[error("this cluster is not founded yet")]
    NotFounded,
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Propose(#[from] ProposeError),
}

/// Mints an invitation for one cluster, and if one is named for one trust domain.
pub(crate) async fn mint(
    parts: &Parts,
    cluster: &ClusterName,
    trust_domain: Option<&TrustDomain>,
    lifetime: UnixSeconds,
) -> Result<Minted, InviteError> {
    if parts.gateways().is_empty() {
        return Err(InviteError::NoGateway);
    }
    let keys = parts
        .state()
        .routing_keys
        .clone()
        .ok_or(InviteError::NotFounded)?;
    let secret = Secret::new(rand::random());
    let id = data_encoding::HEXLOWER.encode(&rand::random::<[u8; 4]>());
    let expires_at = unix_now().saturating_add(lifetime);
    let mut selector = Selector::from_random(rand::random());
    let draw = || {
        selector = Selector::from_random(rand::random());
        let invitation = state::Invitation {
            id: id.clone(),
            cluster: cluster.clone(),
            trust_domain: trust_domain.cloned(),
            expires_at,
            selector,
            redeemed: false,
        };
        Change::PutInvitation {
            hash: enrol::hash(secret.expose()),
            invitation,
        }
    };
    if let Outcome::Refused(refusal) = parts.store.propose_drawn(draw).await? {
        return Err(refusal.into());
    }
    let root_digest = parts.authority.root().digest();
    let invitation = Invitation {
        cluster: parts.cluster().clone(),
        trust_domain: parts.trust_domain().clone(),
        gateways: parts.gateways().to_vec(),
        capability: keys.capability(selector, expires_at),
        controller_handle: parts.handle,
        root_digest,
        secret,
        peer: cluster.clone(),
        expires_at,
    };
    Ok(Minted {
        invitation,
        id,
        phrase: phrase(&root_digest),
    })
}
