//! Whom a rule speaks of.

use serde::{Deserialize, Serialize};

use crate::name::{Label, Role, SpiffeId, TrustDomain};

/// Compares whole SPIFFE IDs, or whole parts of them; nothing in it is a pattern (P-12).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Principal {
    /// Exactly this identity.
    Id(SpiffeId),
    /// The workloads of a trust domain, a namespace, a service account; `None` is any.
    Workloads {
        /// Of this trust domain only.
        trust_domain: Option<TrustDomain>,
        /// In this namespace only.
        namespace: Option<Label>,
        /// With this service account only.
        service_account: Option<Label>,
    },
}

impl Principal {
    /// Tells whether it speaks of `id`.
    pub fn matches(&self, id: &SpiffeId) -> bool {
        match self {
            Self::Id(whole) => whole == id,
            Self::Workloads {
                trust_domain,
                namespace,
                service_account,
            } => {
                is_any_or(trust_domain.as_ref(), id.trust_domain())
                    && is_workload_of(namespace.as_ref(), service_account.as_ref(), id)
            }
        }
    }
}

fn is_workload_of(namespace: Option<&Label>, account: Option<&Label>, id: &SpiffeId) -> bool {
    if namespace.is_none() && account.is_none() {
        return true;
    }
    match id.role() {
        Role::Workload {
            namespace: its,
            service_account,
        } => is_any_or(namespace, &its) && is_any_or(account, &service_account),
        Role::Node(_) | Role::Gateway(_) | Role::Controller | Role::Other => false,
    }
}

fn is_any_or<T: PartialEq>(wanted: Option<&T>, actual: &T) -> bool {
    wanted.is_none_or(|wanted| wanted == actual)
}
