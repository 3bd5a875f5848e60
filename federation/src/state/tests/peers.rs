//! Peers: how they come, what they may say, what goes with them.

use super::*;

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
