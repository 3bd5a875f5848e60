//! Two clusters: what crosses, what doesn't, and how it ends.

use std::net::SocketAddr;
use std::time::Instant;

use testbed::federation::{self, FederationSpec, PROMPT, WEST_PAYMENTS};
use testbed::manifest::{self, Workload};
use testbed::{App, Federation, Load, LoadSpec, http, ports, wait};

#[test]
fn exported_service_is_called_from_the_other_cluster() {
    let federation = Federation::start();
    let by_listener = http::get(federation.listener, WEST_PAYMENTS, "/").unwrap();
    let by_proxy = http::get_by_proxy(federation.proxy, WEST_PAYMENTS, "/").unwrap();
    for answer in [by_listener, by_proxy] {
        assert_eq!((answer.status, answer.text().as_str()), (200, "west"));
    }
}

/// P-12: the default across trust domains is to refuse, and only the caller that a policy names is let in.
#[test]
fn nobody_from_another_trust_domain_calls_without_a_policy() {
    let federation = Federation::unexported(&FederationSpec::default());
    let west = &federation.west;
    west.weft_ok(&["service", "export", "shop/payments", "--to", "east"]);
    federation.wait_status(403);
    assert_eq!(
        federation.payments.requests(),
        0,
        "the app heard of a refused request"
    );

    west.apply(&manifest::allow(
        "shop",
        "payments",
        "east",
        ("shop", "somebody"),
    ));
    federation.wait_status(403);
    west.apply(&manifest::allow(
        "shop",
        "payments",
        "east",
        ("shop", "cart"),
    ));
    federation.wait_status(200);
}

/// P-16: a service that isn't exported and one that doesn't exist look the same, to the last byte.
#[test]
fn unexported_and_missing_services_look_alike() {
    let federation = Federation::start();
    let secret = App::start("secret");
    federation.west.apply(
        &(manifest::service("shop", "secret", "http")
            + &Workload {
                namespace: "shop",
                name: "secret",
                node: "n1",
                serves: &[("secret", secret.port)],
                ..Workload::default()
            }
            .yaml()),
    );
    let ask = |name: &str| {
        let host = format!("{name}.shop.svc.west.clusterset.local");
        let mut answer = http::get_by_proxy(federation.proxy, &host, "/").unwrap();
        answer.headers.retain(|(name, _)| name != "date");
        let text = answer.text().replace(name, "NAME");
        (answer.status, answer.headers.clone(), text)
    };
    let unexported = ask("secret");
    assert_eq!(unexported, ask("nosuch"));
    assert!(unexported.0 >= 400, "{unexported:?}");
    assert_eq!(secret.requests(), 0);
}

/// P-16: what one peer exports isn't passed on to a third, and P-17: names of other lanes stay what they are.
#[test]
fn peer_sees_only_what_is_exported_to_it() {
    let federation = Federation::unexported(&FederationSpec::default());
    federation.west.weft_ok(&[
        "service",
        "export",
        "shop/payments",
        "--to",
        "apac",
        "--allow",
        "shop/cart",
    ]);
    federation.wait_status(not_exported_status(&federation));
    assert_eq!(federation.payments.requests(), 0);
    federation.west.weft_ok(&[
        "service",
        "export",
        "shop/payments",
        "--to",
        "east",
        "--allow",
        "shop/cart",
    ]);
    federation.wait_served();
    federation
        .west
        .weft_ok(&["service", "unexport", "shop/payments", "--from", "east"]);
    federation.wait_status(not_exported_status(&federation));
}

fn not_exported_status(federation: &Federation) -> u16 {
    http::get_by_proxy(
        federation.proxy,
        "nosuch.shop.svc.west.clusterset.local",
        "/",
    )
    .unwrap()
    .status
}

/// P-8: a peer that is removed is cut off within ten seconds, under load, and its connections are closed.
#[test]
fn removed_peer_is_cut_off_at_once() {
    let federation = Federation::start();
    let load = Load::start(&LoadSpec::new(federation.listener, WEST_PAYMENTS));
    load.wait_for(50);
    assert_eq!(load.failed(), 0);

    let removed = Instant::now();
    federation
        .west
        .weft_ok(&["peer", "remove", "east", "--wait=30s"]);
    wait::until("ten seconds pass", wait::GENEROUS, || {
        (removed.elapsed() > PROMPT).then_some(())
    });
    load.wait_for(20);
    let last = federation.payments.last_request().unwrap();
    assert!(
        last < removed + PROMPT,
        "the app heard of the peer {:?} after its removal",
        last.duration_since(removed)
    );
    let report = load.stop();
    assert!(report.failed.len() >= 20, "{} refused", report.failed.len());
    assert_eq!(federation.west.peer_state("east"), None);

    // a new invitation brings it back
    federation
        .east
        .weft_ok(&["peer", "remove", "west", "--wait=30s"]);
    federation::federate(&federation.west, &federation.east);
    federation.west.weft_ok(&[
        "service",
        "export",
        "shop/payments",
        "--to",
        "east",
        "--allow",
        "shop/cart",
    ]);
    federation.wait_served();
}

/// P-18: of many who redeem one invitation at the same time exactly one wins.
#[test]
fn invitation_is_redeemed_once_however_many_try() {
    const REDEEMERS: usize = 8;
    let (west, east) = federation::start_both(
        &testbed::ClusterSpec::named("west").nodes(0),
        &testbed::ClusterSpec::named("east").nodes(0),
    );
    let invitation = federation::invite(&east, "west");
    let arguments = ["peer", "join", "-f", "-", "--yes"];
    let outputs: Vec<_> = std::thread::scope(|scope| {
        let tries: Vec<_> = (0..REDEEMERS)
            .map(|_| scope.spawn(|| west.weft_with_input(&arguments, &invitation)))
            .collect();
        tries.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let won = outputs
        .iter()
        .filter(|output| output.status.success())
        .count();
    let said: Vec<_> = outputs
        .iter()
        .map(|output| String::from_utf8_lossy(&output.stderr).into_owned())
        .collect();
    assert_eq!(won, 1, "{said:#?}");
    federation::wait_peers(&west, &east);
}

/// East calls its own service by default, and a policy sends it to west when its own is gone.
#[test]
fn calls_fail_over_to_the_peer_and_come_back() {
    let federation = Federation::start();
    let east = &federation.east;
    let mut local = App::start("east");
    let port = local.port;
    let listener = ports::free();
    east.apply(
        &(manifest::idempotent_service("shop", "payments", "http")
            + &Workload {
                namespace: "shop",
                name: "payments",
                node: "n1",
                serves: &[("payments", port)],
                ..Workload::default()
            }
            .yaml()
            + &Workload {
                namespace: "shop",
                name: "till",
                service_account: "cart",
                node: "n1",
                listeners: &[(listener, "payments.shop")],
                ..Workload::default()
            }
            .yaml()
            + &manifest::failover("shop", "payments", "west")),
    );
    let listener = SocketAddr::from(([127, 0, 0, 1], listener));
    wait::until("east's payments answer", wait::GENEROUS, || {
        let answer = http::get(listener, "payments.shop", "/").ok()?;
        (answer.text() == "east").then_some(())
    });
    let load = Load::start(&LoadSpec::new(listener, "payments.shop"));
    load.wait_served_by("east", 50);
    drop(local);
    load.wait_served_by("west", 50);
    local = App::start_on("east", port);
    load.wait_served_by("east", 50);
    let report = load.stop();
    report.assert_nothing_failed();
    drop(local);
}
