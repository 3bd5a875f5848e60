//! The state against its promises: the same changes give the same state everywhere, and secrets are good once.
#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use protocol::cid::{Capability, Generation, Handle, RoutingKey, Selector};
use protocol::name::{HostPort, Label, Locality};
use protocol::resource;

use super::change::{PeerNews, TokenUse};
use super::*;

const EXPIRES: UnixSeconds = 1000;

pub(crate) fn selector(number: u32) -> Selector {
    Selector::from_random(number)
}

pub(crate) fn handle(number: u32) -> Handle {
    Handle::try_from(number).unwrap()
}

fn address() -> HostPort {
    HostPort::parse("10.0.0.1:4434").unwrap()
}

/// A cluster `east` with a controller.
pub(crate) fn founded() -> State {
    let mut state = State::default();
    let founding = Founding {
        incarnation: "i".to_owned(),
        cluster: "east".parse().unwrap(),
        trust_domain: "east.example".parse().unwrap(),
        name_key: SecretBytes::new(vec![7; 32]),
        local_selector: selector(1),
    };
    let routing_key = RoutingKey::new(Generation::try_from(0_u8).unwrap(), [9; 16], true);
    let bundle = BundleRecord {
        sequence: 1,
        roots: vec![Der(vec![1])],
        valid_until: None,
    };
    assert_eq!(
        state.apply(Change::Found {
            founding,
            routing_key,
            bundle
        }),
        Outcome::Done
    );
    let host = HostKey {
        role: HostRole::Controller,
        name: Label::parse("c1").unwrap(),
    };
    let started = state.apply(Change::Start {
        host,
        handle: handle(1),
        address: address(),
    });
    assert_eq!(started, Outcome::Handle(handle(1)));
    state
}

/// A peer with that name and trust domain.
pub(crate) fn peer(cluster: &str, trust_domain: &str, number: u32) -> PeerRecord {
    PeerRecord {
        cluster: cluster.parse().unwrap(),
        peer: Peer {
            trust_domain: trust_domain.parse().unwrap(),
            gateways: vec![HostPort::parse("gw.example:4433").unwrap()],
            capability: Capability::new(
                Generation::try_from(0_u8).unwrap(),
                selector(number),
                [3; 16],
                9999,
            ),
            controller_handle: handle(77),
            selector: selector(number),
            since: 1,
        },
        bundle: BundleRecord {
            sequence: 5,
            roots: vec![Der(vec![number as u8])],
            valid_until: Some(100),
        },
    }
}

fn host(role: HostRole, name: &str) -> HostKey {
    HostKey {
        role,
        name: Label::parse(name).unwrap(),
    }
}

fn token(hash: &str, number: u32) -> Change {
    let token = Token {
        role: HostRole::Node,
        name: None,
        expires_at: EXPIRES,
        selector: selector(number),
        used_by: None,
    };
    Change::PutToken {
        hash: hash.to_owned(),
        token,
    }
}

/// The same token, for one name.
fn named(token: Change, name: &str) -> Change {
    let Change::PutToken { hash, mut token } = token else {
        panic!("a token");
    };
    token.name = Some(Label::parse(name).unwrap());
    Change::PutToken { hash, token }
}

fn redeem(hash: &str, host: HostKey, number: u32, now: UnixSeconds) -> Change {
    let (address, locality) = (address(), Locality::default());
    Change::RedeemToken(TokenUse {
        hash: hash.to_owned(),
        now,
        host,
        handle: handle(number),
        address,
        locality,
    })
}

fn invitation(hash: &str, cluster: &str, number: u32) -> Change {
    let invitation = Invitation {
        id: hash.to_owned(),
        cluster: cluster.parse().unwrap(),
        trust_domain: None,
        expires_at: EXPIRES,
        selector: selector(number),
        redeemed: false,
    };
    Change::PutInvitation {
        hash: hash.to_owned(),
        invitation,
    }
}

fn refusal(outcome: Outcome) -> Refusal {
    match outcome {
        Outcome::Refused(refusal) => refusal,
        other => panic!("{other:?}"),
    }
}

