//! Real connections to several shards on one port: spread, moved to other addresses, and told when they are gone.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod bed;

use std::collections::BTreeSet;
use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use quinn::{ConnectionError, ConnectionIdGenerator};

use super::*;
use crate::cid_generator::CidGenerator;
use bed::{Listener, World};

/// Only a failing test waits so long; shorter than a tunnel's idle time-out.
const LIMIT: Duration = Duration::from_secs(20);

#[tokio::test]
async fn one_callers_dials_are_spread_over_all_shards() {
    let world = World::new();
    let listener = Listener::start(&world, 4, None);
    let (caller, _) = world.caller(1);
    let mut served = BTreeSet::new();
    let mut tunnels = Vec::new();
    for _ in 0..8 {
        let tunnel = world.dial(&caller, listener.address).await;
        served.insert(bed::ask(&tunnel).await.unwrap());
        tunnels.push(tunnel);
    }
    assert_eq!(served, (0..4).collect());
    let counts = listener.counts();
    assert!(
        counts.datagrams_handed_over > 0,
        "all came from one address, so to one socket"
    );
    assert_eq!((counts.datagrams_lost, counts.datagrams_dropped), (0, 0));
    assert_eq!(counts.handshakes_accepted, 8);
}

#[tokio::test]
async fn callers_that_move_under_load_keep_their_connections() {
    const CALLERS: usize = 4;
    const MOVES: usize = 12;
    let world = World::new();
    let listener = Listener::start(&world, 4, None);
    let (stop, asked) = (AtomicBool::new(false), AtomicU64::new(0));
    let mut callers = Vec::new();
    for _ in 0..CALLERS {
        let (caller, _) = world.caller(1);
        let tunnel = world.dial(&caller, listener.address).await;
        let shard = bed::ask(&tunnel).await.unwrap();
        callers.push((caller, tunnel, shard));
    }
    let load = futures_util::future::join_all(callers.iter().map(|(_, tunnel, shard)| async {
        while !stop.load(Ordering::Relaxed) {
            let answered = tokio::time::timeout(LIMIT, bed::ask(tunnel)).await;
            assert_eq!(answered.unwrap(), Ok(*shard), "always the same shard");
            asked.fetch_add(1, Ordering::Relaxed);
        }
    }));
    let moving = async {
        for _ in 0..MOVES {
            for (caller, _, _) in &callers {
                let elsewhere = UdpSocket::bind("127.0.0.1:0").unwrap();
                caller.quinn.rebind(elsewhere).unwrap();
            }
            let before = asked.load(Ordering::Relaxed);
            while asked.load(Ordering::Relaxed) < before + 20 {
                tokio::task::yield_now().await;
            }
        }
        stop.store(true, Ordering::Relaxed);
    };
    tokio::join!(load, moving);
    assert!(listener.counts().datagrams_handed_over > 0);
    for (_, tunnel, _) in &callers {
        assert!(!tunnel.is_closed());
    }
}

#[tokio::test]
async fn who_comes_back_with_fewer_shards_says_what_is_gone_to_every_shard_of_a_caller() {
    let world = World::new();
    let listener = Listener::start(&world, 4, None);
    let address = listener.address;
    let (caller, seats) = world.caller(3);
    let mut callers = vec![caller];
    callers.extend(seats.into_iter().map(|seat| seat.open().unwrap()));
    let mut tunnels = Vec::new();
    for caller in &callers {
        for _ in 0..4 {
            tunnels.push(world.dial(caller, address).await);
        }
    }
    listener.crash();
    let _again = Listener::start(&world, 2, Some(address));
    for tunnel in &tunnels {
        let gone = tokio::time::timeout(LIMIT, async {
            // Whatever is said now draws a reset.
            while !tunnel.is_closed() {
                drop(tokio::time::timeout(Duration::from_millis(100), bed::ask(tunnel)).await);
            }
            tunnel.connection.closed().await
        });
        assert_eq!(gone.await.unwrap(), ConnectionError::Reset);
    }
}

#[tokio::test]
async fn no_shard_answers_for_another_ones_connections() {
    let world = World::new();
    let routing = world.routing(bed::LISTENER);
    for shards in [1, 2, 5] {
        let places = Switchboard::places(shards.try_into().unwrap());
        let mut makers: Vec<_> = places
            .into_iter()
            .map(|place| CidGenerator {
                routing: routing.clone(),
                place,
            })
            .collect();
        for maker in 0..makers.len() {
            let id = makers[maker].generate_cid();
            for (other, generator) in makers.iter().enumerate() {
                assert_eq!(generator.validate(&id).is_ok(), other == maker);
            }
        }
        let foreign = World::cid_of(&world.routing(bed::CALLER));
        assert!(makers.iter().all(|maker| maker.validate(&foreign).is_err()));
    }
}
