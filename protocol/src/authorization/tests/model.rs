//! P-12 spelled out once more with loops and strings, sharing nothing with the code it is held against.

use proptest::prelude::*;

use super::*;

const CALLERS: [&str; 4] = [
    CART,
    "spiffe://east.example/ns/shop/sa/ops",
    "spiffe://west.example/ns/bank/sa/cart",
    "spiffe://p/x",
];
const PATHS: [&str; 6] = ["/", "/a", "/a/b", "/ab", "/a/../b", "/a%2fb"];
const PATTERNS: [&str; 5] = ["/", "/a", "/a/*", "/*", "/ab"];
const METHODS: [&str; 2] = ["GET", "POST"];
const SERVICES: [&str; 2] = ["shop/payments", "shop/other"];

fn principal() -> impl Strategy<Value = Principal> {
    let option = |values: &[&'static str]| prop::option::of(prop::sample::select(values.to_vec()));
    prop_oneof![
        prop::sample::select(CALLERS.to_vec()).prop_map(id),
        (
            option(&["east.example", "west.example"]),
            option(&["shop", "bank"]),
            option(&["cart", "ops"])
        )
            .prop_map(|(domain, ns, sa)| {
                Principal::Workloads {
                    trust_domain: domain.map(|d| d.parse().unwrap()),
                    namespace: ns.map(|n| n.parse().unwrap()),
                    service_account: sa.map(|s| s.parse().unwrap()),
                }
            }),
    ]
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let some = |values: &[&'static str]| {
        prop::collection::vec(prop::sample::select(values.to_vec()), 0..2)
    };
    (
        prop::collection::vec(principal(), 0..3),
        some(&METHODS),
        some(&PATTERNS),
    )
        .prop_map(|(from, methods, patterns)| Rule {
            from,
            methods: methods.into_iter().map(str::to_owned).collect(),
            paths: patterns.into_iter().map(|p| p.parse().unwrap()).collect(),
        })
}

fn any_policy() -> impl Strategy<Value = Policy> {
    let targets = prop::sample::subsequence(SERVICES.to_vec(), 1..=2);
    (
        prop::bool::ANY,
        targets,
        prop::collection::vec(any_rule(), 0..3),
    )
        .prop_map(|(deny, targets, rules)| Policy {
            targets: targets.into_iter().map(|t| t.parse().unwrap()).collect(),
            ..policy("p", if deny { Action::Deny } else { Action::Allow }, rules)
        })
}

fn model(
    policies: &[Policy],
    caller: &str,
    same: bool,
    service: &str,
    method: &str,
    path: &str,
) -> bool {
    let unclear = path.contains("..") || path.contains('%');
    let (mut denied, mut covered, mut allowed) = (false, false, false);
    for policy in policies {
        if !policy.targets.iter().any(|t| t.to_string() == service) {
            continue;
        }
        let deny = policy.action == Action::Deny;
        covered |= !deny;
        for rule in &policy.rules {
            let mut hit =
                rule.from.is_empty() || rule.from.iter().any(|p| model_principal(p, caller));
            hit &= rule.methods.is_empty() || rule.methods.contains(&method.to_owned());
            let path_hit = rule
                .paths
                .iter()
                .any(|p| match p.as_str().strip_suffix('*') {
                    Some(below) => path.starts_with(below),
                    None => p.as_str() == path,
                });
            let any_path = rule.paths.is_empty();
            denied |= deny && hit && (any_path || unclear || path_hit);
            allowed |= !deny && hit && (any_path || (path_hit && !unclear));
        }
    }
    !denied && if covered { allowed } else { same }
}

fn model_principal(principal: &Principal, caller: &str) -> bool {
    match principal {
        Principal::Id(id) => id.to_string() == caller,
        Principal::Workloads {
            trust_domain,
            namespace,
            service_account,
        } => {
            let parts: Vec<&str> = caller.split('/').collect();
            let is = |at: usize, wanted: Option<String>| {
                wanted.is_none_or(|w| parts.get(at) == Some(&w.as_str()))
            };
            is(2, trust_domain.as_ref().map(ToString::to_string))
                && is(4, namespace.as_ref().map(ToString::to_string))
                && is(6, service_account.as_ref().map(ToString::to_string))
        }
    }
}

proptest! {
    #[test]
    fn p_12_decides_as_the_model_does(
        policies in prop::collection::vec(any_policy(), 0..5),
        caller in prop::sample::select(CALLERS.to_vec()),
        same_trust_domain in prop::bool::ANY,
        service in prop::sample::select(SERVICES.to_vec()),
        method in prop::sample::select(METHODS.to_vec()),
        path in prop::sample::select(PATHS.to_vec()),
    ) {
        let (id, name) = (caller.parse().unwrap(), service.parse().unwrap());
        let facts = RequestFacts { service: &name, method, path };
        let decided = decide(&policies, &Caller { id: &id, same_trust_domain }, &facts);
        prop_assert_eq!(decided.allowed, model(&policies, caller, same_trust_domain, service, method, path));
        let mut reversed = policies;
        reversed.reverse();
        prop_assert_eq!(decide(&reversed, &Caller { id: &id, same_trust_domain }, &facts).allowed, decided.allowed);
    }

    #[test]
    fn p_12_another_deny_never_lets_anybody_in(
        policies in prop::collection::vec(any_policy(), 0..5), deny in any_policy(), path in prop::sample::select(PATHS.to_vec()),
    ) {
        let before = decide_for(&policies, CART, true, path).0;
        let mut policies = policies;
        policies.push(Policy { action: Action::Deny, ..deny });
        prop_assert!(before || !decide_for(&policies, CART, true, path).0);
    }
}

proptest! {
    /// What nobody looks at passes only where any request would.
    #[test]
    fn p_12_a_connection_is_let_in_only_where_every_request_would_be(
        policies in prop::collection::vec(any_policy(), 0..5),
        caller in prop::sample::select(CALLERS.to_vec()),
        same_trust_domain in prop::bool::ANY,
        service in prop::sample::select(SERVICES.to_vec()),
        method in prop::sample::select(METHODS.to_vec()),
        path in prop::sample::select(PATHS.to_vec()),
    ) {
        let (id, name) = (caller.parse().unwrap(), service.parse().unwrap());
        let caller = Caller { id: &id, same_trust_domain };
        let request = decide(&policies, &caller, &RequestFacts { service: &name, method, path });
        prop_assert!(request.allowed || !decide_opaque(&policies, &caller, &name).allowed);
    }
}
