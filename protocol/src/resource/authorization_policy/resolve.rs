//! From what an owner writes to what nodes decide by: peers become trust domains.

use super::{AuthorizationPolicy, Caller, PolicyRule, Request};
use crate::{
    authorization::{Policy, Principal, Rule},
    name::{ClusterName, TrustDomain},
};

impl AuthorizationPolicy {
    /// Resolves its peers: `own` is this cluster's trust domain, `peer` tells a peer's.
    ///
    /// A peer that isn't known has no bundle here, so none of its callers gets as far as a policy: it stands for nobody. A rule
    /// whose callers all vanish that way vanishes too, and never comes to mean anybody.
    pub fn resolve(
        &self,
        own: &TrustDomain,
        peer: impl Fn(&ClusterName) -> Option<TrustDomain>,
    ) -> Policy {
        Policy {
            namespace: self.metadata.namespace.clone(),
            name: self.metadata.name.clone(),
            targets: self.targets.clone(),
            action: self.action,
            rules: self
                .rules
                .iter()
                .flat_map(|rule| rule.resolve(own, &peer))
                .collect(),
        }
    }
}

impl PolicyRule {
    /// Makes one rule for each of `to`.
    fn resolve(
        &self,
        own: &TrustDomain,
        peer: impl Fn(&ClusterName) -> Option<TrustDomain>,
    ) -> Vec<Rule> {
        let from: Vec<Principal> = self
            .from
            .iter()
            .filter_map(|caller| caller.resolve(own, &peer))
            .collect();
        if from.is_empty() && !self.from.is_empty() {
            return Vec::new();
        }
        let rule = |to: &Request| Rule {
            from: from.clone(),
            methods: to.methods.clone(),
            paths: to.paths.clone(),
        };
        if self.to.is_empty() {
            vec![rule(&Request::default())]
        } else {
            self.to.iter().map(rule).collect()
        }
    }
}

impl Caller {
    fn resolve(
        &self,
        own: &TrustDomain,
        peer: impl Fn(&ClusterName) -> Option<TrustDomain>,
    ) -> Option<Principal> {
        let (trust_domain, namespace, service_account) = match self {
            Self::Spiffe(id) => return Some(Principal::Id(id.clone())),
            Self::Peer {
                peer: name,
                namespace,
                service_account,
            } => (peer(name)?, namespace, service_account),
            Self::Local {
                namespace,
                service_account,
            } => (own.clone(), namespace, service_account),
        };
        Some(Principal::Workloads {
            trust_domain: Some(trust_domain),
            namespace: namespace.clone(),
            service_account: service_account.clone(),
        })
    }
}
