//! From a state to what each host and peer is told.
#![allow(clippy::unwrap_used, reason = "tests")]

use protocol::name::{Locality, SpiffeId};
use protocol::resource;
use protocol::view::PlaceKind;
use protocol::wire::v1;

use super::*;
use crate::state::tests::{founded, handle, peer, selector};
use crate::state::{Change, Host, Imports, Outcome, ResourceKey};

const DAY: UnixSeconds = 24 * 3600;
const NOON: UnixSeconds = 20_000 * DAY + DAY / 2;

const SHOP: &str = r#"
apiVersion: weft.dev/v1alpha1
kind: Service
metadata: {name: payments, namespace: shop}
spec: {protocol: http, idempotent: [/charge]}
---
apiVersion: weft.dev/v1alpha1
kind: Service
metadata: {name: secret, namespace: shop}
---
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: {name: payments-1, namespace: shop}
spec: {node: n1, serviceAccount: payments, serves: [{service: payments, port: 8080}, {service: secret, port: 8081}, {service: undeclared, port: 8082}]}
---
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: {name: elsewhere, namespace: shop}
spec: {node: unknown, serves: [{service: payments, port: 8080}]}
---
apiVersion: multicluster.x-k8s.io/v1alpha1
kind: ServiceExport
metadata: {name: payments, namespace: shop, annotations: {weft.dev/to: west}}
---
apiVersion: weft.dev/v1alpha1
kind: AuthorizationPolicy
metadata: {name: callers, namespace: shop}
spec:
  targetRefs: [{group: "", kind: Service, name: payments}]
  rules: [{from: [{peer: west, namespace: shop}, {peer: gone}]}, {from: [{peer: gone}]}]
---
apiVersion: weft.dev/v1alpha1
kind: FailoverPolicy
metadata: {name: payments, namespace: shop}
spec:
  targetRefs: [{group: "", kind: Service, name: payments}]
  places: [{cluster: local}, {peer: west}]
"#;

/// East with two nodes, a gateway, the peers west and north, and the shop.
fn shop() -> State {
    let mut state = founded();
    for (role, name, number) in [
        (HostRole::Node, "n1", 11),
        (HostRole::Node, "n2", 12),
        (HostRole::Gateway, "g1", 13),
    ] {
        let address = format!("10.0.0.{number}:4434").parse().unwrap();
        let host = Host {
            handle: handle(number),
            address,
            locality: Locality::parse("aws/eu/a").unwrap(),
        };
        state.hosts.insert(
            HostKey {
                role,
                name: Label::parse(name).unwrap(),
            },
            host,
        );
    }
    for (cluster, number) in [("west", 40), ("north", 41)] {
        assert_eq!(
            state.apply(Change::PutPeer(peer(
                cluster,
                &format!("{cluster}.example"),
                number
            ))),
            Outcome::Done
        );
    }
    let resources = resource::parse(SHOP, "shop.yaml", &Label::parse("shop").unwrap()).unwrap();
    state.apply(Change::PutResources { resources });
    state
}

fn well() -> Health {
    let reported = [(
        (
            Label::parse("shop").unwrap(),
            Label::parse("payments-1").unwrap(),
        ),
        true,
    )];
    let nodes = [(
        Label::parse("n1").unwrap(),
        NodeHealth::Reported(reported.into()),
    )];
    Health {
        nodes: nodes.into(),
        presume: false,
    }
}

fn compiled(state: &State, health: &Health, now: UnixSeconds) -> Compiled {
    compile(state, health, now, state.version << 20).unwrap()
}

fn view(compiled: &Compiled, host: &str) -> View {
    let (role, name) = host.split_once('/').unwrap();
    compiled
        .view_for(&HostKey {
            role: role.parse().unwrap(),
            name: Label::parse(name).unwrap(),
        })
        .unwrap()
}

fn service(name: &str) -> ServiceName {
    name.parse().unwrap()
}

/// An import in the protocol of its local namesake, or gRPC.
fn import(state: &mut State, cluster: &str, sequence: u64, name: &str) {
    let protocol = if name == "shop/payments" {
        "http"
    } else {
        "grpc"
    };
    import_as(state, cluster, sequence, name, protocol, &[]);
}

