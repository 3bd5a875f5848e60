//! One flow on a link.

use std::time::Duration;

use super::flow::Load;
use super::link::Link;
use super::world::World;
use super::{bbr, cubic, ours};

#[test]
fn random_loss_costs_little_and_the_queue_does_not_overflow() {
    for loss in [0.0, 0.001, 0.01, 0.03] {
        let mut world = World::new(Link::wan().losing(loss));
        let flow = world.flow(0.0, ours(), Load::Bulk);
        world.run(20.0);
        let share = world.share(flow, 2.0..20.0);
        assert!(share > 0.87, "{share:.3} of the link at a loss of {loss}");
        let overflowed = world.seen(flow).overflowed;
        assert!(
            overflowed < 30,
            "{overflowed} overflowed at a loss of {loss}"
        );
        let queue = world.queue(2.0..20.0);
        assert!(
            queue < 45_000.0,
            "a queue of {queue:.0} at a loss of {loss}"
        );
    }
}

/// The simulation shows what is known of the others; so its word on ours counts.
#[test]
fn the_simulation_shows_what_others_do() {
    let mut world = World::new(Link::wan().losing(0.01));
    let flow = world.flow(0.0, cubic(), Load::Bulk);
    world.run(20.0);
    let share = world.share(flow, 2.0..20.0);
    assert!(share < 0.2, "Cubic gets {share:.3} at a loss of 1 %");

    let mut world = World::new(Link::wan());
    let flow = world.flow(0.0, bbr(), Load::Bulk);
    world.run(20.0);
    let seen = world.seen(flow);
    let dropped = seen.overflowed as f64 / seen.offered as f64;
    assert!(
        dropped > 0.05,
        "quinn's BBR overflows the queue: {dropped:.3}"
    );
}

#[test]
fn start_fills_the_pipe_within_a_few_round_trips() {
    let mut link = Link::wan();
    link.rate = 100_000_000;
    for rtt in [20, 60] {
        link.rtt = Duration::from_millis(rtt);
        let mut world = World::new(link.queue_of(1.0));
        let flow = world.flow(0.0, ours(), Load::Bulk);
        let trip = link.rtt.as_secs_f64();
        world.run(20.0 * trip);
        let share = world.share(flow, 8.0 * trip..20.0 * trip);
        assert!(share > 0.8, "{share:.3} in round trips 8 to 20 of {rtt} ms");
        let overflowed = world.seen(flow).overflowed;
        assert!(overflowed < 100, "the start overflows: {overflowed}");
    }
}

#[test]
fn links_of_many_kinds_are_filled() {
    for (megabits, rtt, queue, least) in [
        (1_000, 2, 1.0, 0.85),
        (300, 60, 1.0, 0.85),
        (50, 200, 1.0, 0.85),
        (20, 60, 0.3, 0.75),
        (5, 20, 3.0, 0.75),
        (2, 60, 1.0, 0.85),
    ] {
        let mut link = Link::wan();
        link.rate = megabits * 1_000_000;
        link.rtt = Duration::from_millis(rtt);
        let mut world = World::new(link.queue_of(queue));
        let flow = world.flow(0.0, ours(), Load::Bulk);
        world.run(8.0);
        let share = world.share(flow, 3.0..8.0);
        assert!(
            share > least,
            "{share:.3} of {megabits} Mbit/s, {rtt} ms, queue {queue}"
        );
    }
}

#[test]
fn marks_bring_the_queue_down() {
    let mut link = Link::wan();
    link.mark_above = Some(30_000);
    let mut world = World::new(link);
    let flow = world.flow(0.0, ours(), Load::Bulk);
    world.run(20.0);
    let (queue, share) = (world.queue(2.0..20.0), world.share(flow, 2.0..20.0));
    assert!(queue < 20_000.0, "{queue:.0} bytes wait");
    assert!(share > 0.6, "{share:.3} of the link");
}

#[test]
fn behind_a_policer_little_is_lost_once_it_is_known() {
    for bucket in [30_000, 100_000, 500_000] {
        let mut link = Link::wan();
        link.rate = 100_000_000;
        link.queue = 750_000;
        link.policer = Some((10_000_000, bucket));
        let mut world = World::new(link);
        let flow = world.flow(0.0, ours(), Load::Bulk);
        world.run(30.0);
        let before = (world.seen(flow).policed, world.seen(flow).offered);
        world.run(90.0);
        let seen = world.seen(flow);
        let lost = (seen.policed - before.0) as f64 / (seen.offered - before.1) as f64;
        assert!(lost < 0.05, "{lost:.3} lost with a bucket of {bucket}");
        let rate = world.goodput(flow, 30.0..90.0) / 10e6;
        assert!(
            rate > 0.65,
            "{rate:.3} of the policed rate, bucket {bucket}"
        );
    }
}

#[test]
fn a_path_that_becomes_another_is_followed() {
    for (megabits, rtt) in [(20, 120), (20, 20), (80, 60), (5, 60)] {
        for loss in [0.0, 0.01] {
            let mut link = Link::wan().losing(loss);
            let mut world = World::new(link);
            let flow = world.flow(0.0, ours(), Load::Bulk);
            link.rate = megabits * 1_000_000;
            link.rtt = Duration::from_millis(rtt);
            let link = link.queue_of(1.0);
            world.change(8.0, link);
            world.run(24.0);
            let share = world.share(flow, 14.0..24.0);
            assert!(
                share > 0.8,
                "{share:.3} of {megabits} Mbit/s and {rtt} ms at a loss of {loss}"
            );
            let standing = world.queue(20.0..24.0) / link.queue as f64;
            assert!(standing < 0.8, "the queue stays at {standing:.2}");
        }
    }
}

/// Bursts of request traffic go out in a fraction of a round trip, since the window, which the pacer reads, is a multiple of them.
#[test]
fn bursts_are_not_smeared_and_bulk_after_them_is_not_held_back() {
    for (bytes, every) in [(50_000, 200), (100_000, 150), (300_000, 300)] {
        let mut link = Link::wan();
        link.rate = 200_000_000;
        let link = link.queue_of(1.0);
        let median = |controller| {
            let mut world = World::new(link);
            let load = Load::Bursts(bytes, Duration::from_millis(every));
            let flow = world.flow(0.0, controller, load);
            world.turn(12.0, flow, Load::Bulk);
            world.run(16.0);
            let late = Duration::from_secs(4)..Duration::from_secs(11);
            let took = world.seen(flow).took.iter();
            let took = took.filter(|(began, _)| late.contains(began));
            let mut took: Vec<Duration> = took.map(|(_, took)| *took).collect();
            took.sort_unstable();
            (took[took.len() / 2], world.share(flow, 13.0..16.0))
        };
        let (took, share) = median(ours());
        // 30 ms is the way.
        assert!(took < Duration::from_millis(45), "{took:?} for {bytes}");
        let (others, _) = median(cubic());
        assert!(
            took + Duration::from_millis(10) < others,
            "Cubic: {others:?}"
        );
        assert!(share > 0.85, "{share:.3} of the link when bulk follows");
    }
}
