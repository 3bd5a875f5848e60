//! UDP sessions on real tunnels: packets of every size, flows that stay apart, ends, refusals, floods.
#![allow(clippy::unwrap_used, reason = "a test may end by panicking")]

use std::time::Duration;

use bytes::Bytes;
use protocol::name::ServiceName;
use tokio::time::timeout;
use tunnel::{
    MessageError, Opening, Refusal, RequestError, StreamCode, Tunnel, UdpArrival, UdpRecv, UdpSend,
};

#[path = "bed/world.rs"]
mod world;

use world::pair;

const LIMIT: Duration = Duration::from_secs(20);

fn service() -> ServiceName {
    "shop/dns".parse().unwrap()
}

async fn arrival(listener: &Tunnel) -> UdpArrival {
    match listener.accept_stream().await.unwrap().open().await {
        Ok(Some(Opening::Udp(named, arrival))) => {
            assert_eq!(named, service());
            arrival
        }
        other => panic!("no UDP session: {other:?}"),
    }
}

type Halves = (UdpSend, UdpRecv);

/// Both ends of a session that stands.
async fn session(caller: &Tunnel, listener: &Tunnel) -> (Halves, Halves) {
    let calling = async {
        let mut session = caller.udp_session(&service()).await.unwrap();
        session.opened().await.unwrap();
        session.split()
    };
    let accepting = async { arrival(listener).await.accept().await.unwrap().split() };
    tokio::join!(calling, accepting)
}

async fn next(recv: &mut UdpRecv) -> Bytes {
    timeout(LIMIT, recv.recv()).await.unwrap().unwrap().unwrap()
}

fn numbered(n: u32, length: usize) -> Bytes {
    let mut packet = n.to_be_bytes().to_vec();
    packet.resize(length.max(4), n as u8);
    packet.into()
}

#[tokio::test]
async fn ten_thousand_datagrams_arrive_whole_or_are_counted() {
    let (_world, _a, _b, caller, listener) = pair().await;
    let ((mut send, _recv), (_back, mut recv)) = session(&caller, &listener).await;
    let receiving = tokio::spawn(async move {
        let (mut received, mut last) = (0u64, None);
        // The end of the session comes after its last packet.
        while let Some(packet) = timeout(LIMIT, recv.recv()).await.unwrap().unwrap() {
            let n = u32::from_be_bytes(packet[..4].try_into().unwrap());
            assert_eq!(packet, numbered(n, n as usize % 1100));
            received += 1;
            last = last.max(Some(n));
        }
        (received, last, recv.overflowed())
    });
    for n in 0..10_000u32 {
        send.send(numbered(n, n as usize % 1100)).await.unwrap();
        if n % 32 == 0 {
            tokio::task::yield_now().await;
        }
    }
    let displaced = send.displaced();
    send.finish();
    let (received, last, overflowed) = receiving.await.unwrap();
    assert!(
        received > 500,
        "{received} of 10000 arrived, up to {last:?}; {overflowed} overflowed, {displaced} displaced"
    );
}

#[tokio::test]
async fn packets_of_every_size_pass_whole_in_both_directions() {
    let (_world, _a, _b, caller, listener) = pair().await;
    let ((mut to, mut from), (mut back, mut recv)) = session(&caller, &listener).await;
    let echo = tokio::spawn(async move {
        while let Ok(Some(packet)) = recv.recv().await {
            back.send(packet).await.unwrap();
        }
        back.finish();
    });
    for length in [
        0, 1, 1000, 1100, 1199, 1200, 1400, 1500, 9_000, 65_507, 65_527,
    ] {
        let packet = Bytes::from(vec![length as u8; length]);
        to.send(packet.clone()).await.unwrap();
        assert_eq!(next(&mut from).await, packet, "{length}");
    }
    to.finish();
    assert_eq!(timeout(LIMIT, from.recv()).await.unwrap(), Ok(None));
    echo.await.unwrap();
}

#[tokio::test]
async fn packets_before_the_answer_are_there_when_the_session_is_taken() {
    let (_world, _a, _b, caller, listener) = pair().await;
    let mut session = caller.udp_session(&service()).await.unwrap();
    for n in 0..5 {
        session.sender().send(numbered(n, 100)).await.unwrap();
    }
    session.sender().send(numbered(5, 5_000)).await.unwrap();
    let taken = arrival(&listener).await.accept().await.unwrap();
    session.opened().await.unwrap();
    let (_back, mut recv) = taken.split();
    let mut got = Vec::new();
    for _ in 0..6 {
        got.push(next(&mut recv).await);
    }
    got.sort();
    let sent: Vec<_> = (0..5)
        .map(|n| numbered(n, 100))
        .chain([numbered(5, 5_000)])
        .collect();
    assert_eq!(got, sent);
}