fn import_as(
    state: &mut State,
    cluster: &str,
    sequence: u64,
    name: &str,
    protocol: &str,
    idempotent: &[&str],
) {
    let endpoint = v1::Endpoint {
        handle: 99,
        server_name: "x.weft.internal".to_owned(),
        spiffe_id: format!("spiffe://{cluster}.example/ns/shop/sa/payments"),
        weight: 1,
        healthy: true,
        workload: "theirs".to_owned(),
        ..v1::Endpoint::default()
    };
    let service = service(name);
    let export = v1::Export {
        service: Some((&service).into()),
        protocol: protocol.to_owned(),
        idempotent: idempotent.iter().map(ToString::to_string).collect(),
        endpoints: vec![endpoint],
    };
    let imports = Imports {
        sequence,
        services: vec![Export::try_from(export).unwrap()],
    };
    assert_eq!(
        state.apply(Change::PutImports {
            cluster: cluster.parse().unwrap(),
            imports
        }),
        Outcome::Done
    );
}

#[test]
fn a_node_is_told_what_it_runs_and_what_it_may_call() {
    let view = view(&compiled(&shop(), &well(), NOON), "node/n1");
    assert_eq!(view.workloads.len(), 1);
    assert_eq!(
        view.workloads[0].serves.len(),
        2,
        "what nobody declared isn't served"
    );
    assert_eq!(view.policies.len(), 1);
    let payments = view.service(&service("shop/payments")).unwrap();
    assert_eq!(
        payments.endpoints.len(),
        1,
        "a node that never joined serves nothing"
    );
    let endpoint = &payments.endpoints[0];
    assert_eq!((endpoint.handle, endpoint.healthy), (handle(11), true));
    assert_eq!(
        endpoint.spiffe_id.to_string(),
        "spiffe://east.example/ns/shop/sa/payments"
    );
    assert_eq!(
        view.server_name(&endpoint.server_name).unwrap().spiffe_id,
        endpoint.spiffe_id
    );
    assert_eq!(
        payments.failover.places[1].among[0].kind,
        PlaceKind::Peer("west".parse().unwrap())
    );
    assert_eq!(
        view.bundles
            .iter()
            .map(|b| b.trust_domain.as_str())
            .collect::<Vec<_>>(),
        ["east.example", "north.example", "west.example"]
    );
    assert_eq!(
        view.handles.keys().copied().collect::<Vec<_>>(),
        [handle(1)]
    );
}

#[test]
fn a_view_is_one_that_hosts_accept() {
    let compiled = compiled(&shop(), &well(), NOON);
    for host in ["node/n1", "node/n2", "gateway/g1"] {
        let view = view(&compiled, host);
        assert_eq!(
            View::try_from(v1::View::from(&view)).unwrap(),
            view,
            "{host}"
        );
    }
}

#[test]
fn a_node_that_runs_nothing_is_told_no_policy_and_no_server_name() {
    let view = view(&compiled(&shop(), &well(), NOON), "node/n2");
    assert!(view.workloads.is_empty() && view.policies.is_empty() && view.server_names.is_empty());
    assert_eq!(view.services.len(), 2);
}

#[test]
fn a_gateway_hears_nothing_of_services_and_holds_no_foreign_trust() {
    let mut state = shop();
    import(&mut state, "west", 1, "shop/payments");
    let view = view(&compiled(&state, &well(), NOON), "gateway/g1");
    assert!(view.services.is_empty() && view.workloads.is_empty() && view.policies.is_empty());
    assert!(view.server_names.is_empty() && view.peers.is_empty());
    assert_eq!(view.bundles.len(), 1);
    assert_eq!(view.handles.len(), 4);
    assert_eq!(view.selectors.len(), 3, "local, west, north");
}

#[test]
fn a_selector_of_somebody_joining_reaches_gateways_and_leads_to_the_controller() {
    let mut state = shop();
    let invitation = crate::state::Invitation {
        id: "i".to_owned(),
        cluster: "apac".parse().unwrap(),
        trust_domain: None,
        expires_at: NOON + 50,
        selector: selector(50),
        redeemed: false,
    };
    state.apply(Change::PutInvitation {
        hash: "h".to_owned(),
        invitation,
    });
    let compiled = compiled(&state, &well(), NOON);
    let joining = |view: View| {
        view.selectors
            .into_iter()
            .find(|allowed| allowed.selector == selector(50))
    };
    assert_eq!(
        joining(view(&compiled, "gateway/g1")).unwrap().only_handle,
        Some(handle(1))
    );
    assert!(joining(view(&compiled, "node/n1")).is_none());
    let later = compile(&state, &well(), NOON + 51, state.version << 20).unwrap();
    assert!(
        joining(view(&later, "gateway/g1")).is_none(),
        "gateways hear of no selector that has expired"
    );
}

