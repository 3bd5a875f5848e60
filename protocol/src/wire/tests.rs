//! Views go over the wire and come back the same; wrong ones say where they are wrong.
#![allow(clippy::unwrap_used, reason = "tests")]

mod samples;

use proptest::prelude::*;
use prost::Message;

use super::{InvalidMessage, v1};
use crate::{
    cid::{Capability, RoutingKeys},
    invitation::HostRole,
    view::{BundleData, Endpoint, Export, View, ViewError},
};
use samples::view;

fn over_the_wire(view: &View) -> Result<View, ViewError> {
    let bytes = v1::View::from(view).encode_to_vec();
    v1::View::decode(bytes.as_slice()).unwrap().try_into()
}

#[test]
fn a_view_comes_back_as_it_went() {
    assert_eq!(over_the_wire(&view()), Ok(view()));
}

#[test]
fn a_gateways_view_has_the_routing_parts_only() {
    let full = view();
    let gateway = View {
        workloads: Vec::new(),
        server_names: Vec::new(),
        policies: Vec::new(),
        peers: Default::default(),
        services: Default::default(),
        ..full
    };
    assert_eq!(over_the_wire(&gateway), Ok(gateway));
}

fn spoil(change: impl FnOnce(&mut v1::View)) -> String {
    let mut message = v1::View::from(&view());
    change(&mut message);
    View::try_from(message).unwrap_err().to_string()
}

#[test]
fn a_wrong_field_is_named() {
    assert_eq!(
        spoil(|v| v.schema = 2),
        "the View has schema 2, and this host understands 1"
    );
    assert_eq!(
        spoil(|v| v.cluster.clear()),
        r#"cluster: "" is not a cluster name: it is empty"#
    );
    assert_eq!(spoil(|v| v.local = None), "local: it is missing");
    assert_eq!(
        spoil(|v| v.routing_keys.clear()),
        "routing_keys: no routing key seals"
    );
    assert_eq!(
        spoil(|v| v.routing_keys[0].key = vec![1; 15]),
        "routing_keys[0].key: it does not have 16 bytes"
    );
    assert_eq!(
        spoil(|v| v.routing_keys[0].generation = 7),
        "routing_keys[0].generation: generation 7 is not between 0 and 6"
    );
    assert_eq!(
        spoil(|v| v.selectors[1].selector = 1 << 24),
        "selectors[1].selector: selector 16777216 has more than 24 bits"
    );
    assert_eq!(
        spoil(|v| v.handles[0].handle = 0),
        "handles[0].handle: a handle can't be 0"
    );
    assert_eq!(
        spoil(|v| v.services[0].endpoints[1].spiffe_id.push('/')),
        "services[0].endpoints[1].spiffe_id: its path has an empty segment or ends with a slash"
    );
    assert_eq!(
        spoil(|v| v.services[0].endpoints[0].server_name = "A".into()),
        "services[0].endpoints[0].server_name: it is not a DNS name in lower case"
    );
    assert_eq!(
        spoil(|v| v.services[0].protocol = "smtp".into()),
        r#"services[0].protocol: "smtp" is not one of http, http2, grpc, tcp, udp, auto"#
    );
    assert_eq!(
        spoil(|v| v.services[0].failover.as_mut().unwrap().spill_max_percent = 101),
        "services[0].failover.spill_max_percent: a share is written 0% to 100%, in whole percent"
    );
    assert_eq!(
        spoil(|v| v.services[0].failover.as_mut().unwrap().places[0].among[0].kind = None),
        "services[0].failover.places[0].among[0].kind: it is missing"
    );
    assert_eq!(
        spoil(|v| v.services[0].service = None),
        "services[0].service: it is missing"
    );
    assert_eq!(
        spoil(|v| v.workloads[0].serves[0].port = 65_536),
        "workloads[0].serves[0].port: 65536 is not a port"
    );
    assert_eq!(
        spoil(|v| v.workloads[0].health.as_mut().unwrap().every_millis = 0),
        "workloads[0].health.every_millis: it is 0"
    );
    assert_eq!(
        spoil(|v| v.peers[0].capability = None),
        "peers[0].capability: it is missing"
    );
}

#[test]
fn p_12_a_policy_that_cant_be_read_spoils_the_view() {
    assert_eq!(
        spoil(|v| v.policies[0].rules[0].methods.push("G T".into())),
        "policies[0].rules[0].methods[1]: it is not an HTTP method"
    );
    assert_eq!(
        spoil(|v| v.policies[0].rules[0].from[0].namespace = "a".into()),
        "policies[0].rules[0].from[0].spiffe_id: it stands beside other conditions"
    );
    assert!(
        spoil(|v| v.policies[0].rules[0].paths.push("a*".into()))
            .starts_with("policies[0].rules[0].paths[2]: ")
    );
}

#[test]
fn p_1_a_trust_domain_has_one_bundle() {
    assert_eq!(
        spoil(|v| v.bundles.push(v.bundles[0].clone())),
        "bundles: west.example is there twice"
    );
    assert_eq!(
        spoil(|v| v.services.push(v.services[0].clone())),
        "services: shop/payments is there twice"
    );
    assert_eq!(
        spoil(|v| v.handles.push(v.handles[0].clone())),
        "handles: 00000007 is there twice"
    );
}

