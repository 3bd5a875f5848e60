//! `weft up --detach` and `weft down`: one machine, one command, and it finds its own state again.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use testbed::cluster::expect_ok;
use testbed::{Weft, http, manifest, ports};

#[test]
fn cluster_goes_up_and_down_and_finds_its_state_again() {
    let home = Home::new();
    let ports: Vec<String> = (0..3)
        .map(|_| format!("127.0.0.1:{}", ports::free()))
        .collect();
    let up = [
        "up",
        "--detach",
        "--cluster",
        "west",
        "--trust-domain",
        "west.example",
        "--name",
        "laptop",
        "--metrics",
        "127.0.0.1:0",
        "--gateway-listen",
        &ports[0],
        "--node-listen",
        &ports[1],
        "--controller-listen",
        &ports[2],
    ];
    home.ok(&up);
    assert_eq!(ready(home.directory.path()), 200);
    let manifest = home.directory.path().join("service.yaml");
    std::fs::write(&manifest, manifest::service("shop", "payments", "http")).unwrap();
    home.ok(&["apply", "-f", manifest.to_str().unwrap(), "--wait=30s"]);

    let again = home.run(&up);
    assert!(again.status.success(), "a second `up` isn't idempotent");
    let said = String::from_utf8_lossy(&again.stderr);
    assert!(said.contains("already"), "{said}");

    home.ok(&["down"]);
    assert!(!home.run(&["status"]).status.success(), "it still answers");
    // what isn't typed is remembered: ports, names, the trust domain
    home.ok(&["up", "--detach", "--cluster", "west"]);
    let found = home.ok(&["get", "service", "-n", "shop", "-o", "name"]);
    assert!(found.contains("payments"), "{found}");
    let other = home.run(&["up", "--cluster", "west", "--trust-domain", "other.example"]);
    assert_eq!(other.status.code(), Some(2), "{other:?}");
    home.ok(&["down", "--purge"]);
    assert!(!home.data().exists(), "--purge leaves something");
}

/// A user's home, so that neither contexts nor state of whoever runs the tests are touched.
struct Home {
    directory: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn data(&self) -> std::path::PathBuf {
        self.directory.path().join("data")
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let log = std::fs::File::create(self.directory.path().join("stderr")).unwrap();
        let mut command: Command = Weft::command();
        let mut output = command
            .args(arguments)
            .env("HOME", self.directory.path())
            .env("XDG_CONFIG_HOME", self.directory.path().join("config"))
            .env("WEFT_DATA_DIR", self.data())
            .stderr(log) // a file: the process in the background must not hold a pipe of ours open
            .output()
            .unwrap();
        output.stderr = std::fs::read(self.directory.path().join("stderr")).unwrap();
        output
    }

    #[track_caller]
    fn ok(&self, arguments: &[&str]) -> String {
        expect_ok(arguments, &self.run(arguments))
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if self.data().exists() {
            drop(self.run(&["down"]));
        }
    }
}

fn ready(home: &Path) -> u16 {
    let text = std::fs::read_to_string(home.join("data/addresses.json")).unwrap();
    let addresses: Value = serde_json::from_str(&text).unwrap();
    let metrics = addresses["metrics"].as_str().unwrap().parse().unwrap();
    http::get(metrics, "localhost", "/readyz").unwrap().status
}
