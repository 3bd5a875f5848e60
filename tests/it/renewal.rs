//! SVIDs are renewed at half of their life, and nobody notices (P-7).

use std::time::{Duration, Instant};

use testbed::federation::{FederationSpec, WEST_PAYMENTS};
use testbed::{ClusterSpec, Federation, Load, LoadSpec};

const LIFETIME: Duration = Duration::from_secs(20);
const LIVES: u32 = 3;

/// P-7 under load over three lifetimes; P-9: the tunnels of expired SVIDs are replaced, not kept.
#[test]
fn no_request_fails_while_svids_are_renewed() {
    let federation = Federation::with(&FederationSpec {
        west: ClusterSpec::named("west").svid_lifetime(LIFETIME),
        east: ClusterSpec::named("east").svid_lifetime(LIFETIME),
        ..FederationSpec::default()
    });
    let before = handshakes(&federation);
    let load = Load::start(&LoadSpec::new(federation.listener, WEST_PAYMENTS));
    let begun = Instant::now();
    while begun.elapsed() < LIFETIME * LIVES + Duration::from_secs(5) {
        load.wait_for(20);
    }
    load.stop().assert_nothing_failed();
    let made = handshakes(&federation) - before;
    assert!(
        made >= f64::from(LIVES - 1),
        "{made} handshakes in {LIVES} lives: the tunnels outlived their SVIDs"
    );
}

fn handshakes(federation: &Federation) -> f64 {
    federation.east.nodes_metric("weft_handshakes_total", &[])
}