#[test]
fn unhealthy_lost_and_silent_workloads_are_listed_as_unhealthy() {
    let healthy = |health: &Health| {
        let compiled = compiled(&shop(), health, NOON);
        compiled.services[&service("shop/payments")].endpoints[0].healthy
    };
    let node = |health| Health {
        nodes: [(Label::parse("n1").unwrap(), health)].into(),
        presume: false,
    };
    assert!(healthy(&well()));
    assert!(!healthy(&node(NodeHealth::Lost)));
    assert!(!healthy(&node(NodeHealth::Silent)));
    assert!(!healthy(&node(NodeHealth::Reported(BTreeMap::new()))));
    assert!(!healthy(&Health::default()));
    assert!(
        healthy(&Health {
            presume: true,
            ..Health::default()
        }),
        "a controller's start makes nothing look ill"
    );
    assert!(!healthy(&Health {
        presume: true,
        ..node(NodeHealth::Lost)
    }));
}

/// P-12: a peer that isn't known is nobody, never anybody.
#[test]
fn a_rule_for_a_peer_that_is_gone_lets_nobody_in() {
    let mut state = shop();
    let rules = |state: &State| {
        view(&compiled(state, &well(), NOON), "node/n1").policies[0]
            .rules
            .clone()
    };
    assert_eq!(rules(&state).len(), 1);
    assert_eq!(rules(&state)[0].from.len(), 1);
    state.apply(Change::RemovePeer {
        cluster: "west".parse().unwrap(),
    });
    assert!(
        rules(&state).is_empty(),
        "the policy stays, and allows nobody"
    );
}

/// P-16: a service is visible to whom it is exported, and has names for nobody else.
#[test]
fn a_peer_sees_its_exports_and_no_word_of_others() {
    let mut state = shop();
    import(&mut state, "north", 1, "shop/theirs");
    let compiled = compiled(&state, &well(), NOON);
    let seen = |peer: &str| &compiled.exports[&peer.parse().unwrap()];
    assert_eq!(
        seen("west")
            .iter()
            .map(|export| export.service.to_string())
            .collect::<Vec<_>>(),
        ["shop/payments"]
    );
    assert!(seen("north").is_empty());
    let names = &view(&compiled, "node/n1").server_names;
    let callers = |of: &str| {
        let mut callers: Vec<_> = names
            .iter()
            .filter(|name| name.service == service(of))
            .map(|name| name.trust_domain.as_str())
            .collect();
        callers.dedup();
        callers
    };
    assert_eq!(callers("shop/payments"), ["east.example", "west.example"]);
    assert_eq!(callers("shop/secret"), ["east.example"]);
    assert_ne!(
        seen("west")[0].endpoints[0].server_name,
        compiled.services[&service("shop/payments")].endpoints[0].server_name
    );
}

/// P-17: an import adds endpoints under its peer's name, and changes nothing about a local service.
#[test]
fn an_import_stands_beside_its_local_namesake() {
    let mut state = shop();
    import(&mut state, "west", 1, "shop/payments");
    import(&mut state, "north", 1, "shop/theirs");
    let compiled = compiled(&state, &well(), NOON);
    let payments = &compiled.services[&service("shop/payments")];
    assert_eq!(payments.protocol.as_str(), "http");
    let peers: Vec<_> = payments
        .endpoints
        .iter()
        .map(|endpoint| endpoint.peer.as_ref().map(ClusterName::as_str))
        .collect();
    assert_eq!(peers, [None, Some("west")]);
    let theirs = &compiled.services[&service("shop/theirs")];
    assert_eq!(
        (theirs.protocol.as_str(), theirs.endpoints.len()),
        ("grpc", 1)
    );
}

/// P-17: no peer decides alone what a service is that others have too.
#[test]
fn peers_of_one_service_agree_on_its_protocol_and_on_what_may_be_repeated() {
    let mut state = shop();
    import_as(&mut state, "north", 1, "shop/theirs", "http", &["/a", "/b"]);
    import_as(&mut state, "west", 1, "shop/theirs", "http", &["/b", "/c"]);
    let services = compiled(&state, &well(), NOON).services;
    let theirs = &services[&service("shop/theirs")];
    assert_eq!(theirs.endpoints.len(), 2);
    assert_eq!(
        v1::Service::from(theirs).idempotent,
        ["/b"],
        "what only one says is not believed"
    );
    import_as(&mut state, "west", 2, "shop/payments", "grpc", &[]);
    let services = compiled(&state, &well(), NOON).services;
    let payments = &services[&service("shop/payments")];
    assert_eq!(payments.endpoints.len(), 1, "west's speak another protocol");
    assert_eq!(v1::Service::from(payments).idempotent, ["/charge"]);
}

