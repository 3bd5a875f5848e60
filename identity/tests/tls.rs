//! The TLS configurations: both sides proven, by the trust of this moment, with nothing that outlives it.

#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(dead_code, reason = "other test binaries use more of what is shared")]

#[path = "hostile/handshake.rs"]
mod handshake;
#[path = "hostile/world.rs"]
mod world;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use handshake::{Always, Ended, Gullible, shake};
use identity::{
    Bundle, Bundles, Trust, VerifyError, X509Svid, bundle,
    tls::{self, ClientAuth, Expect, ServerCertificates, refusal_of},
};
use rustls::{
    ClientConfig, HandshakeKind, ServerConfig, SupportedProtocolVersion,
    client::{ClientSessionMemoryCache, Resumption},
    crypto::aws_lc_rs,
    sign::{CertifiedKey, SingleCertAndKey},
    version::{TLS12, TLS13},
};
use world::{CART, World, id};

const FRONT: &str = "spiffe://west/ns/shop/sa/front";
const NAME: &str = "abcdefghijklmnopqrstuvwxyz.weft.internal";
const ALPN: &[u8] = b"weft/1";

struct Pair {
    world: World,
    cart: X509Svid,
    front: X509Svid,
    trust: Trust,
}

impl Pair {
    fn new() -> Self {
        let world = World::new();
        let (cart, front) = (world.svid(CART), world.svid(FRONT));
        let trust = bundle::trust(world.bundles.clone());
        Self {
            world,
            cart,
            front,
            trust,
        }
    }

    fn client(&self, expect: Expect) -> Arc<ClientConfig> {
        tls::client(Some(&self.front), expect, self.trust.clone(), ALPN)
    }

    fn server(&self, client_auth: ClientAuth) -> Arc<ServerConfig> {
        let certificates = Arc::new(Always(self.cart.certified_key()));
        tls::server(
            certificates,
            self.trust.clone(),
            client_auth,
            vec![ALPN.to_vec()],
        )
    }

    /// A client of rustls' own making that would resume and send early data if it were let.
    fn greedy_client(&self, versions: &[&'static SupportedProtocolVersion]) -> Arc<ClientConfig> {
        let mut client =
            ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_protocol_versions(versions)
                .unwrap()
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Gullible))
                .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(
                    self.front.certified_key(),
                )));
        client.alpn_protocols = vec![ALPN.to_vec()];
        client.enable_early_data = true;
        client.resumption = Resumption::store(Arc::new(ClientSessionMemoryCache::new(16)));
        Arc::new(client)
    }
}

fn refused_by_client(ended: &Ended) -> VerifyError {
    refusal_of(ended.client.as_ref().unwrap_err())
        .unwrap()
        .clone()
}

/// P-3
#[test]
fn both_sides_prove_who_they_are() {
    let pair = Pair::new();
    for expect in [
        Expect::Id(id(CART)),
        Expect::AnyOf(vec![id(FRONT), id(CART)]),
    ] {
        let ended = shake(
            &pair.client(expect),
            &pair.server(ClientAuth::Required),
            NAME,
        );
        assert!(ended.accepted(), "{ended:?}");
        assert_eq!(ended.alpn.as_deref(), Some(ALPN));
        assert_eq!(ended.callers_certificates, 2);
    }
}

/// P-3: a valid certificate of somebody else is not enough.
#[test]
fn a_client_refuses_a_valid_server_that_is_somebody_else() {
    let pair = Pair::new();
    for expect in [
        Expect::Id(id(FRONT)),
        Expect::AnyOf(vec![id(FRONT)]),
        Expect::AnyOf(Vec::new()),
    ] {
        let ended = shake(
            &pair.client(expect),
            &pair.server(ClientAuth::Required),
            NAME,
        );
        assert!(
            matches!(refused_by_client(&ended), VerifyError::Unexpected { found, .. } if found == id(CART))
        );
        assert!(ended.server.is_err());
    }
}

/// P-3: a caller without a certificate is nobody: refused where one is required, and shown as nobody where it is optional.
#[test]
fn a_caller_without_a_certificate_is_nobody() {
    let pair = Pair::new();
    let nobody = tls::client(None, Expect::Id(id(CART)), pair.trust.clone(), ALPN);
    assert!(
        shake(&nobody, &pair.server(ClientAuth::Required), NAME)
            .server
            .is_err()
    );
    let ended = shake(&nobody, &pair.server(ClientAuth::Optional), NAME);
    assert!(ended.accepted(), "{ended:?}");
    assert_eq!(ended.callers_certificates, 0);
}

