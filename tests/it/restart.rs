//! Processes that end without notice and come back.

use std::time::{Duration, Instant};
use testbed::federation::WEST_PAYMENTS;

use testbed::manifest;
use testbed::{Cluster, ClusterSpec, Federation, Load, LoadSpec};

/// After so long without a packet a tunnel is given up.
const IDLE: Duration = Duration::from_secs(30);

/// Both controllers gone under load: nothing fails; a node and a gateway that are started again meanwhile serve from their cache.
#[test]
fn traffic_goes_on_without_controllers_even_through_restarted_hosts() {
    let mut federation = Federation::start();
    let load = Load::start(&LoadSpec::new(federation.listener, WEST_PAYMENTS));
    load.wait_for(50);
    federation.west.controller.kill();
    federation.east.controller.kill();
    load.wait_for(200);
    load.stop().assert_nothing_failed();

    for host in [
        &mut federation.west.gateway,
        &mut federation.west.nodes[0],
        &mut federation.east.nodes[0],
    ] {
        host.kill();
        host.start();
        host.wait_ready();
    }
    federation.wait_served();
    let load = Load::start(&LoadSpec::new(federation.listener, WEST_PAYMENTS));
    load.wait_for(200);
    load.stop().assert_nothing_failed();

    for cluster in [&mut federation.west, &mut federation.east] {
        cluster.controller.start();
        cluster.controller.wait_ready();
    }
    testbed::federation::wait_peers(&federation.west, &federation.east);
    federation
        .west
        .apply(&manifest::service("shop", "later", "http"));
}

/// What was acknowledged is there after `kill -9`, and nothing else is.
#[test]
fn controller_remembers_what_it_acknowledged() {
    let mut west = Cluster::start(&ClusterSpec::named("west"));
    for number in 0..20 {
        west.apply(&manifest::service("shop", &format!("s{number}"), "http"));
    }
    let before = names(&west);
    assert_eq!(before.len(), 20, "{before:?}");
    let identity = root(&west);
    for _ in 0..3 {
        west.controller.kill();
        west.controller.start();
        west.controller.wait_ready();
        assert_eq!(names(&west), before);
        assert_eq!(root(&west), identity, "the cluster has another root");
    }
    west.apply(&manifest::service("shop", "s20", "http"));
    assert_eq!(names(&west).len(), 21);
}

/// A node that was killed and started again answers old tunnels with a reset: its callers dial anew at once, not when a tunnel has
/// been silent for half a minute.
#[test]
fn restarted_node_is_dialled_anew_at_once() {
    let mut federation = Federation::start();
    let load = Load::start(&LoadSpec::new(federation.listener, WEST_PAYMENTS));
    load.wait_for(50);
    let node = &mut federation.west.nodes[0];
    node.kill();
    node.start();
    node.wait_ready();
    let ready = Instant::now();
    load.wait_served_by("west", 50);
    assert!(
        ready.elapsed() < IDLE / 2,
        "it took {:?} until the restarted node was called",
        ready.elapsed()
    );
    drop(load.stop());
}

/// SIGTERM ends each process with exit code 0.
#[test]
fn every_process_ends_politely() {
    let mut west = Cluster::start(&ClusterSpec::named("west"));
    west.nodes[0].terminate();
    west.gateway.terminate();
    west.controller.terminate();
}

/// A request that is under way when its node is asked to end is answered first.
#[test]
fn node_finishes_its_requests_before_it_ends() {
    let mut federation = Federation::start();
    let held = Load::start(&LoadSpec::held(federation.listener, WEST_PAYMENTS, 8));
    testbed::wait::until(
        "all requests are under way",
        testbed::wait::GENEROUS,
        || (federation.payments.in_flight() == 8).then_some(()),
    );
    let west = &mut federation.west.nodes[0];
    west.process().signal(testbed::process::Signal::SIGTERM);
    testbed::wait::until("the node isn't ready", testbed::wait::GENEROUS, || {
        (!west.is_ready()).then_some(())
    });
    federation.payments.release();
    held.join().assert_nothing_failed();
}

fn names(cluster: &Cluster) -> Vec<String> {
    let text = cluster.weft_ok(&["get", "service", "-n", "shop", "-o", "name"]);
    text.lines().map(str::to_owned).collect()
}

fn root(cluster: &Cluster) -> String {
    cluster.items(&["status"])[0]["rootExpiresAt"].to_string()
}
