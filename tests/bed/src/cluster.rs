//! One cluster of real processes: a controller, a gateway, nodes.

mod host;
mod spec;

use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

pub use self::host::Host;
pub use self::spec::ClusterSpec;

use crate::binary::Weft;
use crate::ports;
use crate::relay::Relay;

/// A running cluster; dropped, its processes are killed and its files removed.
#[derive(Debug)]
pub struct Cluster {
    /// Its name, as its peers call it.
    pub name: String,
    /// Its trust domain.
    pub trust_domain: String,
    /// Its controller `c1`.
    pub controller: Host,
    /// Its gateway `g1`.
    pub gateway: Host,
    /// Its nodes `n1`, `n2`, …
    pub nodes: Vec<Host>,
    /// The wire before the gateway, if there is one.
    pub relay: Option<Relay>,
    /// How long it took until all were ready.
    pub ready_after: Duration,
    directory: TempDir,
}

impl Cluster {
    /// Starts all processes and waits until each says that it is ready.
    pub fn start(spec: &ClusterSpec) -> Self {
        let begun = Instant::now();
        let mut cluster = Self::prepare(spec);
        cluster.controller.start();
        cluster.controller.wait_ready();
        cluster.enrol("gateway");
        for index in 0..cluster.nodes.len() {
            cluster.enrol_node(index);
        }
        cluster.gateway.start();
        for node in &mut cluster.nodes {
            node.start();
        }
        for host in cluster.hosts() {
            host.wait_ready();
        }
        cluster.ready_after = begun.elapsed();
        cluster
    }

    fn prepare(spec: &ClusterSpec) -> Self {
        let directory = TempDir::with_prefix("weft-").expect("a temporary directory");
        let loopback = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let inner = loopback(ports::free());
        let relay = spec
            .relayed
            .then(|| Relay::start(loopback(ports::free()), inner));
        let advertised = relay.as_ref().map_or(inner, |relay| relay.front);
        let place = directory.path();
        Self {
            name: spec.name.clone(),
            trust_domain: spec.trust_domain.clone(),
            controller: Host::controller(spec, place, loopback(ports::free()), advertised),
            gateway: Host::gateway(spec, place, inner, advertised),
            nodes: (1..=spec.nodes)
                .map(|number| Host::node(spec, place, number, loopback(ports::free())))
                .collect(),
            relay,
            ready_after: Duration::ZERO,
            directory,
        }
    }

    fn enrol(&self, role: &str) {
        self.write_token(role, &self.gateway.token());
    }

    fn enrol_node(&self, index: usize) {
        self.write_token("node", &self.nodes[index].token());
    }

    fn write_token(&self, role: &str, file: &Path) {
        let token = self.weft_ok(&["token", "create", "--role", role]);
        write_private(file, token.trim());
    }

    /// Runs the command line on this cluster's controller.
    pub fn weft(&self, arguments: &[&str]) -> Output {
        self.command()
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .expect("weft starts")
    }

    /// Runs it with something on its standard input.
    pub fn weft_with_input(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = self
            .command()
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("weft starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        drop(stdin.write_all(input.as_bytes())); // a command that refuses at once doesn't read
        drop(stdin);
        child.wait_with_output().expect("weft ends")
    }

    /// Runs it and expects exit code 0; gives what it printed.
    #[track_caller]
    pub fn weft_ok(&self, arguments: &[&str]) -> String {
        expect_ok(arguments, &self.weft(arguments))
    }

    /// Applies a manifest, all or nothing, and waits until the nodes have acknowledged it.
    #[track_caller]
    pub fn apply(&self, yaml: &str) -> String {
        let arguments = ["apply", "-f", "-", "--wait=30s"];
        expect_ok(&arguments, &self.weft_with_input(&arguments, yaml))
    }

    /// A command of the binary that speaks to this cluster's controller.
    pub fn command(&self) -> Command {
        let mut command = Weft::command();
        let home = self.directory.path().join("home");
        command
            .arg("--data-dir")
            .arg(&self.controller.directory)
            .env("HOME", &home)
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_STATE_HOME", home.join("state"));
        command
    }

    /// The rows of a command's `-o json`.
    #[track_caller]
    pub fn items(&self, arguments: &[&str]) -> Vec<Value> {
        let mut arguments = arguments.to_vec();
        arguments.extend(["-o", "json"]);
        let text = self.weft_ok(&arguments);
        let document: Value = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("weft {arguments:?} printed no JSON ({error}): {text}"));
        match document.get("items") {
            Some(Value::Array(items)) => items.clone(),
            _ => vec![document],
        }
    }

    /// The state of a peer as `weft peer list` tells it (`READY` and so on); nothing when there is no such peer.
    pub fn peer_state(&self, peer: &str) -> Option<String> {
        let rows = self.items(&["peer", "list"]);
        let row = rows.iter().find(|row| row["cluster"] == peer)?;
        row["state"].as_str().map(str::to_owned)
    }

    /// A file in the cluster's directory, to put something into.
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// All hosts: controller, gateway, nodes.
    pub fn hosts(&self) -> impl Iterator<Item = &Host> {
        [&self.controller, &self.gateway]
            .into_iter()
            .chain(&self.nodes)
    }

    /// Ends the gateway as a power cut would (SIGKILL).
    pub fn kill_gateway(&mut self) {
        self.gateway.kill();
    }

    /// Starts the gateway again on its old port and waits until it is ready.
    pub fn start_gateway(&mut self) {
        self.gateway.start();
        self.gateway.wait_ready();
    }

    /// Panics unless every process still runs.
    #[track_caller]
    pub fn assert_alive(&mut self) {
        let hosts = [&mut self.controller, &mut self.gateway];
        for host in hosts.into_iter().chain(&mut self.nodes) {
            host.assert_alive();
        }
    }

    /// The sum of a metric over all nodes.
    pub fn nodes_metric(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let nodes = self.nodes.iter();
        nodes.map(|node| node.metrics().sum(name, labels)).sum()
    }
}

/// Creates a file that only its owner may read.
pub fn write_private(file: &Path, text: &str) {
    let opened = std::fs::OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(file);
    let written = opened.and_then(|mut opened| opened.write_all(text.as_bytes()));
    written.unwrap_or_else(|error| panic!("{} can't be written: {error}", file.display()));
}

/// Panics unless a command ended with exit code 0; gives what it printed.
#[track_caller]
pub fn expect_ok(arguments: &[&str], output: &Output) -> String {
    assert!(
        output.status.success(),
        "weft {} ended with {}\nstdout: {}\nstderr: {}",
        arguments.join(" "),
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}