/// P-5, P-6: no ticket is ever sent, so the second handshake is as full as the first, also with a client that asks for more.
#[test]
fn nothing_is_resumed_and_nothing_comes_early() {
    let pair = Pair::new();
    let server = pair.server(ClientAuth::Required);
    assert_eq!(
        (
            server.send_tls13_tickets,
            server.max_tls13_tickets,
            server.max_early_data_size
        ),
        (0, 0, 0)
    );
    assert!(!server.ticketer.enabled() && !server.session_storage.can_cache());
    for client in [
        pair.client(Expect::Id(id(CART))),
        pair.greedy_client(&[&TLS13]),
    ] {
        for round in 0..2 {
            let ended = shake(&client, &server, NAME);
            assert!(ended.accepted(), "{ended:?}");
            assert_eq!(ended.tickets, 0, "round {round}");
            assert!(matches!(
                ended.kind,
                Some(HandshakeKind::Full | HandshakeKind::FullWithHelloRetryRequest)
            ));
        }
    }
}

/// P-5: a server that would resume isn't resumed by our client.
#[test]
fn a_client_takes_no_ticket_up() {
    let pair = Pair::new();
    let mut server = ServerConfig::builder_with_provider(identity::provider())
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(pair.cart.certified_key())));
    server.alpn_protocols = vec![ALPN.to_vec()];
    server.max_early_data_size = 16_384;
    let (server, client) = (Arc::new(server), pair.client(Expect::Id(id(CART))));
    for _ in 0..2 {
        let ended = shake(&client, &server, NAME);
        assert!(ended.tickets > 0, "the server does send tickets");
        assert_eq!(ended.kind, Some(HandshakeKind::Full));
    }
}

/// P-4
#[test]
fn older_tls_is_refused() {
    let pair = Pair::new();
    let ended = shake(
        &pair.greedy_client(&[&TLS12]),
        &pair.server(ClientAuth::Required),
        NAME,
    );
    assert!(ended.client.is_err() && ended.server.is_err());
}

/// P-4
#[test]
fn another_protocol_is_refused() {
    let pair = Pair::new();
    let other = tls::client(
        Some(&pair.front),
        Expect::Id(id(CART)),
        pair.trust.clone(),
        b"h2",
    );
    assert!(!shake(&other, &pair.server(ClientAuth::Required), NAME).accepted());
}

/// P-8: the trust of this moment decides, in configurations made long before.
#[test]
fn a_bundle_that_is_removed_stops_the_next_handshake_on_both_sides() {
    let pair = Pair::new();
    let (client, server) = (
        pair.client(Expect::Id(id(CART))),
        pair.server(ClientAuth::Required),
    );
    assert!(shake(&client, &server, NAME).accepted());
    pair.trust.store(Arc::new(Bundles::new()));
    assert!(matches!(
        refused_by_client(&shake(&client, &server, NAME)),
        VerifyError::UnknownTrustDomain(_)
    ));

    let believing = tls::client(
        Some(&pair.front),
        Expect::Id(id(CART)),
        bundle::trust(pair.world.bundles.clone()),
        ALPN,
    );
    let ended = shake(&believing, &server, NAME);
    let refusal = refusal_of(ended.server.as_ref().unwrap_err());
    assert!(
        matches!(refusal, Some(VerifyError::UnknownTrustDomain(_))),
        "{ended:?}"
    );
    pair.trust.store(Arc::new(pair.world.bundles.clone()));
    assert!(shake(&client, &server, NAME).accepted());
}

/// P-8: an identity that was verified is asked about again when trust changes.
#[test]
fn a_verified_svid_falls_with_its_bundle() {
    let pair = Pair::new();
    let verified =
        identity::verify(pair.cart.chain(), &pair.world.bundles, pair.world.now).unwrap();
    let mut lapsed = pair.world.bundles.clone();
    let until = pair.world.now + Duration::from_secs(5);
    lapsed.insert(Bundle {
        valid_until: Some(until),
        ..lapsed.get(id(CART).trust_domain()).unwrap().clone()
    });
    assert!(verified.verify_again(&lapsed, until).is_ok());
    let late = verified.verify_again(&lapsed, until + Duration::from_secs(1));
    assert!(matches!(late, Err(VerifyError::LeaseEnded(_))));
    assert!(
        verified
            .verify_again(&Bundles::new(), pair.world.now)
            .is_err()
    );
}

/// P-9
#[test]
fn an_svid_is_refused_a_minute_after_its_end() {
    let pair = Pair::new();
    let end = pair.cart.not_after();
    let verify_at =
        |time: SystemTime| identity::verify(pair.cart.chain(), &pair.world.bundles, time);
    assert_eq!(verify_at(end).unwrap().not_after(), end);
    assert!(verify_at(end + Duration::from_secs(60)).is_ok());
    assert!(verify_at(end + Duration::from_secs(62)).is_err());
    let begin = pair.cart.not_before();
    assert!(verify_at(begin - Duration::from_secs(60)).is_ok());
    assert!(
        matches!(verify_at(begin - Duration::from_secs(62)), Err(error) if error.is_about_time())
    );
}

