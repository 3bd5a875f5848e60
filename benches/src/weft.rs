//! Weft as it ships: one cluster of a controller and two nodes, default limits, an authorization policy, access log and metrics on.
//!
//! The controller runs beside the two nodes and isn't counted: it carries nothing.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use testbed::cluster::write_private;
use testbed::manifest::{self, Workload};
use testbed::{Process, Weft, http, ports, wait};

use crate::ground::{Ground, Side};
use crate::load;
use crate::peers::Spoken;
use crate::report::WEFT;
use crate::way::Way;

/// The name by which the caller asks for the origin.
pub const AUTHORITY: &str = "origin.bench.svc.cluster.local";

/// A running cluster.
#[derive(Debug)]
pub struct Mesh<'a> {
    name: &'static str,
    ground: &'a Ground,
    entry: SocketAddr,
    near: Node,
    far: Node,
    _controller: Node,
    directory: TempDir,
}

/// One of its processes, which may be ended and started again.
#[derive(Debug)]
struct Node {
    name: &'static str,
    side: Side,
    arguments: Vec<String>,
    place: PathBuf,
    process: Option<Process>,
}

impl<'a> Mesh<'a> {
    /// Starts it with a service of this protocol, behind which the far side's `origin` stands.
    ///
    /// # Errors
    /// What the cluster says against the service: a protocol that it doesn't know, for one.
    pub fn start(ground: &'a Ground, origin: u16, protocol: &str) -> Result<Self, String> {
        Self::start_as(WEFT, &[], ground, origin, protocol)
    }

    /// The same under another name, with more flags for its nodes.
    ///
    /// # Errors
    /// As [`Mesh::start`].
    pub fn start_as(
        mesh_name: &'static str,
        node_flags: &[String],
        ground: &'a Ground,
        origin: u16,
        protocol: &str,
    ) -> Result<Self, String> {
        let directory = TempDir::with_prefix("weft-mesh-").unwrap();
        let place = directory.path();
        let udp = |side| ground.socket(side, ground.on(side, ports::free));
        let mut controller =
            Node::new("c1", Side::Far, place, "controller", udp(Side::Far), ground);
        controller.arguments.extend(
            "--cluster bench --trust-domain bench.example --gateway 127.0.0.1:9"
                .split(' ')
                .map(str::to_owned),
        );
        controller.start(ground);
        controller.wait_ready(ground);
        let mut nodes = [("n1", Side::Near), ("n2", Side::Far)].map(|(name, side)| {
            let mut node = Node::new(name, side, place, "node", udp(side), ground);
            let token = ok(&weft(place, &["token", "create", "--role", "node"], ""))
                .unwrap_or_else(|error| panic!("no token: {error}"));
            let file = place.join(format!("{name}.token"));
            write_private(&file, token.trim());
            node.arguments
                .extend(["--join".to_owned(), file.to_string_lossy().into_owned()]);
            node.arguments.extend_from_slice(node_flags);
            node.start(ground);
            node
        });
        for node in &nodes {
            node.wait_ready(ground);
        }
        nodes.reverse();
        let [far, near] = nodes;
        let entry = ([127, 0, 0, 1], ground.on(Side::Near, ports::free)).into();
        let mesh = Self {
            name: mesh_name,
            ground,
            entry,
            near,
            far,
            _controller: controller,
            directory,
        };
        mesh.declare(origin, protocol)?;
        Ok(mesh)
    }

    fn declare(&self, origin: u16, protocol: &str) -> Result<(), String> {
        let origin = Workload {
            namespace: "bench",
            name: "origin",
            node: "n2",
            serves: &[("origin", origin)],
            ..Workload::default()
        };
        let caller = Workload {
            namespace: "bench",
            name: "caller",
            node: "n1",
            listeners: &[(self.entry.port(), AUTHORITY)],
            ..Workload::default()
        };
        // as often as by default, not as often as tests want it
        let origin = origin.yaml().replace("every: 200ms", "every: 1s");
        let yaml = [
            manifest::service("bench", "origin", protocol),
            origin,
            caller.yaml(),
            POLICY.to_owned(),
        ];
        let arguments = ["apply", "-f", "-", "--wait=30s"];
        ok(&weft(self.directory.path(), &arguments, &yaml.concat())).map(drop)
    }

