//! Who may, and whether there is room: the same answer for what doesn't exist, isn't exported and is denied (P-16).

use http::uri::Authority;
use protocol::authorization::{Caller, RequestFacts, decide};
use protocol::name::ServiceName;
use tunnel::{Refusal, RequestHead};

use super::served::Served;
use super::{Accepting, Inbound, limit};
use crate::http::target;
use crate::observe::Record;

impl Inbound {
    /// Lets an HTTP request in, or not. Who may not, hears no; nobody else learns whether there is anything to refuse.
    pub(super) fn allow(
        &self,
        accepting: &Accepting,
        head: &RequestHead,
        record: &mut Record,
    ) -> Result<limit::Counted, Refusal> {
        let served = self.served.load_full().ok_or(Refusal::Draining)?;
        let path = target::path_of(&head.path);
        let what = RequestFacts {
            service: &head.service,
            method: head.method.as_str(),
            path,
        };
        self.decide(accepting, &served, &what, record)?;
        // P-13: the other node has checked; this one doesn't take its word for it.
        target::check_path(&head.method, path).map_err(|_| Refusal::Malformed)?;
        check_authority(head, &served)?;
        self.take_room(accepting, &served)
    }

    /// What the policies say.
    pub(super) fn decide(
        &self,
        accepting: &Accepting,
        served: &Served,
        what: &RequestFacts<'_>,
        record: &mut Record,
    ) -> Result<(), Refusal> {
        let caller = accepting.tunnel.remote().id();
        // P-16: unknown, not exported and denied are one answer, after one and the same work.
        let known = served.offers(what.service, &accepting.shown, caller.trust_domain());
        let who = Caller {
            id: caller,
            same_trust_domain: *caller.trust_domain() == served.trust_domain,
        };
        let decision = decide(&served.policies, &who, what);
        if let Some(label) = &known {
            record.service(label);
            record.policy(decision.policy);
        } else {
            record.policy(Some("not-offered".to_owned()));
        }
        if known.is_some() && decision.allowed {
            Ok(())
        } else {
            Err(Refusal::Forbidden)
        }
    }

    /// Room among what is under way.
    pub(super) fn take_room(
        &self,
        accepting: &Accepting,
        served: &Served,
    ) -> Result<limit::Counted, Refusal> {
        if self.is_draining() {
            return Err(Refusal::Draining);
        }
        let caller = accepting.tunnel.remote().id().trust_domain();
        let peer = (*caller != served.trust_domain).then_some(caller);
        self.limits.in_flight.admit(peer).ok_or(Refusal::Overloaded)
    }
}

/// What the app reads in `Host` is a host, and none of another service (P-16).
fn check_authority(head: &RequestHead, served: &Served) -> Result<(), Refusal> {
    let authority = Authority::try_from(head.authority.as_str()).map_err(|_| Refusal::Malformed)?;
    let is_known = |service: &ServiceName| served.knows(service);
    if head.authority.contains('@')
        || target::names_another(authority.host(), &head.service, is_known)
    {
        return Err(Refusal::Malformed);
    }
    Ok(())
}