/// First contact: the root whose digest was told vouches, whatever is trusted otherwise, and only for the one who is expected.
#[test]
fn a_told_digest_stands_in_for_a_bundle() {
    let pair = Pair::new();
    let root = &pair.world.root.der;
    let shown = Arc::new(Always(pair.cart.certified_key_with_root(root)));
    let server = tls::server(
        shown,
        pair.trust.clone(),
        ClientAuth::Optional,
        vec![ALPN.to_vec()],
    );
    let expecting = |digest, who: &str| {
        tls::client(
            None,
            Expect::RootDigest {
                digest,
                id: id(who),
            },
            bundle::trust(Bundles::new()),
            ALPN,
        )
    };
    let digest = Bundle::digest_of(root);
    assert!(shake(&expecting(digest, CART), &server, "join.weft.internal").accepted());

    let wrong = refused_by_client(&shake(
        &expecting([7; 32], CART),
        &server,
        "join.weft.internal",
    ));
    assert_eq!(wrong, VerifyError::NotThatRoot);
    let other = refused_by_client(&shake(
        &expecting(digest, FRONT),
        &server,
        "join.weft.internal",
    ));
    assert!(matches!(other, VerifyError::Unexpected { .. }));
    let foreign = refused_by_client(&shake(
        &expecting(digest, "spiffe://east/x"),
        &server,
        "join.weft.internal",
    ));
    assert!(matches!(
        foreign,
        VerifyError::ForeignAuthority { .. }
            | VerifyError::NoUsableRoot { .. }
            | VerifyError::UnknownTrustDomain(_)
    ));
    let without = shake(
        &expecting(digest, CART),
        &pair.server(ClientAuth::Optional),
        "join.weft.internal",
    );
    assert_eq!(refused_by_client(&without), VerifyError::NotThatRoot);
    // The digest of a certificate that is no root pins nothing.
    let leaf = Bundle::digest_of(&pair.cart.chain()[0]);
    assert!(matches!(
        refused_by_client(&shake(
            &expecting(leaf, CART),
            &server,
            "join.weft.internal"
        )),
        VerifyError::NoUsableRoot { .. }
    ));
}

/// One certificate, under one name.
#[derive(Debug)]
struct OnlyFor(&'static str, Arc<CertifiedKey>);

impl ServerCertificates for OnlyFor {
    fn for_server_name(&self, server_name: Option<&str>) -> Option<Arc<CertifiedKey>> {
        (server_name == Some(self.0)).then(|| self.1.clone())
    }
}

#[test]
fn an_unknown_server_name_ends_the_handshake_before_any_certificate() {
    let pair = Pair::new();
    let only = Arc::new(OnlyFor(NAME, pair.cart.certified_key()));
    let server = tls::server(
        only,
        pair.trust.clone(),
        ClientAuth::Required,
        vec![ALPN.to_vec()],
    );
    let client = pair.client(Expect::Id(id(CART)));
    assert!(shake(&client, &server, NAME).accepted());
    let ended = shake(&client, &server, "guess.weft.internal");
    assert!(ended.client.is_err() && ended.server.is_err());
    assert!(ended.server_bytes < 100, "{} bytes", ended.server_bytes);
}

/// TRANSPORT.md 1, finding 11: a caller isn't told whom we trust, so a hundred peers cost no byte.
#[test]
fn the_servers_flight_does_not_grow_with_its_peers() {
    let pair = Pair::new();
    let alone = shake(
        &pair.client(Expect::Id(id(CART))),
        &pair.server(ClientAuth::Required),
        NAME,
    );
    let mut many = pair.world.bundles.clone();
    for peer in 0..100 {
        many.insert(world::bundle(
            &format!("peer-{peer}"),
            &[&pair.world.east_root.der],
        ));
    }
    pair.trust.store(Arc::new(many));
    let among = shake(
        &pair.client(Expect::Id(id(CART))),
        &pair.server(ClientAuth::Required),
        NAME,
    );
    assert!(among.accepted());
    assert!(
        among.server_bytes.abs_diff(alone.server_bytes) < 32,
        "{among:?} {alone:?}"
    );
    assert!(
        among.server_bytes < 3 * 1200,
        "{} bytes would cost a second round trip",
        among.server_bytes
    );
}

/// A refusal tells the other end nothing but that it is one.
#[test]
fn the_reason_of_a_refusal_stays_at_home() {
    let pair = Pair::new();
    let ended = shake(
        &pair.client(Expect::Id(id(FRONT))),
        &pair.server(ClientAuth::Required),
        NAME,
    );
    let told = ended.client.unwrap_err();
    assert!(refusal_of(&told).is_some());
    assert!(
        !told.to_string().contains("spiffe") && !format!("{told:?}").contains("spiffe"),
        "{told} {told:?}"
    );
}

/// QUIC gives no typed error: whoever dials finds the reason here.
#[test]
fn a_dialer_learns_why_it_refused() {
    let pair = Pair::new();
    let (client, refusal) = tls::client_explained(
        Some(&pair.front),
        Expect::Id(id(FRONT)),
        pair.trust.clone(),
        ALPN,
    );
    assert!(!shake(&client, &pair.server(ClientAuth::Required), NAME).accepted());
    assert!(matches!(
        refusal.take(),
        Some(VerifyError::Unexpected { .. })
    ));
    assert_eq!(refusal.take(), None);
}
