//! A listener with a thread for each shard, and callers; all prove who they are.

use std::net::SocketAddr;
use std::num::NonZeroU8;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use identity::authority::RootAuthority;
use identity::bundle::{Bundle, Bundles, Trust};
use identity::tls::{ClientAuth, Expect, ServerCertificates};
use identity::{PrivateKey, X509Svid};
use protocol::cid::{
    AllowedSelector, Capability, Generation, Handle, RoutingKey, RoutingKeys, Selector,
};
use quinn::ConnectionIdGenerator as _;
use rustls::sign::CertifiedKey;
use tokio::sync::watch;

use crate::cid_generator::CidGenerator;
use crate::shard::{Seat, Switchboard};
use crate::{
    Accepted, Alpn, Dial, Endpoint, EndpointConfig, EndpointCounts, Limits, NodeSecret, Routing,
    Sockets, Tunnel,
};

const ID: &str = "spiffe://east.example/ns/shop/sa/cart";
pub(super) const CALLER: u32 = 1;
pub(super) const LISTENER: u32 = 2;

pub(super) struct World {
    trust: Trust,
    svid: X509Svid,
    keys: RoutingKeys,
    secret: NodeSecret,
}

#[derive(Debug)]
struct OneCertificate(Arc<CertifiedKey>);

impl ServerCertificates for OneCertificate {
    fn for_server_name(&self, _name: Option<&str>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

fn handle(number: u32) -> Handle {
    Handle::try_from(number).unwrap()
}

fn selector() -> Selector {
    Selector::new(9).unwrap()
}

impl World {
    pub(super) fn new() -> Self {
        let now = SystemTime::now();
        let root = RootAuthority::create(&"east.example".parse().unwrap(), now).unwrap();
        let authority = root.intermediate(now, [1; 16]).unwrap();
        let bundle = Bundle {
            trust_domain: "east.example".parse().unwrap(),
            sequence: 1,
            roots: vec![root.certificate().clone()],
            valid_until: None,
        };
        let key = PrivateKey::generate().unwrap();
        let csr = key.csr().unwrap();
        let life = Duration::from_secs(3600);
        let chain = authority
            .issue(&csr, &ID.parse().unwrap(), life, now, rand::random())
            .unwrap();
        let key_of = RoutingKey::new(Generation::new(0).unwrap(), [7; 16], true);
        Self {
            trust: identity::bundle::trust(Bundles::from_iter([bundle])),
            svid: X509Svid::from_parts(chain, key).unwrap(),
            keys: RoutingKeys::new(vec![key_of]).unwrap(),
            secret: NodeSecret::ephemeral(),
        }
    }

    pub(super) fn routing(&self, number: u32) -> Arc<Routing> {
        let routing = Arc::new(Routing::new_unenrolled());
        let allowed = AllowedSelector {
            selector: selector(),
            peer: None,
            not_after: u64::MAX,
            only_handle: None,
        };
        routing.install(handle(number), self.keys.clone(), vec![allowed]);
        routing
    }

    pub(super) fn cid_of(routing: &Arc<Routing>) -> quinn::ConnectionId {
        let place = Switchboard::places(NonZeroU8::MIN).remove(0);
        CidGenerator {
            routing: Arc::clone(routing),
            place,
        }
        .generate_cid()
    }

    fn bind(&self, number: u32, shards: u8, bind: SocketAddr) -> (Endpoint, Vec<Seat>) {
        let certificates = Arc::new(OneCertificate(self.svid.certified_key()));
        let server = identity::tls::server(
            certificates,
            Arc::clone(&self.trust),
            ClientAuth::Required,
            vec![Alpn::Weft1.id().to_vec()],
        );
        let config = EndpointConfig {
            bind,
            secret: &self.secret,
            routing: self.routing(number),
            server: Some(server),
            limits: Limits::default(),
        };
        let shards = shards.try_into().unwrap();
        Endpoint::bind_shards(config, shards, &Sockets::default(), "udp").unwrap()
    }

    pub(super) fn caller(&self, shards: u8) -> (Endpoint, Vec<Seat>) {
        self.bind(CALLER, shards, "127.0.0.1:0".parse().unwrap())
    }

    fn capability(&self) -> Capability {
        self.keys.capability(selector(), u64::MAX)
    }

    pub(super) async fn dial(&self, from: &Endpoint, remote: SocketAddr) -> Tunnel {
        let dial = Dial {
            remote,
            capability: &self.capability(),
            handle: handle(LISTENER),
            server_name: "abcdefghijklmnopqrstuvwxyz.weft.internal",
            source: Some(&self.svid),
            expect: Expect::Id(ID.parse().unwrap()),
            trust: &self.trust,
            alpn: Alpn::Weft1,
            within: Duration::from_secs(10),
        };
        from.dial(dial).await.unwrap()
    }
}

/// Several shards that say to everybody who asks which of them was asked.
pub(super) struct Listener {
    pub(super) address: SocketAddr,
    endpoint: Endpoint,
    crash: watch::Sender<bool>,
    threads: Vec<JoinHandle<()>>,
}

impl Listener {
    pub(super) fn start(world: &World, shards: u8, at: Option<SocketAddr>) -> Self {
        let (crash, crashed) = watch::channel(false);
        let runtime = runtime();
        let (first, seats) = {
            let _within = runtime.enter();
            world.bind(
                LISTENER,
                shards,
                at.unwrap_or("127.0.0.1:0".parse().unwrap()),
            )
        };
        let serve = |runtime: tokio::runtime::Runtime, endpoint: Endpoint, shard: u8| {
            let (trust, mut crashed) = (Arc::clone(&world.trust), crashed.clone());
            std::thread::spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = accept(endpoint, trust, shard) => {}
                        _ = crashed.wait_for(|crashed| *crashed) => {}
                    }
                });
            })
        };
        let mut threads = Vec::new();
        for seat in seats {
            let (runtime, shard) = (self::runtime(), seat.number());
            let endpoint = {
                let _within = runtime.enter();
                seat.open().unwrap()
            };
            threads.push(serve(runtime, endpoint, shard));
        }
        threads.push(serve(runtime, first.clone(), 0));
        Self {
            address: first.local_addr(),
            endpoint: first,
            crash,
            threads,
        }
    }

    pub(super) fn counts(&self) -> EndpointCounts {
        self.endpoint.counts()
    }

    /// Ends without a word to anybody.
    pub(super) fn crash(self) {
        self.crash.send_replace(true);
        for thread in self.threads {
            thread.join().unwrap();
        }
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

async fn accept(endpoint: Endpoint, trust: Trust, shard: u8) {
    while let Some(arrival) = endpoint.accept().await {
        let trust = Arc::clone(&trust);
        tokio::spawn(async move {
            let Ok(Accepted::Tunnel(tunnel)) = arrival.prove(&trust).await else {
                return;
            };
            while let Ok((mut send, _recv)) = tunnel.connection.accept_bi().await {
                if send.write_all(&[shard]).await.is_ok() {
                    drop(send.finish());
                }
            }
        });
    }
}

/// Asks which shard it is.
pub(super) async fn ask(tunnel: &Tunnel) -> Result<u8, String> {
    let say = |error: &dyn std::fmt::Display| error.to_string();
    let opened = tunnel.connection.open_bi().await;
    let (mut send, mut recv) = opened.map_err(|error| say(&error))?;
    send.write_all(b"?").await.map_err(|error| say(&error))?;
    let answer = recv.read_to_end(1).await.map_err(|error| say(&error))?;
    answer.first().copied().ok_or_else(|| "nothing".to_owned())
}
