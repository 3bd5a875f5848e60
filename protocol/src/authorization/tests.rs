//! P-12, by table and against a naive model.
#![allow(clippy::unwrap_used, reason = "tests")]

mod model;

use super::*;
use crate::name::{Label, TrustDomain};

fn policy(name: &str, action: Action, rules: Vec<Rule>) -> Policy {
    Policy {
        namespace: "shop".parse().unwrap(),
        name: name.parse().unwrap(),
        targets: vec!["shop/payments".parse().unwrap()],
        action,
        rules,
    }
}

fn from(principal: Principal) -> Rule {
    Rule {
        from: vec![principal],
        ..Rule::default()
    }
}

fn id(text: &str) -> Principal {
    Principal::Id(text.parse().unwrap())
}

fn paths(paths: &[&str]) -> Rule {
    Rule {
        paths: paths.iter().map(|p| p.parse().unwrap()).collect(),
        ..Rule::default()
    }
}

const CART: &str = "spiffe://east.example/ns/shop/sa/cart";

fn decide_for(
    policies: &[Policy],
    caller: &str,
    same_trust_domain: bool,
    path: &str,
) -> (bool, String) {
    let (id, service) = (caller.parse().unwrap(), "shop/payments".parse().unwrap());
    let caller = Caller {
        id: &id,
        same_trust_domain,
    };
    let decision = decide(
        policies,
        &caller,
        &RequestFacts {
            service: &service,
            method: "POST",
            path,
        },
    );
    (decision.allowed, decision.policy.unwrap())
}

#[test]
fn p_12_without_policies_the_trust_domain_is_the_border() {
    assert_eq!(
        decide_for(&[], CART, true, "/"),
        (true, DEFAULT_ALLOW.to_owned())
    );
    assert_eq!(
        decide_for(&[], CART, false, "/"),
        (false, DEFAULT_DENY.to_owned())
    );
    let mut elsewhere = policy("other", Action::Allow, vec![Rule::default()]);
    elsewhere.targets = vec![
        "shop/other".parse().unwrap(),
        "bank/payments".parse().unwrap(),
    ];
    assert_eq!(
        decide_for(&[elsewhere], CART, false, "/"),
        (false, DEFAULT_DENY.to_owned())
    );
}

#[test]
fn p_12_an_allow_that_covers_keeps_out_all_that_it_doesnt_match() {
    let allow = policy("cart", Action::Allow, vec![from(id(CART))]);
    assert_eq!(
        decide_for(std::slice::from_ref(&allow), CART, false, "/"),
        (true, "shop/cart".to_owned())
    );
    let other = "spiffe://west.example/ns/shop/sa/other";
    assert_eq!(
        decide_for(&[allow], other, true, "/"),
        (false, "shop/cart".to_owned())
    );
    let nobody = policy("nobody", Action::Allow, vec![]);
    assert_eq!(
        decide_for(&[nobody], CART, true, "/"),
        (false, "shop/nobody".to_owned())
    );
}

#[test]
fn p_12_a_deny_wins_wherever_it_stands() {
    let allow = policy("all", Action::Allow, vec![Rule::default()]);
    let deny = policy("no-refunds", Action::Deny, vec![paths(&["/refund/*"])]);
    for policies in [[allow.clone(), deny.clone()], [deny, allow]] {
        assert_eq!(
            decide_for(&policies, CART, true, "/refund/7"),
            (false, "shop/no-refunds".to_owned())
        );
        assert_eq!(
            decide_for(&policies, CART, true, "/refunds/7"),
            (true, "shop/all".to_owned())
        );
        assert_eq!(
            decide_for(&policies, CART, true, "/refund/7?x=1"),
            (false, "shop/no-refunds".to_owned())
        );
        assert_eq!(
            decide_for(&policies, CART, true, "/charge?/refund/7"),
            (true, "shop/all".to_owned())
        );
    }
}

#[test]
fn p_12_a_rule_that_cant_decide_denies() {
    let ambiguous = [
        "/a/../refund/7",
        "/a%2frefund",
        "/refund%2F7",
        "//refund/7",
        "/a\\refund",
        "*",
        "",
        "/a/%2e%2e/refund/7",
        "/a;x/..;y/b",
    ];
    for path in ambiguous {
        let deny = policy("no-refunds", Action::Deny, vec![paths(&["/refund/*"])]);
        assert_eq!(
            decide_for(&[deny], CART, true, path),
            (false, "shop/no-refunds".to_owned()),
            "{path}"
        );
        let allow = policy("all-paths", Action::Allow, vec![paths(&["/*", "/a"])]);
        assert_eq!(
            decide_for(&[allow], CART, true, path),
            (false, "shop/all-paths".to_owned()),
            "{path}"
        );
    }
    // Who the caller isn't can be told whatever the path is.
    let other = Rule {
        from: vec![id("spiffe://x/y")],
        ..paths(&["/refund/*"])
    };
    let deny = policy("no-refunds", Action::Deny, vec![other]);
    assert_eq!(
        decide_for(&[deny], CART, true, "/a/../b"),
        (true, DEFAULT_ALLOW.to_owned())
    );
}

