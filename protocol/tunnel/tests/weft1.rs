//! Real tunnels on loopback: both ends proven, requests both ways, cancellation, refusals, a wrong identity.
#![allow(
    clippy::unwrap_used,
    clippy::missing_docs_in_private_items,
    reason = "a test may end by panicking"
)]

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use identity::authority::{IntermediateAuthority, RootAuthority};
use identity::bundle::{Bundle, Bundles, Trust};
use identity::tls::{ClientAuth, Expect, ServerCertificates};
use identity::{PrivateKey, X509Svid};
use protocol::cid::{
    AllowedSelector, Capability, Generation, Handle, RoutingKey, RoutingKeys, Selector,
};
use protocol::frame::{Fields, HttpVersion, Refusal, RequestHead, ResponseHead};
use protocol::name::{SpiffeId, TrustDomain};
use rustls::sign::CertifiedKey;
use tunnel::{
    Accepted, Alpn, CloseCode, CloseReason, Dial, DialError, Endpoint, EndpointConfig, Exchange,
    Limits, NodeSecret, Opening, RequestError, Routing, Tunnel, send_body,
};

const LIMIT: Duration = Duration::from_secs(20);

struct World {
    trust: Trust,
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

    fn svid(&self, id: &str) -> X509Svid {
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

    fn endpoint(&self, number: u32, server: Option<&X509Svid>) -> Endpoint {
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

    async fn dial(
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

fn head(path: &str) -> RequestHead {
    RequestHead {
        service: "shop/payments".parse().unwrap(),
        method: http::Method::POST,
        authority: "payments.shop".into(),
        path: path.into(),
        version: HttpVersion::Http11,
        fields: Fields::new(),
        upgrade: false,
    }
}

/// Two tunnels' ends: the caller's and the listener's.
async fn pair() -> (World, Endpoint, Endpoint, Tunnel, Tunnel) {
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

/// The first exchange of the next stream.
async fn next(listener: &Tunnel) -> Exchange {
    let opening = listener.accept_stream().await.unwrap().open().await;
    match opening.unwrap().unwrap() {
        Opening::Http(exchange) => exchange,
        other => panic!("{other:?}"),
    }
}

fn ok() -> ResponseHead {
    let mut fields = protocol::frame::FieldsBuilder::default();
    fields.push(b"X-Kept", b"yes").unwrap();
    ResponseHead {
        version: HttpVersion::Http11,
        status: http::StatusCode::CREATED,
        fields: fields.build(),
    }
}

#[tokio::test]
async fn both_ends_are_proven_and_a_request_streams_both_ways() {
    let (_world, _a, _b, caller, listener) = pair().await;
    assert_eq!(caller.remote().id().to_string(), PAYMENTS);
    assert_eq!(listener.remote().id().to_string(), CART);
    assert_eq!(
        listener.server_name(),
        Some("abcdefghijklmnopqrstuvwxyz.weft.internal")
    );
    let server = tokio::spawn(async move {
        let Exchange {
            head,
            mut send,
            recv,
        } = next(&listener).await;
        assert_eq!(head.path, "/charge");
        send.response(&ok(), false).await.unwrap();
        // The request's body is the response's: it streams while it comes.
        let (body, lent) = recv.lend();
        assert!(send_body(&mut send, body).await.unwrap());
        assert!(send.is_message_over() && lent.back().is_some());
        listener.closed().await;
    });
    let body = Full::new(Bytes::from(vec![5u8; 3 << 20]));
    let (answer, body) = tokio::time::timeout(LIMIT, caller.request(&head("/charge"), body))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(answer, ok());
    let got = body.collect().await.unwrap().to_bytes();
    assert_eq!(
        (got.len(), got.iter().all(|byte| *byte == 5)),
        (3 << 20, true)
    );
    caller.close(CloseCode::Done);
    server.await.unwrap();
}

#[tokio::test]
async fn one_stream_carries_one_exchange_after_another() {
    let (_world, _a, _b, caller, listener) = pair().await;
    let server = tokio::spawn(async move {
        let mut exchange = next(&listener).await;
        let mut served = 0;
        loop {
            exchange
                .send
                .response(&ok(), served % 2 == 0)
                .await
                .unwrap();
            if served % 2 == 1 {
                exchange
                    .send
                    .data(Bytes::from_static(b"body"), true)
                    .await
                    .unwrap();
            }
            served += 1;
            match Exchange::next(exchange.send, exchange.recv).await.unwrap() {
                Some(another) => exchange = another,
                None => return served,
            }
        }
    });
    for round in 0..20 {
        let (_, body) = caller.request(&head("/"), Empty::new()).await.unwrap();
        let body = body.collect().await.unwrap().to_bytes();
        assert_eq!(body.len(), round % 2 * 4);
    }
    // Unused for long, the stream is let go, and the listener hears an end.
    caller.trim(std::time::Instant::now() + Duration::from_secs(60));
    let served = tokio::time::timeout(LIMIT, server).await.unwrap().unwrap();
    assert_eq!(served, 20);
}

#[tokio::test]
async fn a_stream_that_ended_while_it_was_idle_loses_no_request() {
    let (_world, _a, _b, caller, listener) = pair().await;
    let (ended, ending) = tokio::sync::oneshot::channel();
    let server = tokio::spawn(async move {
        let mut first = next(&listener).await;
        first.send.response(&ok(), true).await.unwrap();
        drop(first);
        ended.send(()).unwrap();
        let mut second = next(&listener).await;
        second.send.response(&ok(), true).await.unwrap();
        listener.closed().await;
    });
    drop(caller.request(&head("/"), Empty::new()).await.unwrap());
    ending.await.unwrap();
    loop {
        match caller.request(&head("/"), Empty::new()).await {
            Ok(_) => break,
            Err(error) => assert!(error.is_undelivered(), "{error}"),
        }
    }
    caller.close(CloseCode::Done);
    server.await.unwrap();
}

#[tokio::test]
async fn refusals_say_that_nothing_was_delivered() {
    let (_world, _a, _b, caller, listener) = pair().await;
    tokio::spawn(async move {
        let mut exchange = next(&listener).await;
        exchange.send.refuse(Refusal::Draining).await.unwrap();
        listener.closed().await;
    });
    let error = caller.request(&head("/"), Empty::new()).await.unwrap_err();
    assert!(matches!(error, RequestError::Refused(Refusal::Draining)) && error.is_undelivered());
}

#[tokio::test]
async fn a_dropped_request_is_heard_at_the_other_end() {
    let (_world, _a, _b, caller, listener) = pair().await;
    let (read, reading) = tokio::sync::oneshot::channel();
    let (heard, hearing) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let exchange = next(&listener).await;
        read.send(()).unwrap();
        exchange.send.stopped().await;
        heard.send(()).unwrap();
    });
    let request = head("/slow");
    tokio::select! {
        _ = caller.request(&request, Empty::new()) => panic!("nobody answers"),
        read = reading => read.unwrap(),
    }
    tokio::time::timeout(LIMIT, hearing).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_response_that_breaks_off_is_an_error_not_an_end() {
    let (_world, _a, _b, caller, listener) = pair().await;
    tokio::spawn(async move {
        let mut exchange = next(&listener).await;
        let frames = futures_util::stream::iter([
            Ok(http_body::Frame::data(Bytes::from_static(b"half"))),
            Err(std::io::Error::other("the application died")),
        ]);
        exchange.send.response(&ok(), false).await.unwrap();
        assert!(
            !send_body(&mut exchange.send, StreamBody::new(frames))
                .await
                .unwrap()
        );
        exchange.send.break_off(tunnel::StreamCode::Broken);
        listener.closed().await;
    });
    // The reset may overtake the head; either way the caller must not see an end.
    let ended = match caller.request(&head("/"), Empty::new()).await {
        Ok((_, body)) => body.collect().await.map(drop),
        Err(RequestError::Broken(error)) => Err(error),
        Err(other) => panic!("{other}"),
    };
    assert!(ended.is_err());
}

/// P-3: the caller takes no other identity than the one it expects, however valid.
#[tokio::test]
async fn a_valid_but_other_identity_is_refused_by_the_caller() {
    let world = World::new();
    let (cart, payments) = (world.svid(CART), world.svid(PAYMENTS));
    let (caller, listener) = (world.endpoint(1, None), world.endpoint(2, Some(&payments)));
    let trust = Arc::clone(&world.trust);
    let accepting = listener.clone();
    tokio::spawn(async move {
        while let Some(arrival) = accepting.accept().await {
            drop(arrival.prove(&trust).await);
        }
    });
    let dialed = world
        .dial(
            &caller,
            &listener,
            &cart,
            "spiffe://east.example/ns/shop/sa/vault",
        )
        .await;
    assert!(
        matches!(dialed, Err(DialError::Unproven { .. })),
        "{dialed:?}"
    );
    assert_eq!(caller.counts().handshakes_dialed, 0);
}

/// TRANSPORT section 10, 1: many dials to one endpoint at once all connect, each with a first ID of its own.
#[tokio::test]
async fn a_hundred_dials_at_once_all_connect() {
    let world = World::new();
    let (cart, payments) = (world.svid(CART), world.svid(PAYMENTS));
    let (caller, listener) = (world.endpoint(1, None), world.endpoint(2, Some(&payments)));
    let (trust, accepting) = (Arc::clone(&world.trust), listener.clone());
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Some(arrival) = accepting.accept().await {
            kept.push(arrival.prove(&trust).await);
        }
    });
    let dials = (0..100).map(|_| world.dial(&caller, &listener, &cart, PAYMENTS));
    let dialed = futures_util::future::join_all(dials).await;
    assert_eq!(dialed.iter().filter(|dialed| dialed.is_ok()).count(), 100);
    assert_eq!(caller.counts().handshakes_dialed, 100);
}

#[tokio::test]
async fn a_first_id_that_does_not_open_never_reaches_quic() {
    let world = World::new();
    let (cart, payments) = (world.svid(CART), world.svid(PAYMENTS));
    let (caller, listener) = (world.endpoint(1, None), world.endpoint(2, Some(&payments)));
    let forged = RoutingKeys::new(vec![RoutingKey::new(
        Generation::new(0).unwrap(),
        [8; 16],
        true,
    )])
    .unwrap();
    let forged = World {
        capability: forged.capability(Selector::new(9).unwrap(), u64::MAX),
        ..world
    };
    let dialed = forged.dial(&caller, &listener, &cart, PAYMENTS);
    let dialed = tokio::time::timeout(Duration::from_millis(1500), dialed).await;
    assert!(dialed.is_err(), "nobody answers what doesn't open");
    assert!(listener.counts().datagrams_dropped >= 1);
    assert_eq!(listener.counts().handshakes_accepted, 0);
}

#[tokio::test]
async fn a_close_carries_its_code() {
    let (_world, _a, _b, caller, listener) = pair().await;
    listener.close(CloseCode::Draining);
    assert_eq!(
        tokio::time::timeout(LIMIT, caller.closed()).await.unwrap(),
        CloseReason::There(Some(CloseCode::Draining))
    );
    assert!(matches!(
        caller.request(&head("/"), Empty::new()).await,
        Err(RequestError::NotSent(_))
    ));
}
