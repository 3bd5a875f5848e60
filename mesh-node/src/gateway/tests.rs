//! The relay between real sockets on loopback.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod batches;
mod bed;
mod counts;
mod start;

use protocol::cid::DropReason;
use protocol::forward::InitialRate;
use tunnel::{Ecn, Run};

use super::flows::FlowLimits;
use bed::{Bed, Sender, long, short};
use counts::Counts;

#[tokio::test]
async fn packets_pass_both_ways_unchanged() {
    let bed = Bed::new().await;
    let mut relay = bed.relay();
    let caller = Sender::to(bed.public()).await;
    bed.during(&mut relay, async {
        let initial = bed.initial();
        caller.send(&initial).await;
        let (received, inner) = bed.node_receives().await;
        assert_eq!(received, initial);
        bed.node_sends(inner, b"an answer").await;
        assert_eq!(caller.receive().await, b"an answer");
        caller.send(&bed.established()).await;
        assert_eq!(
            bed.node_receives().await,
            (bed.established(), inner),
            "one flow for all of a caller's packets"
        );
    })
    .await;
    assert_eq!(relay.flows(), 1);
}

#[tokio::test]
async fn forged_and_unknown_packets_make_no_state_and_no_answer() {
    let counts = Counts::default();
    let recording = counts.record();
    let bed = Bed::new().await;
    let mut relay = bed.relay();
    drop(recording);
    let caller = Sender::to(bed.public()).await;
    bed.during(&mut relay, async {
        for number in 0..100 {
            let stranger = Sender::to(bed.public()).await;
            stranger.send(&short(&[number; 17], 60)).await;
            stranger
                .send(&long(1, &bed.forged_token(number), 1200))
                .await;
            stranger
                .send(&long(1, &bed.foreign_token(number), 1200))
                .await;
            stranger.send(&bed.initial()[..1199]).await;
            stranger.send(&long(0, &[0; 17], 1200)).await;
            stranger.send(&long(1, &[number; 8], 1200)).await;
            stranger.send(&[0x10; 40]).await;
            stranger.send(b"").await;
            tokio::task::yield_now().await;
        }
        caller.send(&bed.established()).await;
        let (received, inner) = bed.node_receives().await;
        assert_eq!(
            received,
            bed.established(),
            "the first packet that gets through"
        );
        bed.node_sends(inner, b"ok").await;
        assert_eq!(caller.receive().await, b"ok");
    })
    .await;
    assert_eq!(relay.flows(), 1);
    for reason in [
        DropReason::UnknownSelector,
        DropReason::ShortInitial,
        DropReason::VersionNegotiation,
        DropReason::IdLength,
    ] {
        assert_eq!(counts.drops(reason), 100, "{reason:?}");
    }
    assert_eq!(counts.drops(DropReason::NotQuic), 200);
    assert_eq!(counts.total_drops(), 800);
    assert_eq!((counts.packets("in"), counts.packets("out")), (1, 1));
}

#[tokio::test]
async fn every_metric_exists_from_the_start() {
    let counts = Counts::default();
    let _recording = counts.record();
    super::metrics::Meters::register();
    assert_eq!(counts.drop_counters(), DropReason::ALL.len());
    assert_eq!((counts.packets("in"), counts.packets("out")), (0, 0));
}

#[tokio::test]
async fn a_restarted_gateway_goes_on_with_no_state_of_before() {
    let bed = Bed::new().await;
    let caller = Sender::to(bed.public()).await;
    let mut before = bed.relay();
    bed.during(&mut before, async {
        caller.send(&bed.initial()).await;
        bed.node_receives().await;
    })
    .await;
    drop(before);
    let bed = bed.restarted().await;
    let mut after = bed.relay();
    bed.during(&mut after, async {
        caller.send(&bed.established()).await;
        let (received, inner) = bed.node_receives().await;
        assert_eq!(received, bed.established());
        bed.node_sends(inner, b"still here").await;
        assert_eq!(caller.receive().await, b"still here");
    })
    .await;
}

#[tokio::test]
async fn flows_are_bounded_and_who_lost_one_gets_another() {
    let bed = Bed::new().await;
    let mut relay = bed.relay_with(
        FlowLimits {
            total: 4,
            ..FlowLimits::default()
        },
        InitialRate::default(),
    );
    let callers = bed.callers(10).await;
    bed.during(&mut relay, async {
        for caller in callers.iter().chain(&callers) {
            caller.send(&bed.established()).await;
            let (_, inner) = bed.node_receives().await;
            bed.node_sends(inner, b"ok").await;
            assert_eq!(caller.receive().await, b"ok");
        }
    })
    .await;
    assert_eq!(relay.flows(), 4);
}

