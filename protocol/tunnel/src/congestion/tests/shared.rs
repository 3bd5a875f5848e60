//! Several flows on a link. What is promised: two of ours 60:40; beside one Cubic between a fifth and four fifths, whatever the queue
//! and whoever came first; beside quinn's BBR, which overflows any queue, no less than Cubic gets there with a queue of one
//! bandwidth-delay product.

use super::flow::Load;
use super::link::Link;
use super::world::World;
use super::{bbr, cubic, ours};

#[test]
fn two_of_ours_share() {
    for queue in [0.5, 1.0, 2.0] {
        let mut world = World::new(Link::wan().queue_of(queue));
        let first = world.flow(0.0, ours(), Load::Bulk);
        let second = world.flow(3.0, ours(), Load::Bulk);
        world.run(40.0);
        let (one, other) = (
            world.share(first, 10.0..40.0),
            world.share(second, 10.0..40.0),
        );
        assert!(one + other > 0.87, "{one:.3} + {other:.3}, queue {queue}");
        let share = one / (one + other);
        assert!(
            (0.4..0.6).contains(&share),
            "{share:.3} for the first, queue {queue}"
        );
    }
}

#[test]
fn four_of_ours_share() {
    let mut world = World::new(Link::wan());
    let flows: Vec<usize> = (0..4)
        .map(|at| world.flow(f64::from(at) * 2.0, ours(), Load::Bulk))
        .collect();
    world.run(60.0);
    let shares: Vec<f64> = flows
        .iter()
        .map(|flow| world.share(*flow, 20.0..60.0))
        .collect();
    let sum: f64 = shares.iter().sum();
    assert!(sum > 0.87, "{shares:.3?}");
    assert!(
        shares.iter().all(|share| *share > sum / 8.0),
        "{shares:.3?}"
    );
}

#[test]
fn beside_cubic_neither_starves() {
    for queue in [0.5, 1.0, 2.0] {
        for ours_first in [true, false] {
            let mut world = World::new(Link::wan().queue_of(queue));
            let (our, its) = if ours_first {
                let our = world.flow(0.0, ours(), Load::Bulk);
                (our, world.flow(3.0, cubic(), Load::Bulk))
            } else {
                let its = world.flow(0.0, cubic(), Load::Bulk);
                (world.flow(3.0, ours(), Load::Bulk), its)
            };
            world.run(60.0);
            let (our, its) = (world.share(our, 10.0..60.0), world.share(its, 10.0..60.0));
            let share = our / (our + its);
            assert!(
                (0.2..0.8).contains(&share),
                "{share:.3} for ours, queue {queue}, ours first: {ours_first}"
            );
            assert!(our + its > 0.85, "{our:.3} + {its:.3}");
        }
    }
}

#[test]
fn beside_the_bbr_of_quinn_ours_gets_what_cubic_gets() {
    let beside = |controller| {
        let mut world = World::new(Link::wan());
        let flow = world.flow(0.0, controller, Load::Bulk);
        world.flow(3.0, bbr(), Load::Bulk);
        world.run(30.0);
        world.share(flow, 10.0..30.0)
    };
    let (our, its) = (beside(ours()), beside(cubic()));
    assert!(our > its, "{our:.3} for ours, {its:.3} for Cubic");
}

#[test]
fn the_link_is_ours_again_when_a_rival_is_gone() {
    let mut world = World::new(Link::wan());
    let flow = world.flow(0.0, ours(), Load::Bulk);
    let rival = world.flow(3.0, cubic(), Load::Bulk);
    world.turn(20.0, rival, Load::Quiet);
    world.run(50.0);
    let share = world.share(flow, 35.0..50.0);
    assert!(share > 0.85, "{share:.3} of the link");
    let queue = world.queue(40.0..50.0);
    assert!(
        queue < 60_000.0,
        "{queue:.0} bytes wait, though nobody else is there"
    );
}