#[test]
fn p_12_principals_compare_whole_segments_and_nothing_is_a_pattern() {
    let matches = |principal: &Principal, caller: &str| principal.matches(&caller.parse().unwrap());
    let whole = id("spiffe://east.example/ns/shop/sa/cart");
    for other in [
        "spiffe://east.example/ns/shop/sa/cart2",
        "spiffe://east.example/ns/shop/sa/cart/x",
        "spiffe://east.example/ns/shop/sa/car",
        "spiffe://eastxexample/ns/shop/sa/cart",
        "spiffe://east.example.evil/ns/shop/sa/cart",
        "spiffe://west.example/ns/shop/sa/cart",
    ] {
        assert!(!matches(&whole, other), "{other}");
    }
    assert!(matches(&whole, CART));
    let namespace = Principal::Workloads {
        trust_domain: Some(TrustDomain::parse("east.example").unwrap()),
        namespace: Some(Label::parse("shop").unwrap()),
        service_account: None,
    };
    assert!(
        matches(&namespace, CART) && matches(&namespace, "spiffe://east.example/ns/shop/sa/other")
    );
    for other in [
        "spiffe://east.example/ns/shop2/sa/cart",
        "spiffe://east.example/ns/shop",
        "spiffe://east.example/ns/shop/sa/cart/x",
        "spiffe://east.example/x/ns/shop/sa/cart",
        "spiffe://east.example/weft/node/shop",
        "spiffe://east.example.evil/ns/shop/sa/cart",
        "spiffe://a.east.example/ns/shop/sa/cart",
    ] {
        assert!(!matches(&namespace, other), "{other}");
    }
    let anybody = Principal::Workloads {
        trust_domain: None,
        namespace: None,
        service_account: None,
    };
    assert!(matches(&anybody, CART) && matches(&anybody, "spiffe://x/y"));
}

#[test]
fn methods_compare_by_their_case() {
    let rule = |method: &str| Rule {
        methods: vec![method.to_owned()],
        ..Rule::default()
    };
    for (method, allowed) in [
        ("POST", true),
        ("post", false),
        ("POS", false),
        ("*", false),
        ("P.ST", false),
    ] {
        assert_eq!(
            decide_for(
                &[policy("p", Action::Allow, vec![rule(method)])],
                CART,
                true,
                "/"
            )
            .0,
            allowed,
            "{method}"
        );
    }
}

// P-13: to some apps `/admin;x` is `/admin`.
#[test]
fn parameters_in_a_path_count_against_the_caller() {
    let deny = policy("no-admin", Action::Deny, vec![paths(&["/admin"])]);
    for path in ["/admin", "/admin;x", "/admin;", "/a;x/b", "/admin%3bx"] {
        assert!(
            !decide_for(std::slice::from_ref(&deny), CART, true, path).0,
            "{path}"
        );
    }
    assert!(decide_for(&[deny], CART, true, "/other").0);
    let allow = policy("versions", Action::Allow, vec![paths(&["/a;v=1", "/b/*"])]);
    for path in ["/a;v=1", "/b/c;x"] {
        assert!(
            decide_for(std::slice::from_ref(&allow), CART, true, path).0,
            "{path}"
        );
    }
    assert!(!decide_for(&[allow], CART, true, "/a;v=2").0);
}

#[test]
fn p_12_rules_about_requests_let_no_connection_through() {
    let decided = |policies: &[Policy]| {
        let (id, service) = (CART.parse().unwrap(), "shop/payments".parse().unwrap());
        let caller = Caller {
            id: &id,
            same_trust_domain: true,
        };
        let decision = decide_opaque(policies, &caller, &service);
        (decision.allowed, decision.policy.unwrap())
    };
    let posts = Rule {
        methods: vec!["POST".to_owned()],
        ..from(id(CART))
    };
    let other = Rule {
        from: vec![id("spiffe://west.example/ns/shop/sa/other")],
        ..paths(&["/admin"])
    };
    let allow = |rules| policy("may", Action::Allow, rules);
    let deny = |rules| policy("mustnt", Action::Deny, rules);
    let (may, mustnt) = ("shop/may".to_owned(), "shop/mustnt".to_owned());
    assert_eq!(decided(&[]), (true, DEFAULT_ALLOW.to_owned()));
    assert_eq!(decided(&[allow(vec![from(id(CART))])]), (true, may.clone()));
    assert_eq!(decided(&[allow(vec![posts.clone()])]), (false, may.clone()));
    assert_eq!(
        decided(&[allow(vec![paths(&["/*"])])]),
        (false, may.clone())
    );
    assert_eq!(
        decided(&[allow(vec![from(id(CART))]), deny(vec![posts])]),
        (false, mustnt)
    );
    assert_eq!(
        decided(&[allow(vec![from(id(CART))]), deny(vec![other])]),
        (true, may)
    );
}
