//! Join tokens and invitations that are wrong, used, expired, or somebody else's (P-18).

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use testbed::cluster::write_private;
use testbed::federation;
use testbed::{Cluster, ClusterSpec, Weft, ports, wait};

use super::assert_refused;

/// P-18: a token works once.
#[test]
fn used_token_is_refused() {
    let west = Cluster::start(&ClusterSpec::named("west"));
    let token = west.nodes[0].token();
    let output = node(&west, &token, "second");
    assert_refused(&output, 1, &["token"]);
    let hosts = west.weft_ok(&["status", "-o", "json"]);
    assert!(!hosts.contains("second"), "{hosts}");
}

/// P-18: and not for long.
#[test]
fn expired_token_is_refused() {
    let west = Cluster::start(&ClusterSpec::named("west").nodes(0));
    let file = west.file("late.token");
    let token = west.weft_ok(&["token", "create", "--role", "node", "--expires", "1s"]);
    write_private(&file, token.trim());
    pass(Duration::from_secs(2));
    assert_refused(&node(&west, &file, "late"), 1, &["expired"]);
}

/// P-11, P-18: a token for a gateway makes no node.
#[test]
fn token_for_another_role_is_refused() {
    let west = Cluster::start(&ClusterSpec::named("west").nodes(0));
    let file = west.file("gateway.token");
    let token = west.weft_ok(&["token", "create", "--role", "gateway"]);
    write_private(&file, token.trim());
    assert_refused(&node(&west, &file, "impostor"), 1, &["gateway"]);
}

#[test]
fn broken_tokens_are_refused_before_anything_is_sent() {
    let directory = tempfile::tempdir().unwrap();
    for text in [
        "",
        "rubbish",
        "weft-token-v1.",
        "weft-token-v1.AAAA",
        "weft-invitation-v1.AAAA",
        "weft-token-v2.AAAA",
    ] {
        let file = directory.path().join("token");
        write_private(&file, text);
        let output = join_with(&file, "broken", &directory.path().join("data"));
        assert_refused(&output, 1, &["token"]);
    }
}

#[test]
fn token_without_a_controller_behind_it_says_so() {
    let mut west = Cluster::start(&ClusterSpec::named("west").nodes(0));
    let file = west.file("orphan.token");
    let token = west.weft_ok(&["token", "create", "--role", "node"]);
    write_private(&file, token.trim());
    let address = west.controller.udp.to_string();
    west.controller.kill();
    assert_refused(&node(&west, &file, "orphan"), 1, &["controller", &address]);
}

/// P-18: an invitation works once, for the one it names, and not for long; P-10: what it brought stays as it was.
#[test]
fn used_expired_and_misdirected_invitations_are_refused() {
    let (west, east) = federation::start_both(
        &ClusterSpec::named("west").nodes(0),
        &ClusterSpec::named("east").nodes(0),
    );
    let join =
        |invitation: &str| west.weft_with_input(&["peer", "join", "-f", "-", "--yes"], invitation);

    assert_refused(&join(""), 2, &["invitation"]);
    for broken in ["rubbish", "weft-invitation-v1.AAAA", "weft-token-v1.AAAA"] {
        assert_refused(&join(broken), 1, &["invitation"]);
    }
    assert_refused(&join(&federation::invite(&east, "apac")), 1, &["apac"]);

    let printed = east.weft_ok(&["peer", "invite", "west", "--expires", "1s"]);
    pass(Duration::from_secs(2));
    assert_refused(&join(printed.trim()), 1, &["expired"]);
    assert_eq!(
        west.peer_state("east"),
        None,
        "a refused invitation left something behind"
    );
    assert_eq!(east.peer_state("west"), None);

    let invitation = federation::invite(&east, "west");
    federation::join(&west, &invitation);
    federation::wait_peers(&west, &east);
    assert_refused(&join(&invitation), 1, &["already"]);
    assert_eq!(west.peer_state("east").as_deref(), Some("READY"));
    west.weft_ok(&["peer", "remove", "east"]);
    assert_refused(&join(&invitation), 1, &["invitation"]);
    assert_eq!(west.peer_state("east"), None);
}

#[test]
fn invitation_of_an_unreachable_cluster_says_who_was_dialled() {
    let (west, mut east) = federation::start_both(
        &ClusterSpec::named("west").nodes(0),
        &ClusterSpec::named("east").nodes(0),
    );
    let invitation = federation::invite(&east, "west");
    let gateway = east.gateway.udp.to_string();
    east.kill_gateway();
    let output = west.weft_with_input(&["peer", "join", "-f", "-", "--yes"], &invitation);
    assert_refused(&output, 1, &[&gateway]);
    assert_eq!(west.peer_state("east"), None);
}

/// Waits until the clock by which secrets expire (whole seconds) has gone on.
fn pass(time: Duration) {
    let until = SystemTime::now() + time;
    wait::until("the clock goes on", wait::GENEROUS, || {
        (SystemTime::now() > until).then_some(())
    });
}

fn node(cluster: &Cluster, token: &Path, name: &str) -> Output {
    join_with(token, name, &cluster.file(&format!("data-{name}")))
}

/// Runs a node that should end by itself; one that doesn't is ended and fails the test.
fn join_with(token: &Path, name: &str, data_dir: &Path) -> Output {
    let listen = format!("127.0.0.1:{}", ports::free());
    let binary = Weft::binary();
    let mut command = Command::new("timeout");
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("WEFT_") {
            command.env_remove(variable);
        }
    }
    command
        .args(["60"])
        .arg(binary)
        .args([
            "node",
            "--metrics",
            "off",
            "--listen",
            &listen,
            "--advertise",
            &listen,
            "--name",
            name,
        ])
        .arg("--join")
        .arg(token)
        .arg("--data-dir")
        .arg(data_dir)
        .env("HOME", data_dir)
        .env("NO_COLOR", "1")
        .output()
        .expect("timeout starts")
}
