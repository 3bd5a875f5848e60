//! P-17: a peer's catalog stays in its lane.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

const WEST: &str = "west.example";

fn west() -> TrustDomain {
    WEST.parse().unwrap()
}

fn endpoint(id: &str) -> v1::Endpoint {
    v1::Endpoint {
        handle: 5,
        server_name: "abc.weft.internal".to_owned(),
        spiffe_id: id.to_owned(),
        weight: 1,
        healthy: true,
        workload: "w".to_owned(),
        ..v1::Endpoint::default()
    }
}

fn export(name: &str, endpoints: Vec<v1::Endpoint>) -> v1::Export {
    v1::Export {
        service: Some(v1::ServiceRef {
            namespace: "shop".to_owned(),
            name: name.to_owned(),
        }),
        protocol: "http".to_owned(),
        idempotent: Vec::new(),
        endpoints,
    }
}

fn catalog(exports: Vec<v1::Export>) -> v1::Catalog {
    v1::Catalog {
        version: CATALOG_VERSION,
        sequence: 9,
        lease_millis: 30_000,
        bundle: Some(v1::Bundle {
            trust_domain: WEST.to_owned(),
            sequence: 1,
            roots: vec![vec![1]],
            valid_until: 0,
        }),
        gateways: vec!["gw.west.example:4433".to_owned()],
        capability: None,
        exports,
    }
}

fn good(name: &str) -> v1::Export {
    export(
        name,
        vec![endpoint("spiffe://west.example/ns/shop/sa/payments")],
    )
}

#[test]
fn what_is_in_the_lane_is_let_in_and_the_rest_left_out() {
    let exports = vec![
        good("payments"),
        export(
            "foreign",
            vec![endpoint("spiffe://east.example/ns/shop/sa/cart")],
        ),
        export(
            "third",
            vec![endpoint("spiffe://apac.example/ns/shop/sa/cart")],
        ),
        export(
            "control",
            vec![endpoint("spiffe://west.example/weft/controller")],
        ),
        export(
            "addressed",
            vec![v1::Endpoint {
                address: "10.0.0.1:22".to_owned(),
                ..endpoint("spiffe://west.example/ns/a/sa/b")
            }],
        ),
        export(
            "on-behalf",
            vec![v1::Endpoint {
                peer: "apac".to_owned(),
                ..endpoint("spiffe://west.example/ns/a/sa/b")
            }],
        ),
        export("Bad Name", Vec::new()),
        good("payments"),
        good("cart"),
    ];
    let admitted = admit(&west(), 0, catalog(exports)).unwrap();
    let names: Vec<_> = admitted
        .imports
        .services
        .iter()
        .map(|service| service.service.to_string())
        .collect();
    assert_eq!(names, ["shop/cart", "shop/payments"]);
    assert_eq!(admitted.left_out.len(), 7);
    assert!(
        admitted
            .left_out
            .iter()
            .any(|why| matches!(why, OutOfLane::Twice { .. }))
    );
}

#[test]
fn one_foreign_endpoint_keeps_the_whole_service_out() {
    let mixed = export(
        "payments",
        vec![
            endpoint("spiffe://west.example/ns/shop/sa/payments"),
            endpoint("spiffe://east.example/ns/shop/sa/payments"),
        ],
    );
    assert!(
        admit(&west(), 0, catalog(vec![mixed]))
            .unwrap()
            .imports
            .services
            .is_empty()
    );
}

#[test]
fn a_catalog_over_the_limits_is_refused_whole() {
    let many = (0..=wire::CATALOG_EXPORTS)
        .map(|number| export(&format!("s{number}"), Vec::new()))
        .collect();
    assert!(matches!(
        admit(&west(), 0, catalog(many)),
        Err(CatalogRefused::Entries { .. })
    ));
    let large = v1::Export {
        idempotent: vec!["/".repeat(wire::CATALOG_BYTES + 1)],
        ..good("payments")
    };
    assert!(matches!(
        admit(&west(), 0, catalog(vec![large])),
        Err(CatalogRefused::Bytes { .. })
    ));
}

/// P-1, P-10
#[test]
fn a_foreign_bundle_and_an_older_catalog_are_refused() {
    let mut foreign = catalog(Vec::new());
    foreign.bundle = Some(v1::Bundle {
        trust_domain: "east.example".to_owned(),
        sequence: 1,
        roots: Vec::new(),
        valid_until: 0,
    });
    assert!(matches!(
        admit(&west(), 0, foreign),
        Err(CatalogRefused::ForeignBundle { .. })
    ));
    assert_eq!(
        admit(&west(), 10, catalog(Vec::new())).unwrap_err(),
        CatalogRefused::Rollback { held: 10, got: 9 }
    );
    assert!(admit(&west(), 9, catalog(Vec::new())).is_ok());
    assert!(matches!(
        admit(
            &west(),
            0,
            v1::Catalog {
                version: 2,
                ..catalog(Vec::new())
            }
        ),
        Err(CatalogRefused::Version(2))
    ));
}

#[test]
fn gateways_are_addresses_and_not_too_many() {
    assert!(gateways(&["gw.example:4433".to_owned()]).is_ok());
    assert!(gateways(&["gw.example".to_owned()]).is_err());
    assert!(gateways(&vec!["gw.example:4433".to_owned(); MAX_GATEWAYS + 1]).is_err());
}
