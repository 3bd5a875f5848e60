//! Hostile certificates: every kind is refused by [`verify`], and in real handshakes by every client and every server; good ones pass.
//!
//! P-1, P-2, P-3. Deterministic but for fresh keys; one handshake per kind and role.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]
#![allow(dead_code, reason = "other test binaries use more of what is shared")]

#[path = "hostile/corpus.rs"]
mod corpus;
#[path = "hostile/der.rs"]
mod der;
#[path = "hostile/good.rs"]
mod good;
#[path = "hostile/handshake.rs"]
mod handshake;
#[path = "hostile/world.rs"]
mod world;

use std::{collections::BTreeSet, sync::Arc};

use handshake::{Always, shake};
use identity::{
    VerifyError, bundle,
    tls::{self, ClientAuth, Expect, refusal_of},
    verify,
};
use rcgen::KeyPair;
use rustls::{
    ClientConfig, ServerConfig,
    sign::{CertifiedKey, SingleCertAndKey},
    version::TLS13,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use world::{CART, World, id};

const FRONT: &str = "spiffe://west/ns/shop/sa/front";
const ALPN: &[u8] = b"weft/1";
const LEAST_KINDS: usize = 45;
const LEAST_GOOD: usize = 8;

/// P-1, P-2: and each for its own reason, or the corpus tests less than it says.
#[test]
fn verify_refuses_every_hostile_chain_for_its_reason() {
    let world = World::new();
    let corpus = corpus::all(&world);
    let names: BTreeSet<_> = corpus.iter().map(|hostile| hostile.name).collect();
    assert_eq!(names.len(), corpus.len(), "a name is used twice");
    assert!(names.len() >= LEAST_KINDS, "{} kinds", names.len());
    println!("{} kinds of hostile chains", names.len());
    for hostile in &corpus {
        let refused =
            verify(&hostile.chain, &hostile.bundles, world.now).map(|svid| svid.id().clone());
        match refused {
            Ok(id) => panic!("{}: accepted as {id}", hostile.name),
            Err(error) => assert!((hostile.reason)(&error), "{}: {error:?}", hostile.name),
        }
    }
}

/// P-2
#[test]
fn an_empty_chain_is_refused() {
    let world = World::new();
    assert_eq!(
        verify(&[], &world.bundles, world.now),
        Err(VerifyError::NoCertificate)
    );
}

/// P-2
#[test]
fn verify_accepts_every_good_chain_as_whom_it_names() {
    let world = World::new();
    let good = good::all(&world);
    assert!(good.len() >= LEAST_GOOD);
    for good in good {
        let verified = verify(&good.chain, &world.bundles, world.now);
        let verified = verified.unwrap_or_else(|error| panic!("{}: {error:?}", good.name));
        assert_eq!(verified.id().to_string(), good.id, "{}", good.name);
        assert!(
            verified.not_after() <= world.now + world::HOUR + world::HOUR,
            "{}",
            good.name
        );
    }
}

/// P-1, P-2, P-3: a client of ours never takes a hostile server for whom it expects.
#[test]
fn clients_refuse_every_hostile_server() {
    let world = World::new();
    let source = world.svid(FRONT);
    let mut accepted = Vec::new();
    for hostile in corpus::all(&world) {
        let trust = bundle::trust(hostile.bundles.clone());
        let client = tls::client(
            Some(&source),
            Expect::Id(hostile.claims.clone()),
            trust,
            ALPN,
        );
        let ended = shake(
            &client,
            &careless_server(&hostile.chain, &hostile.key),
            "cart.weft.internal",
        );
        match &ended.client {
            Ok(()) => accepted.push(hostile.name),
            Err(error) => check_reason(hostile.name, hostile.reason, error),
        }
    }
    assert_eq!(accepted, [""; 0]);
}

/// P-1, P-2: a server of ours never takes a hostile caller for anybody, whether callers must show a certificate or may.
#[test]
fn servers_refuse_every_hostile_client() {
    let world = World::new();
    let own = world.svid(CART);
    let mut accepted = Vec::new();
    for hostile in corpus::all(&world) {
        for client_auth in [ClientAuth::Required, ClientAuth::Optional] {
            let trust = bundle::trust(hostile.bundles.clone());
            let certificates = Arc::new(Always(own.certified_key()));
            let server = tls::server(certificates, trust, client_auth, vec![ALPN.to_vec()]);
            let ended = shake(
                &careless_client(&hostile.chain, &hostile.key),
                &server,
                "cart.weft.internal",
            );
            match &ended.server {
                Ok(()) if ended.callers_certificates == 0 => {
                    assert_eq!(client_auth, ClientAuth::Optional)
                }
                Ok(()) => accepted.push(hostile.name),
                Err(error) => check_reason(hostile.name, hostile.reason, error),
            }
        }
    }
    assert_eq!(accepted, [""; 0]);
}

/// P-2, P-3
#[test]
fn good_chains_shake_hands_in_both_roles() {
    let world = World::new();
    let source = world.svid(FRONT);
    for good in good::all(&world) {
        let trust = || bundle::trust(world.bundles.clone());
        let client = tls::client(Some(&source), Expect::Id(id(&good.id)), trust(), ALPN);
        let ended = shake(
            &client,
            &careless_server(&good.chain, &good.key),
            "cart.weft.internal",
        );
        assert!(ended.accepted(), "{} as server: {ended:?}", good.name);

        let certificates = Arc::new(Always(source.certified_key()));
        let server = tls::server(
            certificates,
            trust(),
            ClientAuth::Required,
            vec![ALPN.to_vec()],
        );
        let ended = shake(
            &careless_client(&good.chain, &good.key),
            &server,
            "cart.weft.internal",
        );
        assert!(ended.accepted(), "{} as client: {ended:?}", good.name);
    }
}

/// P-3: a chain is public; only its key proves anything.
#[test]
fn an_honest_chain_without_its_key_proves_nothing() {
    let world = World::new();
    let (cart, front) = (world.svid(CART), world.svid(FRONT));
    let stolen = KeyPair::generate().unwrap();
    let trust = || bundle::trust(world.bundles.clone());

    let client = tls::client(Some(&front), Expect::Id(id(CART)), trust(), ALPN);
    let ended = shake(
        &client,
        &careless_server(cart.chain(), &stolen),
        "cart.weft.internal",
    );
    assert!(ended.client.is_err(), "{ended:?}");

    for client_auth in [ClientAuth::Required, ClientAuth::Optional] {
        let certificates = Arc::new(Always(cart.certified_key()));
        let server = tls::server(certificates, trust(), client_auth, vec![ALPN.to_vec()]);
        let ended = shake(
            &careless_client(front.chain(), &stolen),
            &server,
            "cart.weft.internal",
        );
        assert!(ended.server.is_err(), "{ended:?}");
    }
}

/// A chain so large or malformed that rustls itself won't have it is refused all the same; else the reason must be the corpus's.
fn check_reason(name: &str, reason: fn(&VerifyError) -> bool, error: &rustls::Error) {
    if let Some(refusal) = refusal_of(error) {
        assert!(reason(refusal), "{name}: {refusal:?}");
    }
}

fn certified(chain: &[CertificateDer<'static>], key: &KeyPair) -> Arc<CertifiedKey> {
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let key = identity::provider()
        .key_provider
        .load_private_key(key)
        .unwrap();
    Arc::new(CertifiedKey::new(chain.to_vec(), key))
}

/// A server that shows what it is told and asks callers for nothing.
fn careless_server(chain: &[CertificateDer<'static>], key: &KeyPair) -> Arc<ServerConfig> {
    let mut server = ServerConfig::builder_with_provider(identity::provider())
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified(chain, key))));
    server.alpn_protocols = vec![ALPN.to_vec()];
    Arc::new(server)
}

/// A client that shows what it is told and believes any server.
fn careless_client(chain: &[CertificateDer<'static>], key: &KeyPair) -> Arc<ClientConfig> {
    let mut client = ClientConfig::builder_with_provider(identity::provider())
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(handshake::Gullible))
        .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified(chain, key))));
    client.alpn_protocols = vec![ALPN.to_vec()];
    Arc::new(client)
}
