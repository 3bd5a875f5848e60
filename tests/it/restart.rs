//! Processes that end without notice and come back.

use testbed::federation::WEST_PAYMENTS;
use testbed::wait::GENEROUS;
use testbed::{Cluster, ClusterSpec, Federation, Load, LoadSpec, Metrics, http, manifest};

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

/// A node that was killed and started again answers the first packet of an old tunnel with a stateless reset: its caller dials anew
/// at once, not when the tunnel has been silent for half a minute, and the request that met the dead tunnel is answered.
#[test]
fn restarted_node_is_dialled_anew_at_once() {
    let mut federation = Federation::start();
    // Requests that went well pay for the one that is tried again.
    let load = Load::start(&LoadSpec::new(federation.listener, WEST_PAYMENTS));
    load.wait_for(20);
    load.stop().assert_nothing_failed();
    let node = &mut federation.west.nodes[0];
    node.kill();
    node.start();
    node.wait_ready();
    let answer = http::get(federation.listener, WEST_PAYMENTS, "/").unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (200, "west"));
    let caller = federation.east.nodes[0].metrics();
    assert_eq!(closed(&caller, "reset"), 1.0, "{}", caller.text());
    assert_eq!(closed(&caller, "timed_out"), 0.0, "{}", caller.text());
}

/// The twin that shows what the kept secret is for: resets made with another key are not believed.
#[test]
fn reset_made_with_another_key_ends_no_tunnel() {
    let mut federation = Federation::start();
    let replies = |federation: &Federation| {
        let gateway = federation.west.gateway.metrics();
        gateway.sum("weft_gateway_packets_total", &[("direction", "out")])
    };
    let node = &mut federation.west.nodes[0];
    node.kill();
    std::fs::remove_file(node.directory.join("node.secret")).unwrap();
    node.start();
    node.wait_ready();
    let before = replies(&federation);
    let listener = federation.listener;
    // It ends with the test: the tunnel is believed to live until it has been silent for long.
    std::thread::spawn(move || drop(http::get(listener, WEST_PAYMENTS, "/")));
    testbed::wait::until("the node has answered with resets", GENEROUS, || {
        (replies(&federation) >= before + 2.0).then_some(())
    });
    let caller = federation.east.nodes[0].metrics();
    assert_eq!(closed(&caller, "reset"), 0.0, "{}", caller.text());
}

fn closed(metrics: &Metrics, reason: &str) -> f64 {
    metrics.sum(
        "weft_tunnels_closed_total",
        &[("role", "caller"), ("reason", reason)],
    )
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
    testbed::wait::until("all requests are under way", GENEROUS, || {
        (federation.payments.in_flight() == 8).then_some(())
    });
    let west = &mut federation.west.nodes[0];
    west.process().signal(testbed::process::Signal::SIGTERM);
    testbed::wait::until("the node isn't ready", GENEROUS, || {
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
