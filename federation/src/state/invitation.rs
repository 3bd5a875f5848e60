//! Invitations: what lets one named cluster become a peer, once (P-18).

use protocol::cid::Selector;
use protocol::name::{ClusterName, TrustDomain};
use serde::{Deserialize, Serialize};

use super::{Outcome, PeerRecord, Refusal, State, UnixSeconds};

/// What is kept of an invitation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Invitation {
    /// What people call it by.
    pub id: String,
    /// The only cluster that may use it.
    pub cluster: ClusterName,
    /// The only trust domain that may use it, if the inviter named one.
    #[serde(default)]
    pub trust_domain: Option<TrustDomain>,
    /// Refused from then on.
    pub expires_at: UnixSeconds,
    /// The selector of the capability in it.
    pub selector: Selector,
    /// Whether it was used.
    pub redeemed: bool,
}

impl State {
    /// Keeps an invitation; another one for the same cluster that nobody used yet is replaced.
    pub(super) fn put_invitation(&mut self, hash: String, invitation: Invitation) -> Outcome {
        if Some(&invitation.cluster) == self.cluster() {
            return Outcome::Refused(Refusal::Oneself);
        }
        if self.peers.contains_key(&invitation.cluster) {
            return Outcome::Refused(Refusal::PeerExists {
                cluster: invitation.cluster,
            });
        }
        if self.invitations.contains_key(&hash) {
            return Outcome::Refused(Refusal::Clash);
        }
        let allowed = self.joining(invitation.selector, invitation.expires_at);
        if let Err(refusal) = self.claim_selector(allowed) {
            return Outcome::Refused(refusal);
        }
        self.forget_invitations(|kept| kept.cluster == invitation.cluster && !kept.redeemed);
        self.invitations.insert(hash, invitation);
        Outcome::Done
    }

    /// Makes the cluster that shows the secret a peer: of many uses the one applied first has won. The selector stays until the
    /// invitation expires, so that a second use is told so and doesn't just find the door shut.
    pub(super) fn redeem_invitation(
        &mut self,
        hash: &str,
        now: UnixSeconds,
        peer: PeerRecord,
    ) -> Outcome {
        match self.invitations.get(hash) {
            None => return Outcome::Refused(Refusal::UnknownSecret),
            Some(invitation) if invitation.redeemed => return Outcome::Refused(Refusal::Used),
            Some(invitation) if now >= invitation.expires_at => {
                return Outcome::Refused(Refusal::Expired {
                    at: invitation.expires_at,
                });
            }
            Some(invitation) if invitation.cluster != peer.cluster => {
                return Outcome::Refused(Refusal::WrongCluster {
                    wanted: invitation.cluster.clone(),
                    got: peer.cluster,
                });
            }
            Some(invitation) => {
                let got = &peer.peer.trust_domain;
                if let Some(wanted) = invitation.trust_domain.as_ref().filter(|td| *td != got) {
                    return Outcome::Refused(Refusal::WrongTrustDomain {
                        wanted: wanted.clone(),
                        got: got.clone(),
                    });
                }
            }
        }
        let outcome = self.put_peer(peer);
        if outcome.is_refused() {
            return outcome;
        }
        if let Some(invitation) = self.invitations.get_mut(hash) {
            invitation.redeemed = true;
        }
        outcome
    }

    /// Drops invitations, with their selectors.
    pub(super) fn forget_invitations(&mut self, which: impl Fn(&Invitation) -> bool) {
        let selectors = &mut self.selectors;
        self.invitations.retain(|_, invitation| {
            let forget = which(invitation);
            if forget {
                selectors.remove(&invitation.selector);
            }
            !forget
        });
    }
}
