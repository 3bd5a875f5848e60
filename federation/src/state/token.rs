//! Join tokens: single use, short, bound to a role, stored as a hash (P-18).

use protocol::cid::{Handle, Selector};
use protocol::name::{HostPort, Label, Locality};
use serde::{Deserialize, Serialize};

use super::{Host, HostKey, HostRole, Outcome, Refusal, State, UnixSeconds};

/// What is kept of a join token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Token {
    /// The role that it lets in.
    pub role: HostRole,
    /// The only name that it lets in, and it lets that in again; without one it lets in any name that is new.
    #[serde(default)]
    pub name: Option<Label>,
    /// Refused from then on.
    pub expires_at: UnixSeconds,
    /// The selector of the capability in it.
    pub selector: Selector,
    /// The host that used it.
    pub used_by: Option<Label>,
}

/// A host's attempt to join.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TokenUse {
    /// Hash of the secret shown.
    pub hash: String,
    /// The proposer's clock.
    pub now: UnixSeconds,
    /// Who wants to join, as what.
    pub host: HostKey,
    /// Drawn by the proposer for a name that has none.
    pub handle: Handle,
    /// Where the host is reached.
    pub address: HostPort,
    /// Where it stands.
    pub locality: Locality,
}

impl State {
    pub(super) fn put_token(&mut self, hash: String, token: Token) -> Outcome {
        if self.tokens.contains_key(&hash) {
            return Outcome::Refused(Refusal::Clash);
        }
        let allowed = self.joining(token.selector, token.expires_at);
        if let Err(refusal) = self.claim_selector(allowed) {
            return Outcome::Refused(refusal);
        }
        self.tokens.insert(hash, token);
        Outcome::Done
    }

    /// Lets a host in, once for each token: whoever's change is applied first has won. The selector stays until the token expires, so
    /// that a second use is told so and doesn't just find the door shut.
    pub(super) fn redeem_token(&mut self, attempt: TokenUse) -> Outcome {
        let role = attempt.host.role;
        match self.tokens.get(&attempt.hash) {
            None => return Outcome::Refused(Refusal::UnknownSecret),
            Some(token) if token.used_by.is_some() => return Outcome::Refused(Refusal::Used),
            Some(token) if attempt.now >= token.expires_at => {
                return Outcome::Refused(Refusal::Expired {
                    at: token.expires_at,
                });
            }
            Some(token) if token.role != role => {
                return Outcome::Refused(Refusal::WrongRole {
                    wanted: token.role,
                    got: role,
                });
            }
            Some(token) => {
                if let Err(refusal) = self.check_name(token, &attempt.host) {
                    return Outcome::Refused(refusal);
                }
            }
        }
        let known = self.hosts.get(&attempt.host).map(|host| host.handle);
        let handle = match known {
            Some(handle) => handle,
            None => match self.claim_handle(attempt.handle) {
                Ok(()) => attempt.handle,
                Err(refusal) => return Outcome::Refused(refusal),
            },
        };
        if let Some(token) = self.tokens.get_mut(&attempt.hash) {
            token.used_by = Some(attempt.host.name.clone());
        }
        self.hosts.insert(
            attempt.host,
            Host {
                handle,
                address: attempt.address,
                locality: attempt.locality,
            },
        );
        Outcome::Handle(handle)
    }

    /// A host's place is taken over only with a token that an operator made for its name, so that a token for any new host isn't one for
    /// the identity and the traffic of every old one (P-11, P-18).
    fn check_name(&self, token: &Token, host: &HostKey) -> Result<(), Refusal> {
        match &token.name {
            Some(name) if name != &host.name => Err(Refusal::WrongName {
                wanted: name.clone(),
                got: host.name.clone(),
            }),
            None if self.hosts.contains_key(host) => Err(Refusal::NameTaken {
                host: host.to_string(),
            }),
            _ => Ok(()),
        }
    }

    /// The handle of the first controller there is.
    pub fn controller_handle(&self) -> Option<Handle> {
        self.hosts
            .iter()
            .find(|(key, _)| key.role == HostRole::Controller)
            .map(|(_, host)| host.handle)
    }
}
