//! What is served here, to whom, under which names: a View, indexed for the questions that each request asks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use protocol::authorization::Policy;
use protocol::name::{MeshHost, ServiceName, SpiffeId, TrustDomain};
use protocol::view::View;

/// A View as the inbound half reads it.
#[derive(Debug)]
pub(super) struct Served {
    pub(super) trust_domain: TrustDomain,
    pub(super) policies: Vec<Policy>,
    /// Server name → what is shown, and to callers of which trust domain.
    names: BTreeMap<String, (SpiffeId, TrustDomain)>,
    /// What each trust domain's callers may know of.
    offers: BTreeSet<(ServiceName, SpiffeId, TrustDomain)>,
    /// What is shown to callers of which trust domain, whatever the name.
    shows: BTreeSet<(SpiffeId, TrustDomain)>,
    labels: BTreeMap<ServiceName, Arc<str>>,
    /// Whose callers may be here at all, and what their cluster is called.
    callers: BTreeMap<TrustDomain, Arc<str>>,
}

impl Served {
    pub(super) fn of(view: &View) -> Self {
        let own = (view.trust_domain.clone(), view.cluster.to_string().into());
        let peers = view
            .peers
            .values()
            .map(|route| (route.trust_domain.clone(), route.peer.to_string().into()));
        let bundled = view.bundles.iter().map(|bundle| {
            (
                bundle.trust_domain.clone(),
                bundle.trust_domain.to_string().into(),
            )
        });
        Self {
            trust_domain: view.trust_domain.clone(),
            policies: view.policies.clone(),
            names: view
                .server_names
                .iter()
                .map(|name| {
                    (
                        name.name.to_ascii_lowercase(),
                        (name.spiffe_id.clone(), name.trust_domain.clone()),
                    )
                })
                .collect(),
            offers: view
                .server_names
                .iter()
                .map(|name| {
                    (
                        name.service.clone(),
                        name.spiffe_id.clone(),
                        name.trust_domain.clone(),
                    )
                })
                .collect(),
            shows: view
                .server_names
                .iter()
                .map(|name| (name.spiffe_id.clone(), name.trust_domain.clone()))
                .collect(),
            labels: view
                .server_names
                .iter()
                .map(|name| (name.service.clone(), name.service.to_string().into()))
                .collect(),
            callers: bundled.chain(peers).chain([own]).collect(),
        }
    }

    /// The identity that a server name stands for, if it was given to this trust domain; and the caller's cluster.
    pub(super) fn shown(
        &self,
        server_name: &str,
        caller: &TrustDomain,
    ) -> Option<(SpiffeId, Arc<str>)> {
        let cluster = self.callers.get(caller)?;
        let shown = match self.names.get(&server_name.to_ascii_lowercase()) {
            Some((shown, given_to)) => (given_to == caller).then_some(shown),
            None => self.shown_in_clear(server_name, caller),
        };
        Some((shown?.clone(), Arc::clone(cluster)))
    }

    /// The identity that serves what a clear name means, if callers of this trust domain may know of it. The doors that take no such
    /// names have shown no certificate for one.
    fn shown_in_clear(&self, server_name: &str, caller: &TrustDomain) -> Option<&SpiffeId> {
        let named = MeshHost::parse(server_name)?.service;
        let mut offers = self.offers.iter();
        let offer = offers.find(|(service, _, given_to)| *service == named && given_to == caller);
        offer.map(|(_, shown, _)| shown)
    }

    /// The service's name for metrics, if this identity offers it to callers of that trust domain.
    pub(super) fn offers(
        &self,
        service: &ServiceName,
        shown: &SpiffeId,
        caller: &TrustDomain,
    ) -> Option<Arc<str>> {
        let key = (service.clone(), shown.clone(), caller.clone());
        self.offers
            .contains(&key)
            .then(|| self.labels.get(service).cloned())
            .flatten()
    }

    /// Whether this identity still serves callers of that trust domain at all.
    pub(super) fn shows(&self, shown: &SpiffeId, caller: &TrustDomain) -> bool {
        self.shows.contains(&(shown.clone(), caller.clone()))
    }

    /// Whether some identity here serves it.
    pub(super) fn knows(&self, service: &ServiceName) -> bool {
        self.labels.contains_key(service)
    }

    /// Whether callers of this trust domain may be here at all.
    pub(super) fn expects(&self, caller: &TrustDomain) -> bool {
        self.callers.contains_key(caller)
    }
}
