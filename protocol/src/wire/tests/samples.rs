//! A View with something in each of its fields.

use std::time::Duration;

use crate::{
    authorization::{Action, Policy, Principal, Rule},
    cid::{AllowedSelector, Capability, Generation, Handle, RoutingKey, RoutingKeys, Selector},
    resource::Percent,
    view::{
        BundleData, Endpoint, Failover, HealthCheck, Listener, PeerRoute, Place, PlaceKind,
        Protocol, ServerName, Service, ServicePort, View, WeightedPlace, Workload,
    },
};

pub(super) fn view() -> View {
    View {
        version: 881,
        cluster: "west".parse().unwrap(),
        trust_domain: "west.example".parse().unwrap(),
        routing_keys: RoutingKeys::new(vec![
            RoutingKey::new(Generation::FIRST, [1; 16], false),
            RoutingKey::new(Generation::FIRST.next(), [2; 16], true),
        ])
        .unwrap(),
        selectors: vec![
            AllowedSelector {
                selector: Selector::from_random(5),
                peer: None,
                not_after: 7,
                only_handle: None,
            },
            AllowedSelector {
                selector: Selector::from_random(6),
                peer: Some("east".parse().unwrap()),
                not_after: 8,
                only_handle: Some(handle(9)),
            },
        ],
        handles: [(handle(7), "10.0.0.7:4434".parse().unwrap())].into(),
        bundles: vec![
            bundle("west.example", None),
            bundle("east.example", Some(9)),
        ],
        workloads: vec![workload()],
        server_names: vec![ServerName {
            name: "abc.weft.internal".to_owned(),
            service: "shop/cart".parse().unwrap(),
            spiffe_id: "spiffe://west.example/ns/shop/sa/cart".parse().unwrap(),
            trust_domain: "east.example".parse().unwrap(),
        }],
        policies: vec![policy()],
        local: capability(1),
        peers: [(
            "east".parse().unwrap(),
            PeerRoute {
                peer: "east".parse().unwrap(),
                trust_domain: "east.example".parse().unwrap(),
                gateways: vec!["gw.east.example:4433".parse().unwrap()],
                capability: capability(2),
            },
        )]
        .into(),
        services: [("shop/payments".parse().unwrap(), service())].into(),
    }
}

fn handle(number: u32) -> Handle {
    number.try_into().unwrap()
}

fn capability(selector: u32) -> Capability {
    Capability::new(
        Generation::FIRST,
        Selector::from_random(selector),
        [9; 16],
        99,
    )
}

fn bundle(trust_domain: &str, valid_until: Option<u64>) -> BundleData {
    BundleData {
        trust_domain: trust_domain.parse().unwrap(),
        sequence: 3,
        roots: vec![vec![1, 2], vec![3]],
        valid_until,
    }
}

fn workload() -> Workload {
    Workload {
        namespace: "shop".parse().unwrap(),
        name: "cart-1".parse().unwrap(),
        service_account: "cart".parse().unwrap(),
        serves: vec![ServicePort {
            service: "shop/cart".parse().unwrap(),
            port: 8080,
            protocol: Protocol::Grpc,
        }],
        health: HealthCheck {
            http_path: Some("/healthz".to_owned()),
            ..HealthCheck::default()
        },
        listeners: vec![Listener {
            port: 9001,
            host: "payments.shop.svc.east.clusterset.local".parse().unwrap(),
        }],
        proxy_port: Some(3128),
        uses: vec!["shop/payments".parse().unwrap()],
    }
}

fn policy() -> Policy {
    let team = Principal::Workloads {
        trust_domain: Some("east.example".parse().unwrap()),
        namespace: Some("shop".parse().unwrap()),
        service_account: None,
    };
    Policy {
        namespace: "shop".parse().unwrap(),
        name: "cart".parse().unwrap(),
        targets: vec!["shop/cart".parse().unwrap()],
        action: Action::Deny,
        rules: vec![Rule {
            from: vec![Principal::Id("spiffe://p.example/x".parse().unwrap()), team],
            methods: vec!["GET".to_owned()],
            paths: vec!["/a".parse().unwrap(), "/b/*".parse().unwrap()],
        }],
    }
}

fn service() -> Service {
    let kinds = [
        PlaceKind::SameZone,
        PlaceKind::SameRegion,
        PlaceKind::Local,
        PlaceKind::Peer("east".parse().unwrap()),
        PlaceKind::Cloud("gcp".to_owned()),
    ];
    let places = kinds
        .into_iter()
        .map(|kind| Place {
            among: vec![WeightedPlace { kind, weight: 3 }],
        })
        .collect();
    let failover = Failover {
        spill_max: Percent::new(40).unwrap(),
        hold: Duration::from_millis(1_500),
        consecutive_errors: 7,
        ..Failover::through(places)
    };
    let here = Endpoint {
        peer: None,
        handle: handle(7),
        address: Some("10.0.0.7:4434".parse().unwrap()),
        server_name: "def.weft.internal".to_owned(),
        spiffe_id: "spiffe://west.example/ns/shop/sa/payments".parse().unwrap(),
        locality: "gcp/europe/b".parse().unwrap(),
        weight: 2,
        healthy: true,
        workload: "payments-1".parse().unwrap(),
    };
    let there = Endpoint {
        peer: Some("east".parse().unwrap()),
        address: None,
        healthy: false,
        ..here.clone()
    };
    Service {
        name: "shop/payments".parse().unwrap(),
        protocol: Protocol::Http,
        idempotent: vec!["/charge/*".parse().unwrap()],
        endpoints: vec![here, there],
        failover,
    }
}
