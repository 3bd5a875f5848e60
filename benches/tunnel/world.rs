//! One trust domain of two, on disk, so that two processes have it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use identity::authority::RootAuthority;
use identity::bundle::{Bundle, Bundles, Trust};
use identity::tls::{ClientAuth, Expect, ServerCertificates};
use identity::{PrivateKey, X509Svid};
use protocol::cid::{
    AllowedSelector, Capability, Generation, Handle, RoutingKey, RoutingKeys, Selector,
};
use protocol::name::{ServiceName, SpiffeId, TrustDomain};
use rustls::sign::CertifiedKey;
use tunnel::{
    Alpn, Congestion, Dial, Endpoint, EndpointConfig, Limits, NodeSecret, Routing, Tunnel,
};

/// A directory that nobody else may read.
const AUTHORITY: &str = "authority";
const CALLER: &str = "spiffe://bench.example/ns/bench/sa/caller";
const ORIGIN: &str = "spiffe://bench.example/ns/bench/sa/origin";

/// Makes the authority and both SVIDs.
pub(crate) fn found(place: &Path) {
    let now = SystemTime::now();
    let domain: TrustDomain = "bench.example".parse().unwrap();
    let root = RootAuthority::create(&domain, now).unwrap();
    let authority = root.intermediate(now, [1; 16]).unwrap();
    root.save(&place.join(AUTHORITY)).unwrap();
    for (serial, id) in [(2, CALLER), (3, ORIGIN)] {
        let key = PrivateKey::generate().unwrap();
        let csr = key.csr().unwrap();
        let id: SpiffeId = id.parse().unwrap();
        let hour = Duration::from_secs(3_600);
        let chain = authority.issue(&csr, &id, hour, now, [serial; 16]).unwrap();
        let svid = X509Svid::from_parts(chain, key).unwrap();
        svid.save(&place.join(serial.to_string())).unwrap();
    }
}

/// What both ends know.
pub(crate) struct World {
    trust: Trust,
    caller: X509Svid,
    origin: X509Svid,
    keys: RoutingKeys,
    selector: Selector,
}

#[derive(Debug)]
struct OneCertificate(Arc<CertifiedKey>);

impl ServerCertificates for OneCertificate {
    fn for_server_name(&self, _name: Option<&str>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

impl World {
    pub(crate) fn load(place: &Path) -> Self {
        let root = RootAuthority::load(&place.join(AUTHORITY)).unwrap();
        let mut bundles = Bundles::new();
        bundles.insert(Bundle {
            trust_domain: root.trust_domain().clone(),
            sequence: 1,
            roots: vec![root.certificate().clone()],
            valid_until: None,
        });
        let generation = Generation::new(0).unwrap();
        Self {
            trust: identity::bundle::trust(bundles),
            caller: X509Svid::load(&place.join("2")).unwrap(),
            origin: X509Svid::load(&place.join("3")).unwrap(),
            keys: RoutingKeys::new(vec![RoutingKey::new(generation, [7; 16], true)]).unwrap(),
            selector: Selector::new(9).unwrap(),
        }
    }

    pub(crate) fn trust(&self) -> &Trust {
        &self.trust
    }

    pub(crate) fn service(&self) -> ServiceName {
        "bench/origin".parse().unwrap()
    }

    pub(crate) fn caller(&self, bind: SocketAddr, congestion: Congestion) -> Endpoint {
        self.endpoint(1, bind, congestion, None)
    }

    pub(crate) fn listener(&self, bind: SocketAddr, congestion: Congestion) -> Endpoint {
        let certificates = Arc::new(OneCertificate(self.origin.certified_key()));
        let server = identity::tls::server(
            certificates,
            Arc::clone(&self.trust),
            ClientAuth::Required,
            vec![Alpn::Weft1.id().to_vec()],
        );
        self.endpoint(2, bind, congestion, Some(server))
    }

    fn endpoint(
        &self,
        number: u32,
        bind: SocketAddr,
        congestion: Congestion,
        server: Option<Arc<rustls::ServerConfig>>,
    ) -> Endpoint {
        let routing = Arc::new(Routing::new_unenrolled());
        let allowed = AllowedSelector {
            selector: self.selector,
            peer: None,
            not_after: u64::MAX,
            only_handle: None,
        };
        routing.install(handle(number), self.keys.clone(), vec![allowed]);
        Endpoint::bind(EndpointConfig {
            bind,
            secret: &NodeSecret::ephemeral(),
            routing,
            server,
            limits: Limits {
                congestion,
                ..Limits::default()
            },
        })
        .unwrap()
    }

    pub(crate) async fn dial(&self, endpoint: &Endpoint, remote: SocketAddr) -> Tunnel {
        let capability: Capability = self.keys.capability(self.selector, u64::MAX);
        let dialed = endpoint.dial(Dial {
            remote,
            capability: &capability,
            handle: handle(2),
            server_name: "abcdefghijklmnopqrstuvwxyz.weft.internal",
            source: Some(&self.caller),
            expect: Expect::Id(ORIGIN.parse().unwrap()),
            trust: &self.trust,
            alpn: Alpn::Weft1,
            within: Duration::from_secs(5),
        });
        dialed.await.unwrap()
    }
}

fn handle(number: u32) -> Handle {
    Handle::new(number.try_into().unwrap())
}
