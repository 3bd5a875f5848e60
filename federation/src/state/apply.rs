//! `State::apply`: one arm for each change; the steps are with the nouns they change.

use protocol::cid::{AllowedSelector, RoutingKey, RoutingKeys};

use super::{BundleRecord, Change, Founding, Outcome, Refusal, State, UnixSeconds, WITHOUT_END};

/// How long a used or expired token or invitation is remembered, so that a late use is told what happened to it.
const REMEMBER_SECONDS: UnixSeconds = 24 * 3600;

impl State {
    /// Applies one change whole, or refuses it and changes nothing. The version grows if anything was altered.
    pub fn apply(&mut self, change: Change) -> Outcome {
        let outcome = self.carry_out(change);
        if outcome.alters() {
            self.version += 1;
        }
        outcome
    }

    fn carry_out(&mut self, change: Change) -> Outcome {
        match change {
            Change::Found {
                founding,
                routing_key,
                bundle,
            } => self.found(founding, routing_key, bundle),
            Change::Start {
                host,
                handle,
                address,
            } => self.start(host, handle, address),
            Change::PutHost {
                host,
                address,
                locality,
            } => self.put_host(&host, address, locality),
            Change::PutToken { hash, token } => self.put_token(hash, token),
            Change::RedeemToken(attempt) => self.redeem_token(attempt),
            Change::PutInvitation { hash, invitation } => self.put_invitation(hash, invitation),
            Change::RedeemInvitation { hash, now, peer } => {
                self.redeem_invitation(&hash, now, peer)
            }
            Change::PutPeer(record) => self.put_peer(record),
            Change::UpdatePeer(news) => self.update_peer(news),
            Change::RemovePeer { cluster } => self.remove_peer(&cluster),
            Change::PutImports { cluster, imports } => self.put_imports(&cluster, imports),
            Change::DropImports { cluster } => self.drop_imports(&cluster),
            Change::PutResources { resources } => self.put_resources(resources),
            Change::DeleteResource { key } => self.delete_resource(&key),
            Change::Prune { now } => self.prune(now),
            Change::Tick => Outcome::Done,
        }
    }

    fn found(
        &mut self,
        founding: Founding,
        routing_key: RoutingKey,
        bundle: BundleRecord,
    ) -> Outcome {
        if let Some(existing) = &self.founding {
            return Outcome::Refused(Refusal::Founded {
                cluster: existing.cluster.clone(),
            });
        }
        let Ok(routing_keys) = RoutingKeys::new(vec![routing_key]) else {
            return Outcome::Refused(Refusal::NoSealingKey);
        };
        let allowed = AllowedSelector {
            selector: founding.local_selector,
            peer: None,
            not_after: WITHOUT_END,
            only_handle: None,
        };
        if let Err(refusal) = self.claim_selector(allowed) {
            return Outcome::Refused(refusal);
        }
        self.routing_keys = Some(routing_keys);
        self.bundles.insert(founding.trust_domain.clone(), bundle);
        self.founding = Some(founding);
        Outcome::Done
    }

    /// Whether [`Change::Prune`] would find something to forget.
    pub fn has_expired(&self, now: UnixSeconds) -> bool {
        self.tokens
            .values()
            .any(|token| token.expires_at.saturating_add(REMEMBER_SECONDS) <= now)
            || self
                .invitations
                .values()
                .any(|invitation| invitation.expires_at.saturating_add(REMEMBER_SECONDS) <= now)
    }

    fn prune(&mut self, now: UnixSeconds) -> Outcome {
        if !self.has_expired(now) {
            return Outcome::Unchanged;
        }
        let selectors = &mut self.selectors;
        self.tokens.retain(|_, token| {
            let keep = token.expires_at.saturating_add(REMEMBER_SECONDS) > now;
            if !keep {
                selectors.remove(&token.selector);
            }
            keep
        });
        self.forget_invitations(|invitation| {
            invitation.expires_at.saturating_add(REMEMBER_SECONDS) <= now
        });
        Outcome::Done
    }
}
