//! Processes that find their place taken, or not safe.

use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use testbed::{Cluster, ClusterSpec, Weft};

use super::assert_refused;

#[test]
fn udp_port_in_use_is_named() {
    let held = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = held.local_addr().unwrap().to_string();
    let place = tempfile::tempdir().unwrap();
    let said = controller(
        &place.path().join("data"),
        &["--listen", &address, "--metrics", "off"],
    );
    assert_refused(&said, 1, &[&address, "in use"]);
}

#[test]
fn metrics_port_in_use_is_named() {
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = held.local_addr().unwrap().to_string();
    let place = tempfile::tempdir().unwrap();
    let said = controller(
        &place.path().join("data"),
        &["--listen", "127.0.0.1:0", "--metrics", &address],
    );
    assert_refused(&said, 1, &[&address, "in use"]);
}

#[test]
fn data_directory_that_others_may_write_to_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o777)).unwrap();
    let said = controller(&data, &["--listen", "127.0.0.1:0", "--metrics", "off"]);
    assert_refused(&said, 1, &["0777", "Try: chmod"]);
    assert_eq!(
        std::fs::read_dir(&data).unwrap().count(),
        0,
        "it left something there"
    );
}

#[test]
fn data_directory_in_use_is_refused() {
    let west = Cluster::start(&ClusterSpec::named("west").nodes(0));
    let said = controller(
        &west.controller.directory,
        &["--listen", "127.0.0.1:0", "--metrics", "off"],
    );
    assert_refused(
        &said,
        1,
        &["in use", &west.controller.process().pid().to_string()],
    );
}

/// State of one cluster is never taken for another's.
#[test]
fn data_directory_of_another_cluster_is_refused() {
    let mut west = Cluster::start(&ClusterSpec::named("west").nodes(0));
    west.controller.terminate();
    let output = Weft::command()
        .args([
            "controller",
            "--cluster",
            "north",
            "--trust-domain",
            "north.example",
        ])
        .args(["--listen", "127.0.0.1:0", "--metrics", "off", "--data-dir"])
        .arg(&west.controller.directory)
        .env("HOME", west.file("home"))
        .output()
        .unwrap();
    assert_refused(&output, 1, &["west"]);
}

#[test]
fn command_without_its_controller_says_which_is_missing() {
    let mut west = Cluster::start(&ClusterSpec::named("west").nodes(0));
    west.controller.kill();
    assert_refused(&west.weft(&["status"]), 1, &["controller", "Try:"]);
    assert_refused(
        &west.weft(&["peer", "invite", "east"]),
        1,
        &["controller", "Try:"],
    );
}

/// Keys, tokens and sockets are for their owner alone.
#[test]
fn secrets_on_disk_are_private() {
    let west = Cluster::start(&ClusterSpec::named("west"));
    for host in west.hosts() {
        assert_eq!(
            mode(&host.directory) & 0o077,
            0,
            "{}",
            host.directory.display()
        );
        for file in files(&host.directory) {
            let mode = mode(&file);
            assert_eq!(mode & 0o077, 0, "{} has mode {mode:o}", file.display());
        }
    }
}

/// A gateway is given no workload's key, and no key that opens traffic: one SVID of its own at most.
#[test]
fn gateway_holds_no_workload_key() {
    let federation = testbed::Federation::start();
    for file in files(&federation.west.gateway.directory) {
        let bytes = std::fs::read(&file).unwrap_or_default();
        for secret in ["/sa/payments", "shop", "payments", "server_names"] {
            let found = bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes());
            assert!(!found, "{} holds {secret:?}", file.display());
        }
    }
}

fn controller(data_dir: &Path, flags: &[&str]) -> Output {
    Weft::command()
        .args([
            "controller",
            "--cluster",
            "west",
            "--trust-domain",
            "west.example",
        ])
        .args(flags)
        .arg("--data-dir")
        .arg(data_dir)
        .env("HOME", data_dir.with_file_name("home"))
        .output()
        .unwrap()
}

fn mode(path: &Path) -> u32 {
    std::fs::symlink_metadata(path)
        .unwrap()
        .permissions()
        .mode()
}

fn files(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        }
        found.push(path);
    }
    found
}