/// P-18: of many uses exactly one wins.
#[test]
fn a_token_lets_in_one_host() {
    let mut state = founded();
    state.apply(token("a", 10));
    assert!(
        state.selectors.contains_key(&selector(10)),
        "the holder may knock"
    );
    assert_eq!(
        state.apply(redeem("a", host(HostRole::Node, "n1"), 20, 1)),
        Outcome::Handle(handle(20))
    );
    for name in ["n1", "n2"] {
        assert_eq!(
            refusal(state.apply(redeem("a", host(HostRole::Node, name), 21, 1))),
            Refusal::Used
        );
    }
    assert_eq!(state.hosts.len(), 2, "c1 and n1");
    assert!(
        state.selectors.contains_key(&selector(10)),
        "who comes second is told so"
    );
    state.apply(Change::Prune {
        now: EXPIRES + 24 * 3600,
    });
    assert!(state.tokens.is_empty() && !state.selectors.contains_key(&selector(10)));
}

/// P-18
#[test]
fn a_token_expires_and_is_for_its_role() {
    let mut state = founded();
    state.apply(token("a", 10));
    assert_eq!(
        refusal(state.apply(redeem("b", host(HostRole::Node, "n1"), 20, 1))),
        Refusal::UnknownSecret
    );
    let wrong = refusal(state.apply(redeem("a", host(HostRole::Gateway, "g1"), 20, 1)));
    assert_eq!(
        wrong,
        Refusal::WrongRole {
            wanted: HostRole::Node,
            got: HostRole::Gateway
        }
    );
    let late = refusal(state.apply(redeem("a", host(HostRole::Node, "n1"), 20, EXPIRES)));
    assert_eq!(late, Refusal::Expired { at: EXPIRES });
    assert_eq!(
        state.apply(redeem("a", host(HostRole::Node, "n1"), 20, EXPIRES - 1)),
        Outcome::Handle(handle(20))
    );
}

#[test]
fn a_name_keeps_its_handle_and_no_handle_is_given_twice() {
    let mut state = founded();
    for (hash, number) in [("a", 10), ("b", 11)] {
        state.apply(token(hash, number));
    }
    state.apply(named(token("c", 12), "n1"));
    assert_eq!(
        state.apply(redeem("a", host(HostRole::Node, "n1"), 20, 1)),
        Outcome::Handle(handle(20))
    );
    assert_eq!(
        refusal(state.apply(redeem("b", host(HostRole::Node, "n2"), 20, 1))),
        Refusal::Clash
    );
    assert_eq!(
        state.apply(redeem("b", host(HostRole::Node, "n2"), 21, 1)),
        Outcome::Handle(handle(21))
    );
    assert_eq!(
        state.apply(redeem("c", host(HostRole::Node, "n1"), 22, 1)),
        Outcome::Handle(handle(20))
    );
}

/// P-11, P-18: a token for any new node is none for the identity of one that is there.
#[test]
fn only_a_token_made_for_a_name_takes_its_place() {
    let mut state = founded();
    for (hash, number) in [("a", 10), ("b", 11)] {
        state.apply(token(hash, number));
    }
    state.apply(named(token("c", 12), "n1"));
    let n1 = || host(HostRole::Node, "n1");
    assert_eq!(
        state.apply(redeem("a", n1(), 20, 1)),
        Outcome::Handle(handle(20))
    );
    let taken = refusal(state.apply(redeem("b", n1(), 21, 1)));
    assert_eq!(
        taken,
        Refusal::NameTaken {
            host: "node/n1".to_owned()
        }
    );
    let foreign = refusal(state.apply(redeem("c", host(HostRole::Node, "n2"), 21, 1)));
    assert!(matches!(foreign, Refusal::WrongName { .. }), "{foreign}");
    assert_eq!(
        state.apply(redeem("c", n1(), 22, 1)),
        Outcome::Handle(handle(20))
    );
    assert_eq!(
        state.apply(redeem("b", host(HostRole::Node, "n2"), 23, 1)),
        Outcome::Handle(handle(23)),
        "a refusal doesn't use it up"
    );
}

/// P-18
#[test]
fn an_invitation_for_a_trust_domain_is_for_no_other() {
    let mut state = founded();
    let Change::PutInvitation {
        hash,
        mut invitation,
    } = invitation("i", "west", 30)
    else {
        panic!("an invitation");
    };
    invitation.trust_domain = Some("west.example".parse().unwrap());
    state.apply(Change::PutInvitation { hash, invitation });
    let mut redeem = |trust_domain| {
        state.apply(Change::RedeemInvitation {
            hash: "i".to_owned(),
            now: 1,
            peer: peer("west", trust_domain, 40),
        })
    };
    let wrong = refusal(redeem("impostor.example"));
    assert!(
        matches!(wrong, Refusal::WrongTrustDomain { .. }),
        "{wrong:?}"
    );
    assert_eq!(redeem("west.example"), Outcome::Done);
}

