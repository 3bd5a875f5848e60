//! What is printed parses to the same, as YAML and as JSON.

use proptest::prelude::*;

use super::*;
use crate::{
    authorization::Action,
    name::{ClusterName, ServiceName},
    view::{Failover, HealthCheck, Listener, Place, PlaceKind, Protocol, WeightedPlace},
};

fn label() -> impl Strategy<Value = Label> {
    // Words that YAML would take for something else are among them.
    let tricky = prop::sample::select(vec![
        "on",
        "no",
        "null",
        "true",
        "1",
        "0x1",
        "1e3",
        "y",
        "0o7",
        "2020-01-01",
    ]);
    prop_oneof![
        tricky.prop_map(str::to_owned),
        "[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?"
    ]
    .prop_map(|text| text.parse().unwrap())
}

fn texts() -> impl Strategy<Value = std::collections::BTreeMap<String, String>> {
    prop::collection::btree_map("[a-z./\\-]{1,12}", "\\PC{0,20}|[ \n:#'\"*&!|>-]{0,6}", 0..3)
}

fn metadata() -> impl Strategy<Value = Metadata> {
    (label(), label(), texts(), texts()).prop_map(|(namespace, name, annotations, labels)| {
        Metadata {
            namespace,
            name,
            annotations,
            labels,
        }
    })
}

fn cluster() -> impl Strategy<Value = ClusterName> {
    label().prop_map(ClusterName::from)
}

fn path() -> impl Strategy<Value = crate::name::PathPattern> {
    "(/[a-zA-Z0-9_:@]{1,5}){1,3}(/\\*)?".prop_map(|text| text.parse().unwrap())
}

fn paths() -> impl Strategy<Value = Vec<crate::name::PathPattern>> {
    prop::collection::vec(path(), 0..3)
}

fn service() -> impl Strategy<Value = Resource> {
    let protocol = prop::sample::select(vec![
        Protocol::Http,
        Protocol::Http2,
        Protocol::Grpc,
        Protocol::Tcp,
        Protocol::Udp,
        Protocol::Auto,
    ]);
    (metadata(), protocol, paths()).prop_map(|(metadata, protocol, idempotent)| {
        Resource::Service(Service {
            metadata,
            protocol,
            idempotent,
        })
    })
}

fn workload() -> impl Strategy<Value = Resource> {
    let health = (
        prop::option::of("(/[a-z]{1,5}){1,2}"),
        1u64..90_000,
        1u32..9,
        1u32..9,
    )
        .prop_map(
            |(http_path, millis, healthy_after, unhealthy_after)| HealthCheck {
                http_path,
                every: std::time::Duration::from_millis(millis),
                healthy_after,
                unhealthy_after,
            },
        );
    let host = (label(), label())
        .prop_map(|(a, b)| format!("{a}.{b}.svc.clusterset.local").parse().unwrap());
    (
        metadata(),
        label(),
        label(),
        prop::option::of((label(), 1u16..99)),
        health,
        prop::option::of((100u16..200, host)),
        prop::option::of(200u16..),
    )
        .prop_map(
            |(metadata, node, service_account, serves, health, listener, proxy_port)| {
                let namespace = metadata.namespace.clone();
                let serves = serves.map(|(name, port)| Serves {
                    service: ServiceName::new(namespace, name),
                    port,
                });
                Resource::Workload(Workload {
                    metadata,
                    node,
                    service_account,
                    serves: serves.into_iter().collect(),
                    health,
                    listeners: listener
                        .map(|(port, host)| Listener { port, host })
                        .into_iter()
                        .collect(),
                    proxy_port,
                })
            },
        )
}

fn export() -> impl Strategy<Value = Resource> {
    let to = prop_oneof![
        Just(ExportTo::All),
        prop::collection::btree_set(cluster(), 0..3).prop_map(ExportTo::Peers)
    ];
    (metadata(), to)
        .prop_map(|(metadata, to)| Resource::ServiceExport(ServiceExport { metadata, to }))
}

