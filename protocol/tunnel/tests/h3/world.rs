//! Two endpoints with SVIDs of one authority, and a QUIC client that knows no HTTP/3.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use identity::authority::{IntermediateAuthority, RootAuthority};
use identity::bundle::{Bundle, Bundles, Trust};
use identity::tls::{ClientAuth, Expect, ServerCertificates};
use identity::{PrivateKey, X509Svid};
use protocol::cid::{Generation, Handle, RoutingKey, RoutingKeys, Selector};
use protocol::name::{SpiffeId, TrustDomain};
use rustls::sign::CertifiedKey;
use tunnel::{Accepted, Alpn, Dial, Endpoint, EndpointConfig, Limits, NodeSecret, Routing, Tunnel};

pub(crate) const CART: &str = "spiffe://east.example/ns/shop/sa/cart";
pub(crate) const PAYMENTS: &str = "spiffe://east.example/ns/shop/sa/payments";
pub(crate) const PAYMENTS_HOST: &str = "payments.shop.svc.cluster.local";

/// Who trusts whom, and who issues.
pub(crate) struct World {
    trust: Trust,
    authority: IntermediateAuthority,
    keys: RoutingKeys,
}

/// Both ends of one tunnel, with the endpoints that it needs.
pub(crate) struct Pair {
    pub(crate) caller: Tunnel,
    pub(crate) listener: Tunnel,
    _endpoints: [Endpoint; 2],
}

#[derive(Debug)]
struct OneCertificate(Arc<CertifiedKey>);

impl ServerCertificates for OneCertificate {
    fn for_server_name(&self, _name: Option<&str>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

impl World {
    pub(crate) fn new() -> Self {
        let now = SystemTime::now();
        let domain: TrustDomain = "east.example".parse().unwrap();
        let root = RootAuthority::create(&domain, now).unwrap();
        let authority = root.intermediate(now, [1; 16]).unwrap();
        let mut bundles = Bundles::new();
        bundles.insert(Bundle {
            trust_domain: domain,
            sequence: 1,
            roots: vec![root.certificate().clone()],
            valid_until: None,
        });
        let generation = Generation::new(0).unwrap();
        Self {
            trust: identity::bundle::trust(bundles),
            authority,
            keys: RoutingKeys::new(vec![RoutingKey::new(generation, [7; 16], true)]).unwrap(),
        }
    }

    fn svid(&self, id: &str) -> X509Svid {
        let key = PrivateKey::generate().unwrap();
        let id: SpiffeId = id.parse().unwrap();
        let csr = key.csr().unwrap();
        let (life, now) = (Duration::from_secs(3600), SystemTime::now());
        let chain = self.authority.issue(&csr, &id, life, now, rand::random());
        X509Svid::from_parts(chain.unwrap(), key).unwrap()
    }

    /// Without routing keys everybody may dial: what an `open` listener is.
    fn endpoint(&self, server: Option<&X509Svid>) -> Endpoint {
        let server = server.map(|svid| {
            identity::tls::server(
                Arc::new(OneCertificate(svid.certified_key())),
                Arc::clone(&self.trust),
                ClientAuth::Required,
                vec![Alpn::H3.id().to_vec()],
            )
        });
        Endpoint::bind(EndpointConfig {
            bind: "127.0.0.1:0".parse().unwrap(),
            secret: &NodeSecret::ephemeral(),
            routing: Arc::new(Routing::new_unenrolled()),
            server,
            limits: Limits::default(),
        })
        .unwrap()
    }

    /// A tunnel from cart to payments that asks for `server_name`.
    pub(crate) async fn pair(&self, server_name: &str) -> Pair {
        let (cart, payments) = (self.svid(CART), self.svid(PAYMENTS));
        let (from, to) = (self.endpoint(None), self.endpoint(Some(&payments)));
        let capability = self.keys.capability(Selector::new(9).unwrap(), u64::MAX);
        let dialing = from.dial(Dial {
            remote: to.local_addr(),
            capability: &capability,
            handle: Handle::new(2.try_into().unwrap()),
            server_name,
            source: Some(&cart),
            expect: Expect::Id(PAYMENTS.parse().unwrap()),
            trust: &self.trust,
            alpn: Alpn::H3,
            within: Duration::from_secs(10),
        });
        let (caller, listener) = tokio::join!(dialing, accept(&to, &self.trust));
        Pair {
            caller: caller.unwrap(),
            listener,
            _endpoints: [from, to],
        }
    }

    /// A plain QUIC connection from cart to payments, and the tunnel at its other end.
    pub(crate) async fn raw(&self) -> (quinn::Connection, Tunnel, (quinn::Endpoint, Endpoint)) {
        let (cart, payments) = (self.svid(CART), self.svid(PAYMENTS));
        let to = self.endpoint(Some(&payments));
        let expect = Expect::Id(PAYMENTS.parse().unwrap());
        let tls =
            identity::tls::client(Some(&cart), expect, Arc::clone(&self.trust), Alpn::H3.id());
        let tls = quinn::crypto::rustls::QuicClientConfig::try_from(tls).unwrap();
        let from = quinn::Endpoint::client("127.0.0.1:0".parse().unwrap()).unwrap();
        let config = quinn::ClientConfig::new(Arc::new(tls));
        let connecting = from
            .connect_with(config, to.local_addr(), PAYMENTS_HOST)
            .unwrap();
        let (connection, tunnel) = tokio::join!(connecting, accept(&to, &self.trust));
        (connection.unwrap(), tunnel, (from, to))
    }
}

async fn accept(endpoint: &Endpoint, trust: &Trust) -> Tunnel {
    match endpoint.accept().await.unwrap().prove(trust).await.unwrap() {
        Accepted::Tunnel(tunnel) => tunnel,
        Accepted::Stranger(_) => panic!("a stranger on h3"),
    }
}
