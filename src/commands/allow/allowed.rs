//! Whom the policies of a service let in, as far as the verbs need to know.

use protocol::authorization::Action;
use protocol::name::{ClusterName, ServiceName};
use protocol::resource::{AuthorizationPolicy, Caller, Resource};

use crate::api::Api;
use crate::commands::get;
use crate::failure::Failure;

/// The policies that allow something at a service.
pub(crate) async fn policies(
    api: &mut Api,
    service: &ServiceName,
) -> Result<Vec<AuthorizationPolicy>, Failure> {
    let stored = get::fetch(api, "AuthorizationPolicy", service.namespace.as_str(), "").await?;
    Ok(stored
        .iter()
        .filter_map(get::parse)
        .filter_map(|resource| covering(resource, service))
        .collect())
}

fn covering(resource: Resource, service: &ServiceName) -> Option<AuthorizationPolicy> {
    match resource {
        Resource::AuthorizationPolicy(policy)
            if policy.action == Action::Allow && policy.targets.contains(service) =>
        {
            Some(policy)
        }
        _ => None,
    }
}

/// Whether any of a peer's callers may pass. An identity by its full name may be anybody's.
pub(crate) fn lets_in(policies: &[AuthorizationPolicy], peer: &ClusterName) -> bool {
    let names_it = |caller: &Caller| match caller {
        Caller::Peer { peer: named, .. } => named == peer,
        Caller::Spiffe(_) => true,
        Caller::Local { .. } => false,
    };
    policies
        .iter()
        .flat_map(|policy| &policy.rules)
        .any(|rule| rule.from.is_empty() || rule.from.iter().any(names_it))
}

/// What the first policy of a service does to everybody else (P-12).
pub(crate) fn closed_to_others(service: &ServiceName) -> String {
    format!(
        "{service} is open only to callers that a policy names from here on, those of this cluster included. Try: weft allow {service} --from '{}/*'",
        service.namespace,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::manifest::{Allow, allow_name};
    use protocol::name::Label;

    #[test]
    fn a_peer_is_let_in_by_a_policy_that_names_it() {
        let service = ServiceName::parse("shop/payments").expect("a name");
        let policy = |caller: &str| {
            let caller = caller.parse().expect("a caller");
            let yaml = Allow {
                name: allow_name(&service, &caller),
                service: &service,
                callers: &[caller],
                methods: &[],
                paths: &[],
            }
            .yaml();
            let mut parsed =
                protocol::resource::parse(&yaml, "x", &Label::parse("default").expect("a label"))
                    .expect("it is right");
            covering(parsed.pop().expect("there is one"), &service).expect("it covers the service")
        };
        let east = ClusterName::parse("east").expect("a name");
        assert!(!lets_in(&[], &east));
        assert!(!lets_in(&[policy("shop/cart"), policy("peer:apac")], &east));
        assert!(lets_in(
            &[policy("shop/cart"), policy("peer:east/shop/cart")],
            &east
        ));
    }
}
