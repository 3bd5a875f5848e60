//! The link emulator: its decisions as a property, and one real run.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use benches::link::conditions::Conditions;
use benches::link::wire::{Fate, Wire};
use benches::link::{FAR, Link, NEAR, missing};
use proptest::prelude::*;

fn conditions() -> impl Strategy<Value = Conditions> {
    let rate = prop_oneof![Just(0), 1_000_000..1_000_000_000_u64];
    (0..200_u64, 0.0..0.2_f64, rate, 0.1..3.0_f64).prop_map(|(millis, loss, rate, queue)| {
        Conditions {
            round_trip: Duration::from_millis(millis),
            loss,
            rate,
            queue,
        }
    })
}

proptest! {
    /// Whatever comes in: no packet beats the delay or the rate, none overtakes, the queue never holds more than it may, every
    /// packet has one fate, and the same seed tells the same story.
    #[test]
    fn a_wire_keeps_its_conditions(
        conditions in conditions(),
        seed: u64,
        packets in prop::collection::vec((0..3_000_u64, 40..1_500_usize), 1..400),
    ) {
        let mut wire = Wire::new(conditions, seed);
        let mut again = Wire::new(conditions, seed);
        let (mut now, mut last, mut arrived_bytes, mut arrived) = (Duration::ZERO, Duration::ZERO, 0, 0);
        for (gap, bytes) in &packets {
            now += Duration::from_micros(*gap);
            let fate = wire.take(now, *bytes);
            prop_assert_eq!(fate, again.take(now, *bytes));
            prop_assert!(conditions.rate == 0 || wire.queued(now) <= conditions.queue_bytes());
            if let Fate::Arrives(at) = fate {
                arrived += 1;
                arrived_bytes += *bytes as u64;
                prop_assert!(at >= now + conditions.round_trip / 2 && at >= last);
                last = at;
                if conditions.rate > 0 {
                    let carried = (at - conditions.round_trip / 2).as_secs_f64() * conditions.rate as f64 / 8.0;
                    prop_assert!(arrived_bytes as f64 <= carried + 2.0);
                }
            }
        }
        let counters = wire.take_counters();
        prop_assert_eq!(counters.packets, packets.len() as u64);
        prop_assert_eq!(counters.packets, arrived + counters.lost + counters.overflowed);
        prop_assert!(conditions.rate > 0 || counters.overflowed == 0);
        prop_assert_eq!(wire.take_counters().packets, 0);
    }
}

#[test]
fn loss_comes_out_as_ordered() {
    let conditions = Conditions {
        rate: 0,
        ..Conditions::default().loss(0.03)
    };
    let mut wire = Wire::new(conditions, 7);
    for _ in 0..100_000 {
        wire.take(Duration::ZERO, 1_500);
    }
    let lost = wire.take_counters().lost;
    assert!((2_800..3_200).contains(&lost), "{lost}");
}

/// The real devices: both ends hear each other not before half a round trip, a flood overflows the queue, and TCP gets through loss.
#[test]
fn two_namespaces_are_joined() {
    if let Some(reason) = missing() {
        return testbed::not_run("link::two_namespaces_are_joined", &reason);
    }
    let calm = Conditions {
        round_trip: Duration::from_millis(20),
        rate: 10_000_000,
        ..Conditions::default()
    };
    let mut link = Link::start(&calm, 1).unwrap();
    let far = link.far.run(|| UdpSocket::bind((FAR, 0))).unwrap();
    let near = link.near.run(|| UdpSocket::bind((NEAR, 0))).unwrap();
    let begun = Instant::now();
    near.send_to(b"there", far.local_addr().unwrap()).unwrap();
    let mut buffer = [0; 2_000];
    let (_, from) = far.recv_from(&mut buffer).unwrap();
    far.send_to(b"back", from).unwrap();
    near.recv_from(&mut buffer).unwrap();
    assert!(begun.elapsed() >= calm.round_trip);

    link.counters().unwrap();
    for _ in 0..100 {
        near.send_to(&[0; 1_400], far.local_addr().unwrap())
            .unwrap();
    }
    far.recv_from(&mut buffer).unwrap();
    let counters = link.counters().unwrap();
    assert!(counters.forth.overflowed > 0, "{counters:?}");
    assert_eq!(counters.forth.lost, 0);

    link.change(&calm.loss(0.02)).unwrap();
    let listener = link.far.run(|| TcpListener::bind((FAR, 0))).unwrap();
    let address = listener.local_addr().unwrap();
    let sender = std::thread::spawn(move || {
        listener
            .accept()
            .unwrap()
            .0
            .write_all(&[7; 300_000])
            .unwrap()
    });
    let mut stream = link.near.run(|| TcpStream::connect(address)).unwrap();
    let mut received = Vec::new();
    stream.read_to_end(&mut received).unwrap();
    sender.join().unwrap();
    assert_eq!(received.len(), 300_000);
    assert!(link.counters().unwrap().back.lost > 0);
}
