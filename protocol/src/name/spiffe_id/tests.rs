//! P-2 as tables, and round trips.
#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;

#[test]
fn p_2_valid_ids_are_accepted_and_print_themselves() {
    let longest = format!("spiffe://a/{}", "b".repeat(2048 - 11));
    for text in [
        "spiffe://east.example/ns/shop/sa/cart",
        "spiffe://a/b",
        "spiffe://a_b-c.d0/X.y-Z_0/...",
        "spiffe://1.2.3.4/service",
        "spiffe://a/.b/b.",
        longest.as_str(),
    ] {
        assert_eq!(SpiffeId::parse(text).unwrap().to_string(), text);
    }
}

#[test]
fn p_2_every_other_form_is_refused() {
    use SpiffeIdError as E;
    let too_long = format!("spiffe://a/{}", "b".repeat(2048 - 10));
    let long_domain = format!("spiffe://{}/b", "a".repeat(256));
    let domain = E::TrustDomain(InvalidName::new("trust domain", "", ""));
    for (text, expected) in [
        ("", E::Scheme),
        ("spiffe:/a/b", E::Scheme),
        ("SPIFFE://a/b", E::Scheme),
        ("Spiffe://a/b", E::Scheme),
        ("https://a/b", E::Scheme),
        ("//a/b", E::Scheme),
        (" spiffe://a/b", E::Scheme),
        ("spiffe://", domain.clone()),
        ("spiffe:///b", domain.clone()),
        ("spiffe://A/b", domain.clone()),
        ("spiffe://a:1/b", domain.clone()),
        ("spiffe://u@a/b", domain.clone()),
        ("spiffe://u:p@a/b", domain.clone()),
        ("spiffe://a%62/b", domain.clone()),
        ("spiffe://a?x/b", domain.clone()),
        ("spiffe://a#x", domain.clone()),
        ("spiffe://ä/b", domain.clone()),
        ("spiffe://*/b", domain.clone()),
        ("spiffe://[::1]/b", domain.clone()),
        ("spiffe://a\0/b", domain.clone()),
        (long_domain.as_str(), domain),
        ("spiffe://a", E::NoPath),
        ("spiffe://a/", E::NoPath),
        ("spiffe://a//", E::EmptySegment),
        ("spiffe://a//b", E::EmptySegment),
        ("spiffe://a/b/", E::EmptySegment),
        ("spiffe://a/b//c", E::EmptySegment),
        ("spiffe://a/.", E::DotSegment),
        ("spiffe://a/../b", E::DotSegment),
        ("spiffe://a/b/./c", E::DotSegment),
        ("spiffe://a/b%2fc", E::Character),
        ("spiffe://a/b?c", E::Character),
        ("spiffe://a/b#c", E::Character),
        ("spiffe://a/b c", E::Character),
        ("spiffe://a/b\n", E::Character),
        ("spiffe://a/b\0", E::Character),
        ("spiffe://a/bä", E::Character),
        ("spiffe://a/b\\c", E::Character),
        ("spiffe://a/*", E::Character),
        ("spiffe://a/b:c", E::Character),
        ("spiffe://a/b;c", E::Character),
        (too_long.as_str(), E::TooLong(2049)),
    ] {
        let error = SpiffeId::parse(text).expect_err(text);
        assert_eq!(
            std::mem::discriminant(&error),
            std::mem::discriminant(&expected),
            "{text}: {error}"
        );
    }
}

#[test]
fn roles_are_read_from_whole_paths() {
    let role = |path: &str| {
        SpiffeId::parse(&format!("spiffe://a{path}"))
            .unwrap()
            .role()
    };
    let label = |text| Label::parse(text).unwrap();
    let workload = Role::Workload {
        namespace: label("shop"),
        service_account: label("cart"),
    };
    assert_eq!(role("/ns/shop/sa/cart"), workload);
    assert_eq!(role("/weft/node/n1"), Role::Node(label("n1")));
    assert_eq!(role("/weft/gateway/g1"), Role::Gateway(label("g1")));
    assert_eq!(role("/weft/controller"), Role::Controller);
    for other in [
        "/ns/shop/sa/cart/x",
        "/x/ns/shop/sa/cart",
        "/ns/shop/sa",
        "/ns/Shop/sa/cart",
        "/ns/shop/SA/cart",
        "/weft/node",
        "/weft/node/n1/x",
        "/weft/node/n.1",
        "/weft/controller/x",
        "/weft/controllers",
        "/weft",
        "/ns/a/sa/b/c/d",
    ] {
        assert_eq!(role(other), Role::Other, "{other}");
    }
}

#[test]
fn names_are_strings_in_serde_and_checked_there() {
    let id: SpiffeId = serde_json::from_str(r#""spiffe://a/b""#).unwrap();
    assert_eq!(serde_json::to_string(&id).unwrap(), r#""spiffe://a/b""#);
    let error = serde_json::from_str::<SpiffeId>(r#""spiffe://a""#).unwrap_err();
    assert!(error.to_string().contains("no path"), "{error}");
    assert_eq!(format!("{id:?}"), r#""spiffe://a/b""#);
}

proptest! {
    #[test]
    fn p_2_generated_ids_round_trip(domain in "[a-z0-9._-]{1,255}", segments in prop::collection::vec("[a-zA-Z0-9_-][a-zA-Z0-9._-]{0,20}", 1..9)) {
        let text = format!("spiffe://{domain}/{}", segments.join("/"));
        let id = SpiffeId::parse(&text).unwrap();
        prop_assert_eq!(id.to_string(), text);
        prop_assert_eq!(id.trust_domain().as_str(), domain);
    }

    #[test]
    fn p_2_whatever_parses_prints_itself(text in "spiffe://[a-c.:@%]{0,3}[/a.%? ]{0,8}") {
        if let Ok(id) = SpiffeId::parse(&text) {
            prop_assert_eq!(id.to_string(), text);
        }
    }

    #[test]
    fn made_ids_parse_back(ns in "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", sa in "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?") {
        let domain = TrustDomain::parse("a.example").unwrap();
        let (namespace, service_account) = (Label::parse(&ns).unwrap(), Label::parse(&sa).unwrap());
        let made = [
            (SpiffeId::node(&domain, &namespace), Role::Node(namespace.clone())),
            (SpiffeId::gateway(&domain, &namespace), Role::Gateway(namespace.clone())),
            (SpiffeId::controller(&domain), Role::Controller),
            (SpiffeId::workload(&domain, &namespace, &service_account), Role::Workload { namespace, service_account }),
        ];
        for (id, role) in made {
            prop_assert_eq!(SpiffeId::parse(&id.to_string()), Ok(id.clone()));
            prop_assert_eq!(id.role(), role);
        }
    }
}