#[test]
fn server_names_are_opaque_change_daily_and_are_answered_for_a_day_around() {
    let state = shop();
    let given = |now| {
        compiled(&state, &well(), now).services[&service("shop/payments")].endpoints[0]
            .server_name
            .clone()
    };
    let name = given(NOON);
    assert_eq!(name.len(), 26 + ".weft.internal".len());
    assert!(
        name.bytes()
            .take(26)
            .all(|b| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b)),
        "{name}"
    );
    assert_eq!(name, given(NOON + DAY / 4));
    assert_ne!(name, given(NOON + DAY));
    let answered = |now| {
        view(&compiled(&state, &well(), now), "node/n1")
            .server_name(&name)
            .is_some()
    };
    assert!(answered(NOON) && answered(NOON + DAY) && answered(NOON - DAY));
    assert!(!answered(NOON + 2 * DAY) && !answered(NOON - 2 * DAY));
}

/// P-8: a lease ends a node's trust when its controller is away; the controller itself must know the peer again whenever it comes back.
#[test]
fn nodes_hold_peers_bundles_on_a_lease_and_the_controller_does_not() {
    let compiled = compiled(&shop(), &well(), NOON);
    let west: TrustDomain = "west.example".parse().unwrap();
    assert_eq!(
        view(&compiled, "node/n1")
            .bundle(&west)
            .unwrap()
            .valid_until,
        Some(100)
    );
    assert_eq!(compiled.own_bundle().unwrap().valid_until, None);
    assert_eq!(compiled.bundles().get(&west).unwrap().valid_until, None);
}

#[test]
fn a_service_without_a_policy_stays_at_home() {
    let compiled = compiled(&shop(), &well(), NOON);
    let secret = &compiled.services[&service("shop/secret")];
    assert_eq!(secret.failover.places.len(), 1);
    assert_eq!(secret.failover.places[0].among[0].kind, PlaceKind::Local);
}

#[test]
fn what_resources_name_and_is_not_there_is_a_warning() {
    let state = shop();
    let resources: Vec<_> = state
        .resources
        .values()
        .map(|stored| stored.resource.clone())
        .collect();
    let warnings = warnings(&state, &resources).join("\n");
    for expected in [
        "no node unknown",
        "no Service shop/undeclared",
        "no peer gone",
    ] {
        assert!(warnings.contains(expected), "{expected}: {warnings}");
    }
    assert!(!warnings.contains("no peer west"), "{warnings}");
}

/// P-11
#[test]
fn a_node_may_have_its_own_identity_and_those_of_its_workloads() {
    use crate::authority::issue::{host_of, may_have};
    let state = shop();
    let id = |text: &str| SpiffeId::parse(text).unwrap();
    let n1 = host_of(&state, &id("spiffe://east.example/weft/node/n1")).unwrap();
    assert!(may_have(
        &state,
        &n1,
        &id("spiffe://east.example/weft/node/n1")
    ));
    assert!(may_have(
        &state,
        &n1,
        &id("spiffe://east.example/ns/shop/sa/payments")
    ));
    for foreign in [
        "spiffe://east.example/ns/shop/sa/elsewhere",
        "spiffe://east.example/weft/node/n2",
        "spiffe://east.example/weft/controller",
        "spiffe://west.example/ns/shop/sa/payments",
    ] {
        assert!(!may_have(&state, &n1, &id(foreign)), "{foreign}");
    }
    let g1 = host_of(&state, &id("spiffe://east.example/weft/gateway/g1")).unwrap();
    assert!(!may_have(
        &state,
        &g1,
        &id("spiffe://east.example/ns/shop/sa/payments")
    ));
    for nobody in [
        "spiffe://east.example/weft/node/n9",
        "spiffe://west.example/weft/node/n1",
        "spiffe://east.example/weft/controller",
    ] {
        assert!(host_of(&state, &id(nobody)).is_none(), "{nobody}");
    }
    let key = ResourceKey {
        kind: resource::Kind::Workload,
        namespace: Label::parse("shop").unwrap(),
        name: Label::parse("payments-1").unwrap(),
    };
    let mut without = state;
    without.apply(Change::DeleteResource { key });
    assert!(
        !may_have(
            &without,
            &n1,
            &id("spiffe://east.example/ns/shop/sa/payments")
        ),
        "what isn't registered any more isn't issued"
    );
}