#[tokio::test]
async fn many_sessions_of_one_tunnel_stay_apart() {
    let (_world, _a, _b, caller, listener) = pair().await;
    let echo = tokio::spawn(async move {
        let mut sessions = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let arrival = arrival(&listener).await;
            sessions.spawn(async move {
                let (mut back, mut recv) = arrival.accept().await.unwrap().split();
                while let Ok(Some(packet)) = recv.recv().await {
                    back.send(packet).await.unwrap();
                }
                back.finish();
            });
        }
        sessions.join_all().await;
    });
    let mut calls = tokio::task::JoinSet::new();
    for flow in 0..50u32 {
        let caller = caller.clone();
        calls.spawn(async move {
            let mut session = caller.udp_session(&service()).await.unwrap();
            session.opened().await.unwrap();
            let (mut send, mut recv) = session.split();
            for turn in 0..20 {
                let packet = numbered(flow * 1_000 + turn, 64);
                send.send(packet.clone()).await.unwrap();
                assert_eq!(next(&mut recv).await, packet);
            }
            send.finish();
        });
    }
    calls.join_all().await;
    echo.await.unwrap();
}

#[tokio::test]
async fn a_refusal_is_heard() {
    let (_world, _a, _b, caller, listener) = pair().await;
    let mut session = caller.udp_session(&service()).await.unwrap();
    session.sender().send(numbered(1, 10)).await.unwrap();
    arrival(&listener).await.refuse(Refusal::Forbidden).await;
    let answer = timeout(LIMIT, session.opened()).await.unwrap();
    assert!(
        matches!(answer, Err(RequestError::Refused(Refusal::Forbidden))),
        "{answer:?}"
    );
}

#[tokio::test]
async fn an_app_that_is_gone_is_told_apart_from_an_end() {
    let (_world, _a, _b, caller, listener) = pair().await;
    let ((_send, mut recv), (back, _)) = session(&caller, &listener).await;
    back.break_off(StreamCode::Broken);
    assert_eq!(
        timeout(LIMIT, recv.recv()).await.unwrap(),
        Err(MessageError::Reset)
    );
    let ((_send, mut recv), (back, _)) = session(&caller, &listener).await;
    back.finish();
    assert_eq!(timeout(LIMIT, recv.recv()).await.unwrap(), Ok(None));
    let ((send, mut recv), _held) = session(&caller, &listener).await;
    drop(send);
    listener.close(tunnel::CloseCode::Done);
    assert_eq!(
        timeout(LIMIT, recv.recv()).await.unwrap(),
        Err(MessageError::TunnelLost)
    );
}

#[tokio::test]
async fn a_session_that_has_ended_leaves_strays_which_are_counted() {
    let (_world, _a, _b, caller, listener) = pair().await;
    // The listener goes on sending after the caller has dropped its half.
    let ((send, recv), (mut back, _held)) = session(&caller, &listener).await;
    let ((mut other, mut from), (mut echo, mut other_recv)) = session(&caller, &listener).await;
    drop(recv);
    for n in 0..100 {
        // Whether the drop was heard yet is all the same to datagrams.
        back.send(numbered(n, 10)).await.unwrap();
    }
    other.send(numbered(7, 10)).await.unwrap();
    echo.send(next(&mut other_recv).await).await.unwrap();
    assert_eq!(next(&mut from).await, numbered(7, 10));
    assert_eq!(caller.take_stray_datagrams(), 100);
    assert_eq!(caller.take_stray_datagrams(), 0);
    drop(send);
}

#[tokio::test]
async fn a_flood_to_one_session_costs_others_nothing_and_is_bounded() {
    let (_world, _a, _b, caller, listener) = pair().await;
    let ((mut flood, _), (_back, slow)) = session(&caller, &listener).await;
    let ((mut send, _), (_back2, mut recv)) = session(&caller, &listener).await;
    for n in 0..5_000u32 {
        flood.send(numbered(n, 1_000)).await.unwrap();
        if n % 32 == 0 {
            tokio::task::yield_now().await;
        }
    }
    // Nobody receives the first session's packets; what came last is kept, the rest is counted.
    loop {
        send.send(numbered(1, 10)).await.unwrap();
        if let Ok(received) = timeout(Duration::from_millis(200), recv.recv()).await {
            assert_eq!(received.unwrap().unwrap(), numbered(1, 10));
            break;
        }
    }
    assert!(slow.overflowed() > 1_000, "{}", slow.overflowed());
}