#[test]
fn p_17_an_export_speaks_of_no_address_and_no_other_peer() {
    let service = &view().services[&"shop/payments".parse().unwrap()];
    let export = Export {
        service: service.name.clone(),
        protocol: service.protocol,
        idempotent: service.idempotent.clone(),
        endpoints: service.endpoints.clone(),
    };
    let message = v1::Export::from(&export);
    assert!(
        message
            .endpoints
            .iter()
            .all(|e| e.address.is_empty() && e.peer.is_empty())
    );
    let read = Export::try_from(message.clone()).unwrap();
    let abroad = |e: &Endpoint| Endpoint {
        peer: None,
        address: None,
        ..e.clone()
    };
    assert_eq!(
        read.endpoints,
        export.endpoints.iter().map(abroad).collect::<Vec<_>>()
    );
    for change in [
        |e: &mut v1::Endpoint| e.address = "10.0.0.1:1".into(),
        |e: &mut v1::Endpoint| e.peer = "third".into(),
    ] {
        let mut message = message.clone();
        change(&mut message.endpoints[1]);
        let error: InvalidMessage = Export::try_from(message).unwrap_err();
        assert_eq!(error.field(), "endpoints[1]");
    }
}

#[test]
fn a_bundle_has_a_largest_size() {
    let bundle = |roots: Vec<Vec<u8>>| {
        BundleData::try_from(v1::Bundle {
            trust_domain: "a".into(),
            sequence: 1,
            roots,
            valid_until: 0,
        })
    };
    assert_eq!(bundle(Vec::new()).unwrap().valid_until, None);
    assert!(bundle(vec![vec![0; super::BUNDLE_BYTES]]).is_ok());
    assert!(bundle(vec![vec![0; super::BUNDLE_BYTES], vec![0]]).is_err());
    assert!(bundle(vec![Vec::new(); super::BUNDLE_ROOTS + 1]).is_err());
}

#[test]
fn roles_of_hosts_are_two() {
    for role in [HostRole::Node, HostRole::Gateway] {
        assert_eq!(HostRole::try_from(v1::Role::from(role)), Ok(role));
        assert_eq!(role.to_string().parse(), Ok(role));
    }
    assert!(HostRole::try_from(v1::Role::Unspecified).is_err());
}

#[test]
fn lookups_find_what_there_is() {
    let view = view();
    let cart = "spiffe://west.example/ns/shop/sa/cart".parse().unwrap();
    assert_eq!(view.workloads_with(&cart).count(), 1);
    let other = "spiffe://east.example/ns/shop/sa/cart".parse().unwrap();
    assert_eq!(view.workloads_with(&other).count(), 0);
    assert!(view.server_name("ABC.weft.internal").is_some() && view.server_name("abc").is_none());
    let service = view.service(&"shop/payments".parse().unwrap()).unwrap();
    assert!(service.is_idempotent("/charge/7?x") && !service.is_idempotent("/charge"));
    assert_eq!(
        view.peer_of(&"east.example".parse().unwrap())
            .unwrap()
            .peer
            .as_str(),
        "east"
    );
    assert_eq!(
        view.bundle(&"east.example".parse().unwrap())
            .unwrap()
            .valid_until,
        Some(9)
    );
    let workload = &view.workloads[0];
    assert_eq!(
        workload
            .port_of(&"shop/cart".parse().unwrap())
            .unwrap()
            .port,
        8080
    );
}

#[test]
fn domain_types_survive_serde() {
    let view = view();
    let json = serde_json::to_string(&view.services[&"shop/payments".parse().unwrap()]).unwrap();
    assert_eq!(
        serde_json::from_str::<crate::view::Service>(&json).unwrap(),
        view.services[&"shop/payments".parse().unwrap()]
    );
    let json = serde_json::to_string(&view.workloads).unwrap();
    assert_eq!(
        serde_json::from_str::<Vec<crate::view::Workload>>(&json).unwrap(),
        view.workloads
    );
    let json = serde_json::to_string(&view.policies).unwrap();
    assert_eq!(
        serde_json::from_str::<Vec<crate::authorization::Policy>>(&json).unwrap(),
        view.policies
    );
    let json = serde_json::to_string(&view.peers).unwrap();
    assert_eq!(
        serde_json::from_str::<std::collections::BTreeMap<_, _>>(&json).ok(),
        Some(view.peers)
    );
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(message) = v1::View::decode(bytes.as_slice()) {
            drop(View::try_from(message));
        }
        if let Ok(message) = v1::Export::decode(bytes.as_slice()) {
            drop(Export::try_from(message));
        }
    }

    #[test]
    fn a_view_with_a_changed_byte_is_read_or_refused(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = v1::View::from(&view()).encode_to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(Ok(read)) = v1::View::decode(bytes.as_slice()).map(View::try_from) {
            prop_assert_eq!(over_the_wire(&read), Ok(read));
        }
    }

    #[test]
    fn capabilities_and_keys_come_back(generation in 0u32..7, selector in 0u32..1 << 24, key in any::<[u8; 16]>(), not_after in any::<u64>()) {
        let message = v1::Capability { generation, selector, key: key.to_vec(), not_after };
        let capability = Capability::try_from(message.clone()).unwrap();
        prop_assert_eq!(v1::Capability::from(&capability), message);
        let keys = vec![v1::RoutingKey { generation, key: key.to_vec(), seals: true }];
        let read = RoutingKeys::try_from(keys.clone()).unwrap();
        prop_assert_eq!(Vec::<v1::RoutingKey>::from(&read), keys);
    }
}
