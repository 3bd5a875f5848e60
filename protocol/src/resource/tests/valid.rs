//! What is written is what is believed, and what isn't written comes from the table.

use std::time::Duration;

use super::*;
use crate::{
    authorization::Action,
    name::SpiffeId,
    view::{PlaceKind, Protocol},
};

const FAILOVER: &str = "
apiVersion: weft.dev/v1alpha1
kind: FailoverPolicy
metadata: {name: payments, namespace: shop}
spec:
  targetRefs: [{group: \"\", kind: Service, name: payments}]
  places:                                   # in this order
  - {zone: same}
  - {cluster: local}
  - {weighted: [{peer: west, weight: 80}, {cloud: gcp, weight: 20}]}
  leave: {healthyBelow: 40%, consecutiveErrors: 3}
  spill: {max: 40%}
  failback: {hold: 500ms, steps: [20%, 100%], every: 2m}
";

#[test]
fn the_failover_policy_of_the_manual_is_read_whole() {
    let Resource::FailoverPolicy(policy) = one(FAILOVER) else {
        panic!()
    };
    let failover = &policy.failover;
    let kinds: Vec<Vec<_>> = failover
        .places
        .iter()
        .map(|p| p.among.iter().map(|w| (w.kind.clone(), w.weight)).collect())
        .collect();
    let west = PlaceKind::Peer("west".parse().unwrap());
    let last = vec![(west, 80), (PlaceKind::Cloud("gcp".to_owned()), 20)];
    assert_eq!(
        kinds,
        [
            vec![(PlaceKind::SameZone, 1)],
            vec![(PlaceKind::Local, 1)],
            last
        ]
    );
    assert_eq!(policy.targets, ["shop/payments".parse().unwrap()]);
    assert_eq!(
        (failover.healthy_below.number(), failover.consecutive_errors),
        (40, 3)
    );
    assert_eq!(failover.spill_max.number(), 40);
    assert_eq!(
        (failover.hold, failover.step),
        (Duration::from_millis(500), Duration::from_secs(120))
    );
    assert_eq!(
        failover.steps,
        [Percent::new(20).unwrap(), Percent::HUNDRED]
    );
}

#[test]
fn a_failover_policy_without_numbers_has_those_of_the_table() {
    let text = "{apiVersion: weft.dev/v1alpha1, kind: FailoverPolicy, metadata: {name: a},
      spec: {targetRefs: [{name: a}], places: [{cluster: local}]}}";
    let Resource::FailoverPolicy(policy) = one(text) else {
        panic!()
    };
    assert_eq!(policy.failover, crate::view::Failover::default());
    assert_eq!(policy.failover.spill_max, Percent::HUNDRED);
}

#[test]
fn several_documents_make_several_resources() {
    let text = "\
---
apiVersion: weft.dev/v1alpha1
kind: Service
metadata: {name: payments}
---
# nothing
---
apiVersion: weft.dev/v1alpha1
kind: Service
metadata: {name: ledger, namespace: bank, labels: {tier: back}}
spec: {protocol: grpc, idempotent: [/ledger.Ledger/Get, /ledger.Ledger/*]}
";
    let resources = parse_as_shop(text).unwrap();
    let names: Vec<_> = resources.iter().map(|r| r.name().to_string()).collect();
    assert_eq!(names, ["Service shop/payments", "Service bank/ledger"]);
    let [Resource::Service(payments), Resource::Service(ledger)] = resources.as_slice() else {
        panic!()
    };
    assert_eq!(
        (payments.protocol, payments.idempotent.len()),
        (Protocol::Auto, 0)
    );
    assert_eq!(
        (ledger.protocol, ledger.idempotent.len()),
        (Protocol::Grpc, 2)
    );
    assert_eq!(ledger.metadata.labels["tier"], "back");
    assert!(
        parse_as_shop("").unwrap().is_empty()
            && parse_as_shop("# only a comment\n").unwrap().is_empty()
    );
}

#[test]
fn a_workload_takes_its_account_from_its_name() {
    let text = "
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: {name: cart}
spec:
  node: n1
  serves: [{service: cart, port: 8080}]
  health: {httpPath: /healthz, every: 250ms}
  listeners: [{port: 9001, host: payments.shop.svc.west.clusterset.local}]
  proxyPort: 3128
";
    let Resource::Workload(workload) = one(text) else {
        panic!()
    };
    assert_eq!(
        (workload.node.as_str(), workload.service_account.as_str()),
        ("n1", "cart")
    );
    assert_eq!(
        workload.serves,
        [Serves {
            service: "shop/cart".parse().unwrap(),
            port: 8080
        }]
    );
    assert_eq!(workload.health.http_path.as_deref(), Some("/healthz"));
    assert_eq!(
        (workload.health.every, workload.health.unhealthy_after),
        (Duration::from_millis(250), defaults::UNHEALTHY_AFTER)
    );
    assert_eq!(
        workload.listeners[0].host.to_string(),
        "payments.shop.svc.west.clusterset.local"
    );
    assert_eq!(workload.proxy_port, Some(3128));
}

#[test]
fn an_export_without_the_annotation_is_for_nobody() {
    let export = |annotations: &str| {
        let text = format!(
            "{{apiVersion: multicluster.x-k8s.io/v1alpha1, kind: ServiceExport, metadata: {{name: a, annotations: {annotations}}}}}"
        );
        let Resource::ServiceExport(export) = one(&text) else {
            panic!()
        };
        export.to
    };
    let (east, west) = ("east".parse().unwrap(), "west".parse().unwrap());
    assert!(!export("{}").includes(&east));
    let two = export("{weft.dev/to: \"east, apac\"}");
    assert!(two.includes(&east) && !two.includes(&west));
    assert!(export("{weft.dev/to: \"*\"}").includes(&west));
}

#[test]
fn an_authorization_policy_resolves_peers_to_trust_domains() {
    let text = "
apiVersion: weft.dev/v1alpha1
kind: AuthorizationPolicy
metadata: {name: cart}
spec:
  targetRefs: [{group: '', kind: Service, name: payments}]
  rules:
  - from:
    - {peer: east, namespace: shop, serviceAccount: cart}
    - {spiffe: spiffe://partner.example/x}
    - {namespace: shop}
    to:
    - {methods: [POST], paths: [/charge, /charge/*]}
    - {methods: [GET]}
  - from: [{peer: gone}]
  - from: [{peer: gone}, {serviceAccount: ops}]
";
    let Resource::AuthorizationPolicy(policy) = one(text) else {
        panic!()
    };
    assert_eq!(policy.action, Action::Allow);
    let own = "west.example".parse().unwrap();
    let resolved = policy.resolve(&own, |peer| {
        (peer.as_str() == "east").then(|| "east.example".parse().unwrap())
    });
    assert_eq!(
        resolved.rules.len(),
        3,
        "the rule for a peer that is gone is for nobody, not for anybody"
    );
    let matches = |rule: usize, id: &str| {
        let id: SpiffeId = id.parse().unwrap();
        resolved.rules[rule].from.iter().any(|p| p.matches(&id))
    };
    assert!(
        matches(0, "spiffe://east.example/ns/shop/sa/cart")
            && !matches(0, "spiffe://east.example/ns/shop/sa/other")
    );
    assert!(
        matches(0, "spiffe://partner.example/x")
            && matches(0, "spiffe://west.example/ns/shop/sa/any")
    );
    assert!(!matches(0, "spiffe://gone.example/ns/shop/sa/cart"));
    assert!(
        matches(2, "spiffe://west.example/ns/x/sa/ops")
            && !matches(2, "spiffe://east.example/ns/x/sa/ops")
    );
    assert_eq!(resolved.rules[1].methods, ["GET"]);
}

#[test]
fn anchors_and_aliases_are_read_as_yaml_has_them() {
    let text = "
apiVersion: weft.dev/v1alpha1
kind: FailoverPolicy
metadata: {name: &name payments}
spec:
  targetRefs: [{name: *name}]
  places: [{cluster: local}]
";
    assert_eq!(one(text).name().name.as_str(), "payments");
}

#[test]
fn a_service_says_its_protocol_in_one_of_three_ways() {
    for (spec, protocol) in [
        ("protocol: tcp", Protocol::Tcp),
        ("appProtocol: http", Protocol::Http),
        ("appProtocol: kubernetes.io/h2c", Protocol::Http2),
        ("appProtocol: kubernetes.io/ws", Protocol::Http),
        ("appProtocol: postgresql", Protocol::Tcp),
        ("portName: http-web", Protocol::Http),
        ("portName: grpc", Protocol::Grpc),
        ("portName: tcp-db", Protocol::Tcp),
        ("portName: udp-dns", Protocol::Udp),
        ("portName: tcpdb", Protocol::Auto),
        ("portName: web, protocol: tcp", Protocol::Tcp),
        (
            "appProtocol: kubernetes.io/h2c, portName: grpc-api",
            Protocol::Grpc,
        ),
        ("protocol: auto", Protocol::Auto),
        ("", Protocol::Auto),
    ] {
        let text = format!(
            "{{apiVersion: weft.dev/v1alpha1, kind: Service, metadata: {{name: a}}, spec: {{{spec}}}}}"
        );
        let Resource::Service(service) = one(&text) else {
            panic!()
        };
        assert_eq!(service.protocol, protocol, "{spec}");
    }
}
