//! Two endpoints on loopback, and a tunnel between them whose ends are proven.
#![allow(clippy::unwrap_used, reason = "a test may end by panicking")]

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use identity::authority::{IntermediateAuthority, RootAuthority};
use identity::bundle::{Bundle, Bundles, Trust};
use identity::tls::{ClientAuth, Expect, ServerCertificates};
use identity::{PrivateKey, X509Svid};
use protocol::cid::{
    AllowedSelector, Capability, Generation, Handle, RoutingKey, RoutingKeys, Selector,
};
use protocol::name::{SpiffeId, TrustDomain};
use rustls::sign::CertifiedKey;
use tunnel::{
    Accepted, Alpn, Dial, DialError, Endpoint, EndpointConfig, Limits, NodeSecret, Routing, Tunnel,
};

/// One trust domain, and endpoints in it.
#[derive(Debug)]
pub(crate) struct World {
    /// What its ends believe.
    pub(crate) trust: Trust,
    authority: IntermediateAuthority,
    capability: Capability,
    keys: RoutingKeys,
    selectors: Vec<AllowedSelector>,
}

#[derive(Debug)]
struct OneCertificate(Arc<CertifiedKey>);

impl ServerCertificates for OneCertificate {
    fn for_server_name(&self, _name: Option<&str>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

impl World {
    fn new() -> Self {
        let now = SystemTime::now();
        let domain: TrustDomain = "east.example".parse().unwrap();
        let root = RootAuthority::create(&domain, now).unwrap();
        let authority = root.intermediate(now, [1; 16]).unwrap();
        let bundle = Bundle {
            trust_domain: domain,
            sequence: 1,
            roots: vec![root.certificate().clone()],
            valid_until: None,
        };
        let mut bundles = Bundles::new();
        bundles.insert(bundle);
        let trust: Trust = identity::bundle::trust(bundles);
        let generation = Generation::new(0).unwrap();
        let keys = RoutingKeys::new(vec![RoutingKey::new(generation, [7; 16], true)]).unwrap();
        let selector = Selector::new(9).unwrap();
        let capability = keys.capability(selector, u64::MAX);
        let selectors = vec![AllowedSelector {
            selector,
            peer: None,
            not_after: u64::MAX,
            only_handle: None,
        }];
        Self {
            trust,
            authority,
            capability,
            keys,
            selectors,
        }
    }

    /// A fresh SVID.
    pub(crate) fn svid(&self, id: &str) -> X509Svid {
        let key = PrivateKey::generate().unwrap();
        let id: SpiffeId = id.parse().unwrap();
        let now = SystemTime::now();
        let csr = key.csr().unwrap();
        let chain = self
            .authority
            .issue(&csr, &id, Duration::from_secs(3600), now, rand::random())
            .unwrap();
        X509Svid::from_parts(chain, key).unwrap()
    }

    /// An endpoint that takes tunnels if it is given an SVID.
    pub(crate) fn endpoint(&self, number: u32, server: Option<&X509Svid>) -> Endpoint {
        let routing = Arc::new(Routing::new_unenrolled());
        routing.install(handle(number), self.keys.clone(), self.selectors.clone());
        let tls = server.map(|svid| {
            let certificates = Arc::new(OneCertificate(svid.certified_key()));
            identity::tls::server(
                certificates,
                Arc::clone(&self.trust),
                ClientAuth::Required,
                vec![Alpn::Weft1.id().to_vec()],
            )
        });
        Endpoint::bind(EndpointConfig {
            bind: "127.0.0.1:0".parse().unwrap(),
            secret: &NodeSecret::ephemeral(),
            routing,
            server: tls,
            limits: Limits::default(),
        })
        .unwrap()
    }

    /// Dials once.
    pub(crate) async fn dial(
        &self,
        from: &Endpoint,
        to: &Endpoint,
        source: &X509Svid,
        expect: &str,
    ) -> Result<Tunnel, DialError> {
        from.dial(Dial {
            remote: to.local_addr(),
            capability: &self.capability,
            handle: handle(2),
            server_name: "abcdefghijklmnopqrstuvwxyz.weft.internal",
            source: Some(source),
            expect: Expect::Id(expect.parse().unwrap()),
            trust: &self.trust,
            alpn: Alpn::Weft1,
            within: Duration::from_secs(5),
        })
        .await
    }
}

fn handle(number: u32) -> Handle {
    Handle::new(number.try_into().unwrap())
}

const CART: &str = "spiffe://east.example/ns/shop/sa/cart";
const PAYMENTS: &str = "spiffe://east.example/ns/shop/sa/payments";

/// Two tunnels' ends: the caller's and the listener's.
pub(crate) async fn pair() -> (World, Endpoint, Endpoint, Tunnel, Tunnel) {
    let world = World::new();
    let (cart, payments) = (world.svid(CART), world.svid(PAYMENTS));
    let (caller, listener) = (world.endpoint(1, None), world.endpoint(2, Some(&payments)));
    let trust = Arc::clone(&world.trust);
    let accepting = async {
        match listener
            .accept()
            .await
            .unwrap()
            .prove(&trust)
            .await
            .unwrap()
        {
            Accepted::Tunnel(tunnel) => tunnel,
            Accepted::Stranger(_) => panic!("a stranger on weft/1"),
        }
    };
    let (dialed, accepted) =
        tokio::join!(world.dial(&caller, &listener, &cart, PAYMENTS), accepting);
    (world, caller, listener, dialed.unwrap(), accepted)
}
