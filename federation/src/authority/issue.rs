//! Which identities a host may ask for: its own, and those of the workloads that are registered for it (P-11).

use protocol::name::{Role, SpiffeId};
use protocol::resource::Resource;

use crate::state::{HostKey, HostRole, State};

/// The word for the metric of issued SVIDs.
pub(crate) fn kind(id: &SpiffeId) -> &'static str {
    match id.role() {
        Role::Workload { .. } => "workload",
        Role::Node(_) => "node",
        Role::Gateway(_) => "gateway",
        Role::Controller => "controller",
        Role::Other => "other",
    }
}

/// The host that this caller has proven to be, if it is one of this cluster that joined.
pub(crate) fn host_of(state: &State, caller: &SpiffeId) -> Option<HostKey> {
    if Some(caller.trust_domain()) != state.trust_domain() {
        return None;
    }
    let host = match caller.role() {
        Role::Node(name) => HostKey {
            role: HostRole::Node,
            name,
        },
        Role::Gateway(name) => HostKey {
            role: HostRole::Gateway,
            name,
        },
        Role::Workload { .. } | Role::Controller | Role::Other => return None,
    };
    state.hosts.contains_key(&host).then_some(host)
}

/// Whether the cluster's records give this host that identity.
pub(crate) fn may_have(state: &State, host: &HostKey, wanted: &SpiffeId) -> bool {
    let Some(trust_domain) = state.trust_domain() else {
        return false;
    };
    if &host.spiffe_id(trust_domain) == wanted {
        return true;
    }
    host.role == HostRole::Node
        && state
            .resources
            .values()
            .any(|stored| match &stored.resource {
                Resource::Workload(workload) => {
                    workload.node == host.name
                        && &SpiffeId::workload(
                            trust_domain,
                            &workload.metadata.namespace,
                            &workload.service_account,
                        ) == wanted
                }
                _ => false,
            })
}