    /// Waits until an application at the near side is answered through both nodes.
    ///
    /// # Errors
    /// What was heard instead.
    pub fn wait_serving(&self, spoken: Spoken) -> Result<(), String> {
        let mut last = String::new();
        let served = wait::poll(wait::GENEROUS, || {
            let answer = self
                .ground
                .on(Side::Near, || load::probe(self.entry, spoken));
            last = format!("{answer:?}");
            answer.ok()
        });
        let tails = || {
            format!(
                "{}\n{}",
                self.near.process().tail(),
                self.far.process().tail()
            )
        };
        served.ok_or_else(|| format!("doesn't serve: {last}\n{}", tails()))
    }

    /// Ends the caller's node and starts it again; how long it takes until it is ready.
    pub fn restart_near(&mut self) -> Duration {
        if let Some(mut process) = self.near.process.take() {
            process.terminate();
        }
        let begun = Instant::now();
        self.near.start(self.ground);
        self.near.wait_ready(self.ground);
        begun.elapsed()
    }

    /// The way through both nodes.
    pub fn way(&self) -> Way<'_> {
        Way {
            name: self.name,
            entry: self.entry,
            proxies: vec![self.near.process(), self.far.process()],
        }
    }
}

/// Who may call: the caller, and nobody else. Decided for every request.
const POLICY: &str = "---
apiVersion: weft.dev/v1alpha1
kind: AuthorizationPolicy
metadata: {name: origin, namespace: bench}
spec:
  targetRefs: [{group: \"\", kind: Service, name: origin}]
  action: Allow
  rules:
  - from: [{namespace: bench, serviceAccount: caller}]
";

impl Node {
    fn new(
        name: &'static str,
        side: Side,
        place: &Path,
        command: &str,
        udp: SocketAddr,
        ground: &Ground,
    ) -> Self {
        let metrics = SocketAddr::new(ground.address(side).into(), 0);
        let directory = place.join(name);
        let arguments = [
            command,
            "--data-dir",
            &directory.to_string_lossy(),
            "--name",
            name,
            "--listen",
            &udp.to_string(),
            "--advertise",
            &udp.to_string(),
            "--metrics",
            &metrics.to_string(),
        ];
        Self {
            name,
            side,
            arguments: arguments.map(str::to_owned).to_vec(),
            place: place.to_owned(),
            process: None,
        }
    }

    fn start(&mut self, ground: &Ground) {
        let mut command = at_home(&self.place);
        command.args(&self.arguments);
        let log = self.place.join(format!("{}.log", self.name));
        self.process = Some(ground.spawn(self.side, self.name, command, &log));
    }

    fn process(&self) -> &Process {
        self.process.as_ref().expect("it was started")
    }

    /// Asked every millisecond: the figure of the start-up hangs on it.
    fn wait_ready(&self, ground: &Ground) {
        let begun = Instant::now();
        let ready = || {
            let file = self.place.join(self.name).join("addresses.json");
            let addresses: Value = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
            let current = addresses["pid"].as_u64()? == u64::from(self.process().pid());
            let metrics = addresses["metrics"].as_str()?.parse().ok()?;
            let answer = http::get(metrics, "localhost", "/readyz").ok()?;
            (current && answer.status == 200).then_some(())
        };
        ground.on(self.side, || {
            while ready().is_none() {
                assert!(
                    begun.elapsed() < wait::GENEROUS,
                    "{} isn't ready\n{}",
                    self.name,
                    self.process().tail()
                );
                std::thread::sleep(Duration::from_millis(1));
            }
        });
    }
}

/// The command line, on this cluster's controller.
fn weft(place: &Path, arguments: &[&str], input: &str) -> Output {
    let mut command = at_home(place);
    let mut child = command
        .arg("--data-dir")
        .arg(place.join("c1"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("weft starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    drop(std::io::Write::write_all(&mut stdin, input.as_bytes())); // what refuses at once doesn't read
    drop(stdin);
    child.wait_with_output().expect("weft ends")
}

fn at_home(place: &Path) -> Command {
    let mut command = Weft::command();
    let home = place.join("home");
    command
        .env("HOME", &home)
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("XDG_STATE_HOME", home.join("state"));
    command
}

fn ok(output: &Output) -> Result<String, String> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}
