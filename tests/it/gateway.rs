//! A gateway keeps no state that matters: killed and started again, it loses nothing.

use std::time::Duration;

use testbed::federation::WEST_PAYMENTS;
use testbed::load::Report;
use testbed::{Federation, Load, LoadSpec, wait};

/// Requests that are under way while the gateway is gone.
const HELD: usize = 1_000;

/// QUIC handshakes that a node completed, in either role.
const HANDSHAKES: &str = "weft_handshakes_total";

#[test]
fn killed_gateway_that_returns_loses_no_request_and_no_connection() {
    let mut federation = Federation::start();
    let held = hold(&federation);
    let load = Load::start(&LoadSpec::new(federation.listener, WEST_PAYMENTS));
    load.wait_for(50);
    let handshakes = handshakes(&federation);
    assert!(handshakes > 0.0, "{HANDSHAKES} counts nothing");

    for _ in 0..2 {
        federation.west.kill_gateway();
        federation.west.start_gateway();
        load.wait_for(50);
    }
    federation.payments.release();
    held.join().assert_nothing_failed();
    let report = load.stop();
    report.assert_nothing_failed();
    assert_eq!(
        handshakes,
        self::handshakes(&federation),
        "connections were made anew: the old ones were lost"
    );
    let seen = federation.payments.seen();
    let twice: Vec<_> = seen.iter().filter(|(_, times)| **times > 2).collect();
    assert!(
        twice.is_empty(),
        "the app saw some requests again: {twice:?}"
    );
    federation.west.assert_alive();
    federation.east.assert_alive();
}

/// The twin that shows that the test above can fail.
#[test]
fn killed_gateway_that_stays_dead_fails_requests() {
    let mut federation = Federation::start();
    let held = hold(&federation);
    federation.west.kill_gateway();
    federation.payments.release();
    let report: Report = held.join();
    assert!(
        report.failed.len() > HELD / 2,
        "only {} of {HELD} requests failed without a gateway",
        report.failed.len()
    );
}

/// Starts so many requests at once and waits until each of them has arrived at the app, which answers none.
fn hold(federation: &Federation) -> Load {
    let held = Load::start(&LoadSpec::held(federation.listener, WEST_PAYMENTS, HELD));
    let arrived = wait::poll(Duration::from_secs(120), || {
        (federation.payments.in_flight() >= HELD).then_some(())
    });
    assert!(
        arrived.is_some(),
        "only {} of {HELD} requests arrived at the app; {} failed",
        federation.payments.in_flight(),
        held.failed()
    );
    held
}

fn handshakes(federation: &Federation) -> f64 {
    federation.east.nodes_metric(HANDSHAKES, &[]) + federation.west.nodes_metric(HANDSHAKES, &[])
}