/// P-17: what all peers export together stays small enough for a View; who would break that is refused, and the others stay.
#[test]
fn the_imports_of_all_peers_together_have_a_limit() {
    let mut state = founded();
    // Nearly the 16 MiB that one peer may have.
    let path = protocol::name::PathPattern::parse(&format!("/{}", "a".repeat(4000))).unwrap();
    let large = |sequence| Imports {
        sequence,
        services: vec![protocol::view::Export {
            service: "shop/cart".parse().unwrap(),
            protocol: protocol::view::Protocol::Http,
            idempotent: vec![path.clone(); 4000],
            endpoints: Vec::new(),
        }],
    };
    let mut put = |number: u32, sequence| {
        let cluster = format!("p{number}");
        state.apply(Change::PutPeer(peer(
            &cluster,
            &format!("{cluster}.example"),
            40 + number,
        )));
        state.apply(Change::PutImports {
            cluster: cluster.parse().unwrap(),
            imports: large(sequence),
        })
    };
    for number in 0..4 {
        assert_eq!(put(number, 1), Outcome::Done, "{number}");
    }
    let over = refusal(put(4, 1));
    assert!(matches!(over, Refusal::ImportsTooLarge { .. }), "{over}");
    assert_eq!(
        put(0, 2),
        Outcome::Unchanged,
        "one's own are replaced, not added"
    );
    assert_eq!(state.imports.len(), 4);
}

