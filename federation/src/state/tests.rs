//! The state against its promises: the same changes give the same state everywhere, and secrets are good once.
#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use protocol::cid::{Capability, Generation, Handle, RoutingKey, Selector};
use protocol::name::{HostPort, Label, Locality};
use protocol::resource;

use super::change::{PeerNews, TokenUse};
use super::*;

mod peers;

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