fn failover_policy() -> impl Strategy<Value = Resource> {
    let kinds = prop::sample::subsequence(
        vec![
            PlaceKind::SameZone,
            PlaceKind::SameRegion,
            PlaceKind::Local,
            PlaceKind::Peer("west".parse().unwrap()),
            PlaceKind::Cloud("gcp".to_owned()),
        ],
        1..=5,
    );
    let millis = |n: u64| std::time::Duration::from_millis(n);
    (
        metadata(),
        label(),
        kinds,
        1u32..9,
        1usize..3,
        0u32..=100,
        1u64..100_000,
    )
        .prop_map(
            move |(metadata, target, kinds, weight, together, percent, time)| {
                let weighted = |kind: &PlaceKind| WeightedPlace {
                    kind: kind.clone(),
                    weight,
                };
                let places = kinds
                    .chunks(together)
                    .map(|chunk| Place {
                        among: chunk.iter().map(weighted).collect(),
                    })
                    .collect();
                let failover = Failover {
                    healthy_below: Percent::new(percent).unwrap(),
                    consecutive_errors: weight,
                    spill_max: Percent::new(100 - percent).unwrap(),
                    hold: millis(time),
                    step: millis(time + 1),
                    ..Failover::through(places)
                };
                let targets = vec![ServiceName::new(metadata.namespace.clone(), target)];
                Resource::FailoverPolicy(FailoverPolicy {
                    metadata,
                    targets,
                    failover,
                })
            },
        )
}

fn caller() -> impl Strategy<Value = Caller> {
    let option = || prop::option::of(label());
    prop_oneof![
        Just(Caller::Spiffe(
            "spiffe://partner.example/A.b/c".parse().unwrap()
        )),
        (cluster(), option(), option()).prop_map(|(peer, namespace, service_account)| {
            Caller::Peer {
                peer,
                namespace,
                service_account,
            }
        }),
        (label(), option()).prop_map(|(namespace, service_account)| Caller::Local {
            namespace: Some(namespace),
            service_account
        }),
    ]
}

fn authorization_policy() -> impl Strategy<Value = Resource> {
    let request = paths().prop_map(|paths| Request {
        methods: vec!["GET".to_owned(), "X-ODD".to_owned()],
        paths,
    });
    let rule = (
        prop::collection::vec(caller(), 0..3),
        prop::collection::vec(request, 0..3),
    )
        .prop_map(|(from, to)| PolicyRule { from, to });
    let action = prop::sample::select(vec![Action::Allow, Action::Deny]);
    (
        metadata(),
        label(),
        action,
        prop::collection::vec(rule, 1..3),
    )
        .prop_map(|(metadata, target, action, rules)| {
            let targets = vec![ServiceName::new(metadata.namespace.clone(), target)];
            Resource::AuthorizationPolicy(AuthorizationPolicy {
                metadata,
                targets,
                action,
                rules,
            })
        })
}

fn resource() -> impl Strategy<Value = Resource> {
    prop_oneof![
        service(),
        workload(),
        export(),
        failover_policy(),
        authorization_policy()
    ]
}

proptest! {
    #[test]
    fn yaml_prints_what_it_parses(resource in resource()) {
        let yaml = resource.to_yaml();
        let parsed = parse(&yaml, "", &"elsewhere".parse().unwrap()).map_err(|e| TestCaseError::fail(format!("{e}\n{yaml}")))?;
        prop_assert_eq!(parsed, vec![resource], "{}", yaml);
    }

    #[test]
    fn json_stores_what_it_reads(resource in resource()) {
        let json = serde_json::to_string(&resource).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Resource>(&json).unwrap(), &resource);
        let value = serde_json::to_value(&resource).unwrap();
        prop_assert_eq!(serde_json::from_value::<Resource>(value).unwrap(), resource);
    }

    #[test]
    fn several_documents_parse_as_one_manifest(resources in prop::collection::vec(service(), 1..4)) {
        let mut unique = Vec::new();
        for resource in resources {
            if unique.iter().all(|other: &Resource| other.name() != resource.name()) {
                unique.push(resource);
            }
        }
        let manifest = unique.iter().map(Resource::to_yaml).collect::<Vec<_>>().join("---\n");
        prop_assert_eq!(parse_as_shop(&manifest), Ok(unique));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "[a-zA-Z0-9 :\\-\\[\\]{}\n&*!|>'\"#%,?@`~.]{0,200}") {
        drop(parse_as_shop(&text));
    }
}

#[test]
fn a_policy_prints_as_people_write_it() {
    let text = "apiVersion: weft.dev/v1alpha1
kind: FailoverPolicy
metadata:
  name: payments
  namespace: shop
spec:
  targetRefs:
  - group: \"\"
    kind: Service
    name: payments
  places:
  - cluster: local
  - peer: west
  leave:
    healthyBelow: 50%
    consecutiveErrors: 5
  spill:
    max: 40%
  failback:
    hold: 30s
    steps:
    - 10%
    - 50%
    - 100%
    every: 30s
";
    assert_eq!(one(text).to_yaml(), text);
}