/// P-16: who gets a removed peer's name later sees nothing by an export from before.
#[test]
fn a_removed_peer_is_taken_out_of_the_exports() {
    let mut state = founded();
    state.apply(Change::PutPeer(peer("west", "west.example", 40)));
    let text = |name: &str, to: &str| {
        format!(
            "apiVersion: multicluster.x-k8s.io/v1alpha1\nkind: ServiceExport\nmetadata: {{name: {name}, annotations: {{weft.dev/to: {to}}}}}\n"
        )
    };
    let manifest = format!(
        "{}---\n{}",
        text("cart", "'north,west'"),
        text("open", "'*'")
    );
    let resources = resource::parse(&manifest, "t.yaml", &Label::parse("shop").unwrap()).unwrap();
    state.apply(Change::PutResources { resources });
    state.apply(Change::RemovePeer {
        cluster: "west".parse().unwrap(),
    });
    let seen: Vec<_> = state
        .resources
        .values()
        .map(|stored| match &stored.resource {
            resource::Resource::ServiceExport(export) => (
                export.to.includes(&"west".parse().unwrap()),
                export.to.includes(&"north".parse().unwrap()),
                stored.version == state.version,
            ),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(seen, [(false, true, true), (true, true, false)]);
}

/// P-18
#[test]
fn an_invitation_makes_the_cluster_it_names_a_peer_once() {
    let mut state = founded();
    state.apply(invitation("i", "west", 30));
    let mut redeem = |peer, now| {
        state.apply(Change::RedeemInvitation {
            hash: "i".to_owned(),
            now,
            peer,
        })
    };
    let wrong = refusal(redeem(peer("north", "north.example", 40), 1));
    assert!(matches!(wrong, Refusal::WrongCluster { .. }), "{wrong:?}");
    assert_eq!(
        refusal(redeem(peer("west", "east.example", 40), 1)),
        Refusal::Oneself
    );
    assert_eq!(
        refusal(redeem(peer("west", "west.example", 40), EXPIRES)),
        Refusal::Expired { at: EXPIRES }
    );
    assert_eq!(redeem(peer("west", "west.example", 40), 1), Outcome::Done);
    assert_eq!(
        refusal(redeem(peer("west", "west.example", 41), 1)),
        Refusal::Used
    );
    assert!(state.selectors.contains_key(&selector(40)));
}

#[test]
fn neither_a_name_nor_a_trust_domain_is_two_peers() {
    let mut state = founded();
    assert_eq!(
        state.apply(Change::PutPeer(peer("west", "west.example", 40))),
        Outcome::Done
    );
    let name = refusal(state.apply(Change::PutPeer(peer("west", "other.example", 41))));
    assert_eq!(
        name,
        Refusal::PeerExists {
            cluster: "west".parse().unwrap()
        }
    );
    let domain = refusal(state.apply(Change::PutPeer(peer("other", "west.example", 41))));
    assert!(matches!(domain, Refusal::TrustDomainTaken { .. }));
    assert_eq!(
        refusal(state.apply(Change::PutPeer(peer("east", "x.example", 41)))),
        Refusal::Oneself
    );
}

/// P-10
#[test]
fn a_bundle_never_goes_back() {
    let mut state = founded();
    state.apply(Change::PutPeer(peer("west", "west.example", 40)));
    let mut news = |sequence, roots: &[u8], valid_until| {
        let roots = roots.iter().map(|root| Der(vec![*root])).collect();
        let bundle = BundleRecord {
            sequence,
            roots,
            valid_until: Some(valid_until),
        };
        let outcome = state.apply(Change::UpdatePeer(PeerNews {
            cluster: "west".parse().unwrap(),
            bundle,
            gateways: Vec::new(),
            capability: None,
        }));
        (
            outcome,
            state.bundles[&"west.example".parse().unwrap()].clone(),
        )
    };
    assert_eq!(
        refusal(news(4, &[40], 200).0),
        Refusal::BundleRollback { held: 5, got: 4 }
    );
    assert_eq!(
        refusal(news(5, &[41], 200).0),
        Refusal::BundleRollback { held: 5, got: 5 }
    );
    assert_eq!(
        news(5, &[40], 50),
        (
            Outcome::Unchanged,
            BundleRecord {
                sequence: 5,
                roots: vec![Der(vec![40])],
                valid_until: Some(100)
            }
        )
    );
    assert_eq!(
        news(5, &[40], 200).0,
        Outcome::Done,
        "the lease is made longer"
    );
    let (outcome, held) = news(6, &[], 200);
    assert_eq!(
        (outcome, held.roots.len()),
        (Outcome::Done, 0),
        "an empty key set is taken: nobody is trusted"
    );
    assert_eq!(
        refusal(news(5, &[40], 300).0),
        Refusal::BundleRollback { held: 6, got: 5 }
    );
}

/// P-8: what came from a peer, and what was given to it, goes with it.
#[test]
fn a_removed_peer_leaves_nothing() {
    let mut state = founded();
    let before = State {
        version: 0,
        ..state.clone()
    };
    state.apply(Change::PutPeer(peer("west", "west.example", 40)));
    let cluster: ClusterName = "west".parse().unwrap();
    state.apply(Change::PutImports {
        cluster: cluster.clone(),
        imports: Imports {
            sequence: 3,
            services: Vec::new(),
        },
    });
    assert_eq!(
        state.apply(Change::RemovePeer {
            cluster: cluster.clone()
        }),
        Outcome::Done
    );
    assert_eq!(
        State {
            version: 0,
            ..state.clone()
        },
        before
    );
    assert_eq!(
        refusal(state.apply(Change::RemovePeer {
            cluster: cluster.clone()
        })),
        Refusal::UnknownPeer { cluster }
    );
}

#[test]
fn resources_are_stored_with_the_version_that_made_them() {
    let mut state = founded();
    let parse =
        |text: &str| resource::parse(text, "t.yaml", &Label::parse("shop").unwrap()).unwrap();
    let service = |protocol: &str| {
        parse(&format!(
            "apiVersion: weft.dev/v1alpha1\nkind: Service\nmetadata: {{name: cart}}\nspec: {{protocol: {protocol}}}\n"
        ))
    };
    let mut apply = |resources| state.apply(Change::PutResources { resources });
    assert_eq!(
        apply(service("http")),
        Outcome::Applied {
            effects: vec![Effect::Created]
        }
    );
    assert_eq!(
        apply(service("http")),
        Outcome::Applied {
            effects: vec![Effect::Unchanged]
        }
    );
    assert_eq!(
        apply(service("grpc")),
        Outcome::Applied {
            effects: vec![Effect::Configured]
        }
    );
    let stored = state.resources.values().next().unwrap();
    assert_eq!(stored.version, state.version);
    let json = serde_json::to_string(&state).unwrap();
    assert_eq!(serde_json::from_str::<State>(&json).unwrap(), state);
}

#[test]
fn no_secret_is_printed() {
    let printed = format!("{:?}", founded());
    assert!(
        !printed.contains("[9, 9") && !printed.contains("[7, 7") && !printed.contains("BwcH"),
        "{printed}"
    );
}

fn any_change() -> impl Strategy<Value = Change> {
    let name = prop::sample::select(vec!["a", "b", "c"]);
    let cluster = prop::sample::select(vec!["east", "west", "north"]);
    let time = 0..2000_u64;
    prop_oneof![
        (name.clone(), 2..9_u32).prop_map(|(hash, number)| token(hash, number)),
        (
            name.clone(),
            name.clone(),
            2..9_u32,
            time.clone(),
            any::<bool>()
        )
            .prop_map(|(hash, name, number, now, node)| {
                redeem(
                    hash,
                    host(
                        if node {
                            HostRole::Node
                        } else {
                            HostRole::Gateway
                        },
                        name,
                    ),
                    number,
                    now,
                )
            }),
        (name.clone(), cluster.clone(), 2..9_u32)
            .prop_map(|(hash, cluster, number)| invitation(hash, cluster, number)),
        (name, cluster.clone(), 2..9_u32, time).prop_map(|(hash, cluster, number, now)| {
            Change::RedeemInvitation {
                hash: hash.to_owned(),
                now,
                peer: peer(cluster, &format!("{cluster}.example"), number),
            }
        }),
        (cluster.clone(), 2..9_u32).prop_map(|(cluster, number)| Change::PutPeer(peer(
            cluster,
            "west.example",
            number
        ))),
        (cluster.clone(), 0..9_u64).prop_map(|(cluster, sequence)| Change::PutImports {
            cluster: cluster.parse().unwrap(),
            imports: Imports {
                sequence,
                services: Vec::new()
            },
        }),
        cluster.prop_map(|cluster| Change::RemovePeer {
            cluster: cluster.parse().unwrap()
        }),
        (0..200_000_u64).prop_map(|now| Change::Prune { now }),
        Just(Change::Tick),
    ]
}

proptest! {
    /// Replicas that apply the same changes, one of them restarted from disk in between, hold the same state.
    #[test]
    fn applying_is_deterministic(changes in prop::collection::vec(any_change(), 0..60)) {
        let (mut here, mut there) = (founded(), founded());
        for change in changes {
            let stored: Change = serde_json::from_slice(&serde_json::to_vec(&change).unwrap()).unwrap();
            prop_assert_eq!(&stored, &change);
            there = serde_json::from_slice(&serde_json::to_vec(&there).unwrap()).unwrap();
            prop_assert_eq!(here.apply(change), there.apply(stored));
            prop_assert_eq!(&here, &there);
        }
    }

    /// A refusal changes nothing; anything else that alters the state makes its version grow by one.
    #[test]
    fn the_version_says_whether_anything_changed(changes in prop::collection::vec(any_change(), 0..60)) {
        let mut state = founded();
        for change in changes {
            let before = state.clone();
            let outcome = state.apply(change);
            if outcome.is_refused() {
                prop_assert_eq!(&state, &before);
            }
            prop_assert_eq!(state.version, before.version + u64::from(outcome.alters()));
        }
    }

    /// P-18, P-1: a secret never wins twice, handles are never shared, and every peer has a bundle and a door of its own.
    #[test]
    fn what_must_hold_always_holds(changes in prop::collection::vec(any_change(), 0..80)) {
        let mut state = founded();
        let mut won = BTreeSet::new();
        for change in changes {
            let token = match &change {
                Change::RedeemToken(attempt) => Some(attempt.hash.clone()),
                _ => None,
            };
            let put = match &change {
                Change::PutToken { hash, .. } => Some(hash.clone()),
                _ => None,
            };
            let outcome = state.apply(change);
            if let (Some(hash), false) = (token, outcome.is_refused()) {
                prop_assert!(won.insert(hash), "a token won twice");
            }
            if let (Some(hash), false) = (put, outcome.is_refused()) {
                won.remove(&hash);
            }
            let handles: BTreeSet<_> = state.hosts.values().map(|host| host.handle).collect();
            prop_assert_eq!(handles.len(), state.hosts.len());
            for (cluster, peer) in &state.peers {
                prop_assert!(state.bundles.contains_key(&peer.trust_domain));
                prop_assert_eq!(state.selectors[&peer.selector].peer.as_ref(), Some(cluster));
            }
            prop_assert_eq!(state.bundles.len(), state.peers.len() + 1);
        }
    }
}
