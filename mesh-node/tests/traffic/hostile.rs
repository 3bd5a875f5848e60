//! Callers who speak `weft/1` themselves and believe to gain something by it.

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use protocol::name::SpiffeId;
use tunnel::{
    CloseCode, CloseReason, FieldsBuilder, HttpVersion, Refusal, RequestError, RequestHead, Tunnel,
};

use super::East;
use super::bed::cluster::{Intruder, label};
use super::bed::{PATIENCE, send};

fn head(method: Method, path: &str, fields: &[(&'static str, &str)]) -> RequestHead {
    let mut built = FieldsBuilder::default();
    for (name, value) in fields {
        built.push(name.as_bytes(), value.as_bytes()).unwrap();
    }
    RequestHead {
        service: super::bed::cluster::service_name("shop/pay"),
        method,
        authority: "pay.shop".to_owned(),
        path: path.to_owned(),
        version: HttpVersion::Http11,
        fields: built.build(),
        upgrade: false,
    }
}

/// A body in several pieces, of a length that nobody is told.
fn pieces(
    pieces: &[&'static str],
) -> impl http_body::Body<Data = Bytes, Error = std::convert::Infallible> + Send + 'static {
    let frames: Vec<_> = pieces
        .iter()
        .map(|piece| Ok(Frame::data(Bytes::from_static(piece.as_bytes()))))
        .collect();
    StreamBody::new(futures_util::stream::iter(frames))
}

async fn intrude(east: &East) -> (Intruder, Tunnel) {
    let intruder = east
        .cluster
        .intruder(east.cluster.spiffe_id("shop", "mallory"));
    let tunnel = east.cluster.dial(&intruder, &east.b, "pay").await;
    (intruder, tunnel)
}

async fn closed(tunnel: &Tunnel) -> CloseReason {
    tokio::time::timeout(PATIENCE, tunnel.closed())
        .await
        .unwrap()
}

// P-15
#[tokio::test]
async fn a_head_that_lies_of_its_body_reaches_no_app() {
    let east = East::start().await;
    let (_intruder, tunnel) = intrude(&east).await;
    for fields in [
        &[("content-length", "5")][..],
        &[("content-length", "0"), ("content-length", "0")],
        &[("content-length", "+0")],
        &[("transfer-encoding", "chunked")],
    ] {
        let head = head(Method::POST, "/length", fields);
        // Let through, it would make the app wait for a body that never comes.
        let asked = tunnel.request(&head, Full::<Bytes>::default());
        let refused = tokio::time::timeout(PATIENCE, asked).await.unwrap();
        assert!(
            matches!(refused, Err(RequestError::Refused(Refusal::Malformed))),
            "{fields:?} {refused:?}"
        );
    }
    let connect = head(Method::CONNECT, "/", &[]);
    let refused = tunnel.request(&connect, Full::<Bytes>::default()).await;
    assert!(matches!(
        refused,
        Err(RequestError::Refused(Refusal::Malformed))
    ));
}

// P-15
#[tokio::test]
async fn a_body_of_another_length_than_declared_is_never_a_request() {
    let east = East::start().await;
    let (_intruder, tunnel) = intrude(&east).await;
    let smuggled = "GET /status/201 HTTP/1.1\r\nhost: x\r\n\r\n";
    for (length, body) in [
        ("50", &["abc"][..]),
        ("3", &["abc", smuggled]),
        ("1", &["abc"]),
        ("0", &[smuggled]),
    ] {
        let head = head(Method::POST, "/", &[("content-length", length)]);
        // Whatever this one comes to, the next finds a connection that holds nothing of it.
        drop(tunnel.request(&head, pieces(body)).await);
        let good = self::head(Method::POST, "/length", &[("content-length", "3")]);
        let (_, body) = tunnel.request(&good, pieces(&["a", "bc"])).await.unwrap();
        let text = body.collect().await.unwrap().to_bytes();
        assert_eq!(text, "3 false", "after {length}");
    }
}

// P-14
#[tokio::test]
async fn nobody_nominates_the_callers_identity_away() {
    let east = East::start().await;
    let (intruder, tunnel) = intrude(&east).await;
    let nominated = "x-spiffe-caller, x-forwarded-client-cert";
    let head = head(Method::GET, "/headers", &[("connection", nominated)]);
    let (_, body) = tunnel
        .request(&head, Full::<Bytes>::default())
        .await
        .unwrap();
    let text = body.collect().await.unwrap().to_bytes();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(
        text.contains(&format!("x-spiffe-caller: {}\n", intruder.id)),
        "{text}"
    );
    assert!(text.contains(&format!(";URI={}\n", intruder.id)), "{text}");
}

// P-16
#[tokio::test]
async fn authority_and_service_agree() {
    let east = East::start().await;
    let (_intruder, tunnel) = intrude(&east).await;
    for authority in ["cart.shop.svc.cluster.local", "x@pay.shop", ""] {
        let head = RequestHead {
            authority: authority.to_owned(),
            ..head(Method::GET, "/", &[])
        };
        let refused = tunnel.request(&head, Full::<Bytes>::default()).await;
        assert!(
            matches!(refused, Err(RequestError::Refused(Refusal::Malformed))),
            "{authority} {refused:?}"
        );
    }
    for (host, status) in [
        ("cart.shop.svc.cluster.local", 400),
        ("www.example.com", 200),
        ("example.com", 200),
        ("pay.shop", 200),
    ] {
        let request = Request::get(format!("http://127.0.0.1:{}/", east.listener))
            .header("host", host)
            .body(Full::default())
            .unwrap();
        assert_eq!(send(request).await.unwrap().status(), status, "{host}");
    }
}

#[tokio::test]
async fn those_who_carry_requests_make_none() {
    let east = East::start().await;
    let domain = &east.cluster.trust_domain;
    for id in [
        SpiffeId::node(domain, &label("a")),
        SpiffeId::gateway(domain, &label("g")),
        SpiffeId::controller(domain),
    ] {
        let intruder = east.cluster.intruder(id);
        let tunnel = east.cluster.dial(&intruder, &east.b, "pay").await;
        let why = closed(&tunnel).await;
        assert_eq!(why, CloseReason::There(Some(CloseCode::Refused)));
    }
}

#[tokio::test]
async fn one_identity_has_64_tunnels_and_no_more() {
    let east = East::start().await;
    let (intruder, first) = intrude(&east).await;
    let mut held = vec![first];
    while held.len() < 65 {
        // One after another is let in: a request shows it.
        let tunnel = held.last().unwrap();
        let get = head(Method::GET, "/", &[]);
        tunnel
            .request(&get, Full::<Bytes>::default())
            .await
            .unwrap();
        held.push(east.cluster.dial(&intruder, &east.b, "pay").await);
    }
    let why = closed(held.last().unwrap()).await;
    assert_eq!(why, CloseReason::There(Some(CloseCode::Refused)));
    assert!(held[..64].iter().all(|tunnel| !tunnel.is_closed()));
}

// P-8
#[tokio::test]
async fn a_tunnel_to_what_is_offered_no_longer_closes() {
    let east = East::start().await;
    let (_intruder, tunnel) = intrude(&east).await;
    let get = head(Method::GET, "/", &[]);
    tunnel
        .request(&get, Full::<Bytes>::default())
        .await
        .unwrap();
    let mut view = east.view_of_b(2);
    view.server_names.clear();
    east.cluster.send(&east.b, &view).await;
    let why = closed(&tunnel).await;
    assert_eq!(why, CloseReason::There(Some(CloseCode::Refused)));
}
