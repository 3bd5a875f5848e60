//! UDP sessions by CONNECT-UDP between two of our own endpoints, and with a client that has datagrams of its own making.

use bytes::Bytes;
use protocol::frame::Refusal;
use tunnel::{Opening, RequestError, UdpArrival, UdpSession};

use super::LIMIT;
use super::world::{PAYMENTS_HOST, Pair, World};

async fn arrival(pair: &Pair) -> UdpArrival {
    let opening = pair.listener.accept_stream().await.unwrap().open().await;
    match opening.unwrap().unwrap() {
        Opening::Udp(service, arrival) if service.to_string() == "shop/payments" => arrival,
        other => panic!("{other:?}"),
    }
}

async fn session(pair: &Pair) -> (UdpSession, UdpSession) {
    let service = "shop/payments".parse().unwrap();
    let asking = async {
        let mut session = pair.caller.udp_session(&service).await.unwrap();
        session.opened().await.unwrap();
        session
    };
    let taking = async { arrival(pair).await.accept().await.unwrap() };
    tokio::time::timeout(LIMIT, async { tokio::join!(asking, taking) })
        .await
        .unwrap()
}

#[tokio::test]
async fn packets_of_every_size_go_both_ways_whole() {
    let pair = World::new().pair(PAYMENTS_HOST).await;
    let (caller, listener) = session(&pair).await;
    let ((mut to, mut from), (mut back, mut heard)) = (caller.split(), listener.split());
    for size in [0usize, 1, 500, 1_100, 1_500, 9_000, 65_527] {
        let packet = Bytes::from(vec![size as u8; size]);
        let sent = to.send(packet.clone());
        let (sent, got) = tokio::join!(sent, heard.recv());
        sent.unwrap();
        assert_eq!(got.unwrap().unwrap(), packet, "{size}");
        let (sent, got) = tokio::join!(back.send(packet.clone()), from.recv());
        sent.unwrap();
        assert_eq!(got.unwrap().unwrap(), packet, "{size}");
    }
    to.finish();
    assert_eq!(heard.recv().await.unwrap(), None);
    back.finish();
    assert_eq!(from.recv().await.unwrap(), None);
}

#[tokio::test]
async fn a_refused_session_says_so() {
    let pair = World::new().pair(PAYMENTS_HOST).await;
    for refusal in [Refusal::Forbidden, Refusal::Unavailable] {
        let service = "shop/payments".parse().unwrap();
        let asking = async {
            let mut session = pair.caller.udp_session(&service).await.unwrap();
            session.opened().await
        };
        let refusing = async { arrival(&pair).await.refuse(refusal).await };
        let (asked, ()) = tokio::join!(asking, refusing);
        let error = asked.unwrap_err();
        assert!(
            matches!(error, RequestError::Refused(heard) if heard == refusal),
            "{error:?}"
        );
    }
}

// P-16
#[tokio::test]
async fn a_target_that_is_not_what_the_server_name_says_is_refused() {
    let pair = World::new().pair(PAYMENTS_HOST).await;
    let service = "shop/secrets".parse().unwrap();
    let asking = async {
        let mut session = pair.caller.udp_session(&service).await.unwrap();
        session.opened().await
    };
    let opening = async { pair.listener.accept_stream().await.unwrap().open().await };
    let (asked, opened) = tokio::join!(asking, opening);
    assert!(matches!(
        asked,
        Err(RequestError::Refused(Refusal::Forbidden))
    ));
    assert!(opened.is_err());
}
