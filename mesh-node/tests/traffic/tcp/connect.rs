//! CONNECT at the HTTP proxy.

use super::super::bed::app::App;
use super::*;

/// Sends a CONNECT with `early` bytes behind it, and returns the answer's head.
async fn ask(far: &Far, target: &str, early: &str) -> (TcpStream, String) {
    let mut stream = connect(far.proxy).await;
    let head = format!("CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n\r\n{early}");
    say(&mut stream, head.as_bytes()).await;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(
            timeout(PATIENCE, stream.read_u8())
                .await
                .expect("in time")
                .unwrap(),
        );
    }
    (stream, String::from_utf8(answer).unwrap())
}

#[track_caller]
fn assert_status(answer: &str, status: u16) {
    assert!(
        answer.starts_with(&format!("HTTP/1.1 {status} ")),
        "{answer}"
    );
}

const DB: &str = "db.shop.svc.clusterset.local:5432";

#[tokio::test]
async fn a_connection_to_a_service_stands_when_its_app_has_taken_it() {
    let app = Tcp::echo().await;
    let far = Far::start(Protocol::Tcp, app.port).await;
    let (mut stream, answer) = ask(&far, DB, "early ").await;
    assert_status(&answer, 200);
    say(&mut stream, b"and late").await;
    hear(&mut stream, b"early and late").await;
    stream.shutdown().await.unwrap();
    assert_eq!(rest(&mut stream).await.unwrap(), b"");
}

#[tokio::test]
async fn p_15_nothing_is_forwarded_where_the_service_does_not_accept() {
    let app = Tcp::echo().await;
    let far = Far::start(Protocol::Tcp, app.port).await;
    for (target, status) in [
        ("nobody.shop.svc.clusterset.local:1", 404),
        ("example.com:443", 404),
        ("db.shop.svc.clusterset.local", 400),
    ] {
        assert_status(&ask(&far, target, "early").await.1, status);
    }
    far.deny(2).await;
    assert_status(&ask(&far, DB, "early").await.1, 403);
    let mut view = far.view_of_a(2);
    view.services
        .values_mut()
        .for_each(|service| service.endpoints.clear());
    far.east.send(&far.a, &view).await;
    assert_status(&ask(&far, DB, "early").await.1, 503);
    assert_eq!(app.accepted(), 0);
}

#[tokio::test]
async fn p_14_within_a_connection_to_a_service_of_http_requests_are_read() {
    let app = App::start("db");
    for protocol in [Protocol::Http, Protocol::Auto] {
        let far = Far::start(protocol, app.port).await;
        let (mut stream, answer) = ask(&far, DB, "").await;
        assert_status(&answer, 200);
        let request = "GET /headers HTTP/1.1\r\nhost: db.shop.svc.clusterset.local:5432\r\n\
                       x-spiffe-caller: spiffe://forged/x\r\nconnection: close\r\n\r\n";
        say(&mut stream, request.as_bytes()).await;
        let answer = rest(&mut stream).await.unwrap();
        let answer = String::from_utf8_lossy(&answer);
        assert!(
            answer.contains("x-spiffe-caller: spiffe://east.example/ns/shop/sa/cart"),
            "{answer}"
        );
        assert!(!answer.contains("forged"), "{answer}");
    }
}
