//! Services whose protocol isn't declared: whoever speaks first decides what a connection is.

use tunnel::ByteRecv;

use super::super::bed::app::App;
use super::super::bed::get;
use super::*;

#[tokio::test]
async fn a_request_is_a_request_and_the_rest_are_bytes() {
    let http = App::start("db");
    let far = Far::start(Protocol::Auto, http.port).await;
    let (status, headers) = get(far.listener, "/headers").await;
    assert_eq!(status, 200);
    assert!(
        headers.contains("x-spiffe-caller: spiffe://east.example/ns/shop/sa/cart\n"),
        "{headers}"
    );
    let echo = Tcp::echo().await;
    let far = Far::start(Protocol::Auto, echo.port).await;
    let mut stream = far.connect().await;
    say(&mut stream, b"*1\r\n$4\r\nPING\r\n").await;
    hear(&mut stream, b"*1\r\n$4\r\nPING\r\n").await;
}

/// The connection that was opened in case the server speaks first does no harm to who speaks HTTP late.
#[tokio::test]
async fn a_late_request_is_a_request() {
    let http = App::start("db");
    let far = Far::start(Protocol::Auto, http.port).await;
    let mut stream = far.connect().await;
    let opened = |node: &RunningNode| {
        std::fs::read_to_string(node.dir.join("access.log")).unwrap_or_default()
    };
    let before = http.connections.load(Ordering::Relaxed);
    until("it has been opened as TCP", async || {
        // Health checks come at their own pace: more than these means that ours is among them.
        http.connections.load(Ordering::Relaxed) > before + 5
    })
    .await;
    assert_eq!(opened(&far.a), "");
    say(
        &mut stream,
        b"GET /headers HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    )
    .await;
    let answer = rest(&mut stream).await.unwrap();
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(
        answer.contains("x-spiffe-caller: spiffe://east.example/"),
        "{answer}"
    );
}

/// What is read as HTTP loses what claims an identity. Bytes that aren't read must not be HTTP, whoever sends them.
#[tokio::test]
async fn p_14_no_request_comes_as_bytes() {
    let http = App::start("db");
    for (protocol, is_refused) in [(Protocol::Http, true), (Protocol::Auto, false)] {
        let mut far = Far::start(protocol, http.port).await;
        let id = far.west.spiffe_id("shop", "cart");
        let intruder = far.west.intruder(id.clone());
        let mut view = far.view_of_w(2);
        view.server_names
            .push(offer(&far.west, &far.west, "shop/db", "db"));
        view.policies = vec![allow("shop/db", id)];
        far.west.send(&far.w, &view).await;
        let tunnel = far.west.dial(&intruder, &far.w, "db").await;
        let service = super::super::bed::cluster::service_name("shop/db");
        let (mut send, mut answer) = tunnel.connect_tcp(&service).await.unwrap();
        let opened = std::future::poll_fn(|cx| answer.poll_opened(cx)).await;
        assert_eq!(opened.is_err(), is_refused, "{opened:?}");
        if !is_refused {
            let forged =
                "GET /headers HTTP/1.1\r\nhost: x\r\nx-spiffe-caller: spiffe://a/b\r\n\r\n";
            send.write(forged.into()).await.unwrap();
            let read = first(&mut answer.into_recv().unwrap()).await;
            assert!(read.is_err(), "{read:?}");
        }
        far.w.stop().await;
    }
}

async fn first(recv: &mut ByteRecv) -> Result<Option<usize>, tunnel::MessageError> {
    let mut chunks = [const { bytes::Bytes::new() }; 4];
    timeout(PATIENCE, recv.read(&mut chunks))
        .await
        .expect("in time")
}
