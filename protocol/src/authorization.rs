//! Who may call: `decide` looks at the policies, the proven caller and the request, and says yes or no and why (P-12).
//!
//! ```text
//! any DENY that matches, or can't tell      → denied, by it
//! no ALLOW covers the service               → allowed inside the trust domain, denied across
//! an ALLOW that covers it matches           → allowed, by it
//! otherwise                                 → denied, by the first ALLOW that covers it
//! ```

mod policy;
mod principal;

pub use policy::{Action, Policy, Rule};
pub use principal::Principal;

use crate::name::{ServiceName, SpiffeId};
use policy::Match;

/// Why a call passes when no ALLOW covers the service: both ends are of one trust domain.
pub const DEFAULT_ALLOW: &str = "default-allow-in-trust-domain";
/// Why a call fails when no policy says anything.
pub const DEFAULT_DENY: &str = "default-deny";

/// Who calls, as the tunnel has proven it.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// Its identity.
    pub id: &'a SpiffeId,
    /// Whether that is of the destination's own trust domain.
    pub same_trust_domain: bool,
}

/// What is asked for, byte for byte as it will be forwarded (P-13).
#[derive(Debug, Clone, Copy)]
pub struct RequestFacts<'a> {
    /// The service that is called.
    pub service: &'a ServiceName,
    /// The method; its case matters.
    pub method: &'a str,
    /// The path; a query, if there is one, is not looked at.
    pub path: &'a str,
}

/// What a policy's rules look at.
#[derive(Debug, Clone, Copy)]
enum Asked<'a> {
    Request(&'a RequestFacts<'a>),
    /// A connection or session whose bytes nobody looks at.
    Opaque(&'a ServiceName),
}

impl Asked<'_> {
    fn service(&self) -> &ServiceName {
        match self {
            Self::Request(request) => request.service,
            Self::Opaque(service) => service,
        }
    }
}

/// The verdict, and what brought it about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Whether the request may go on to the app.
    pub allowed: bool,
    /// `namespace/name` of the policy that decided, [`DEFAULT_ALLOW`] or [`DEFAULT_DENY`].
    pub policy: Option<String>,
}

/// Decides whether `caller` may send `request`. The order of `policies` doesn't matter to the verdict.
pub fn decide(policies: &[Policy], caller: &Caller<'_>, request: &RequestFacts<'_>) -> Decision {
    verdict(policies, caller, &Asked::Request(request))
}

/// Decides whether `caller` may open a TCP connection to, or a UDP session with, `service`. A rule about methods or paths can't be
/// decided for these: it lets nothing through, and as DENY keeps everything out.
pub fn decide_opaque(policies: &[Policy], caller: &Caller<'_>, service: &ServiceName) -> Decision {
    verdict(policies, caller, &Asked::Opaque(service))
}

fn verdict(policies: &[Policy], caller: &Caller<'_>, asked: &Asked<'_>) -> Decision {
    let covering = |action| {
        policies
            .iter()
            .filter(move |p| p.action == action && p.covers(asked.service()))
    };
    if let Some(deny) = covering(Action::Deny).find(|p| p.matches(caller, asked) != Match::No) {
        return decided(false, deny);
    }
    if let Some(allow) = covering(Action::Allow).find(|p| p.matches(caller, asked) == Match::Yes) {
        return decided(true, allow);
    }
    if let Some(allow) = covering(Action::Allow).next() {
        return decided(false, allow);
    }
    let default = if caller.same_trust_domain {
        DEFAULT_ALLOW
    } else {
        DEFAULT_DENY
    };
    Decision {
        allowed: caller.same_trust_domain,
        policy: Some(default.to_owned()),
    }
}

fn decided(allowed: bool, by: &Policy) -> Decision {
    Decision {
        allowed,
        policy: Some(by.display_name()),
    }
}

#[cfg(test)]
mod tests;