#[tokio::test]
async fn quotas_leave_the_established_alone() {
    let bed = Bed::new().await;
    let mut relay = bed.relay_with(
        FlowLimits {
            per_prefix: 2,
            ..FlowLimits::default()
        },
        InitialRate::default(),
    );
    let callers = bed.callers(5).await;
    bed.during(&mut relay, async {
        for caller in callers.iter().chain(&callers[..2]) {
            caller.send(&bed.initial()).await;
        }
        let mut inner = Vec::new();
        for _ in 0..4 {
            inner.push(bed.node_receives().await.1);
        }
        assert_eq!(inner[..2], inner[2..], "the first two, twice");
    })
    .await;
    assert_eq!(relay.flows(), 2);
}

#[tokio::test]
async fn one_source_begins_no_more_connections_than_it_may() {
    let bed = Bed::new().await;
    let mut relay = bed.relay_with(
        FlowLimits::default(),
        InitialRate {
            per_second: 1,
            burst: 3,
        },
    );
    let caller = Sender::to(bed.public()).await;
    bed.during(&mut relay, async {
        for _ in 0..20 {
            caller.send(&bed.initial()).await;
        }
        caller.send(&bed.established()).await;
        let mut initials = 0;
        while bed.node_receives().await.0 == bed.initial() {
            initials += 1;
        }
        assert!((3..20).contains(&initials), "{initials}");
    })
    .await;
}

#[tokio::test]
async fn a_node_that_is_away_ends_neither_flow_nor_loop() {
    let bed = Bed::new().await;
    let address = bed.node_leaves();
    let mut relay = bed.relay();
    let caller = Sender::to(bed.public()).await;
    let other = Sender::to(bed.public()).await;
    bed.during(&mut relay, async {
        for _ in 0..50 {
            caller.send(&bed.established()).await;
            other.send(&bed.to_other_node()).await;
            bed.other_receives().await;
        }
        bed.node_returns(address).await;
        caller.send(&bed.established()).await;
        let (received, inner) = bed.node_receives().await;
        assert_eq!(received, bed.established());
        bed.node_sends(inner, b"back").await;
        assert_eq!(caller.receive().await, b"back");
    })
    .await;
    assert_eq!(relay.flows(), 2);
}

#[tokio::test]
async fn a_host_that_moved_is_followed() {
    let bed = Bed::new().await;
    let mut relay = bed.relay();
    let caller = Sender::to(bed.public()).await;
    bed.during(&mut relay, async {
        caller.send(&bed.established()).await;
        bed.node_receives().await;
        bed.route_node_to_other();
        caller.send(&bed.established()).await;
        assert_eq!(bed.other_receives().await, bed.established());
    })
    .await;
    assert_eq!(relay.flows(), 1);
}

#[tokio::test]
async fn a_route_to_itself_ends_after_one_turn() {
    let counts = Counts::default();
    let recording = counts.record();
    let bed = Bed::new().await;
    let mut relay = bed.relay();
    drop(recording);
    bed.route_node_to_itself();
    let caller = Sender::to(bed.public()).await;
    bed.during(&mut relay, async {
        caller.send(&bed.established()).await;
        while counts.drops(DropReason::Loop) == 0 {
            tokio::task::yield_now().await;
        }
        caller.send(&bed.to_other_node()).await;
        bed.other_receives().await;
    })
    .await;
    assert_eq!(counts.drops(DropReason::Loop), 1);
    assert_eq!(
        relay.flows(),
        2,
        "the caller's two, none from the inner side"
    );
}

#[tokio::test]
async fn what_is_too_long_is_dropped_and_counted() {
    let bed = Bed::new().await;
    let up = super::socket::connect([127, 0, 0, 1].into(), bed.public()).unwrap();
    let bytes = [0; 65_508];
    for (length, outcome) in [(65_508, Err(DropReason::TooBig)), (1200, Ok(()))] {
        let run = Run {
            remote: bed.public(),
            ecn: Ecn::default(),
            size: length,
            bytes: &bytes[..length],
        };
        assert_eq!(super::socket::send(&up, &run), outcome);
    }
}
