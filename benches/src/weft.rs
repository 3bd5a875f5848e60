//! Weft as it ships: a controller and two nodes, default limits, an authorization policy, access log and metrics on.
//!
//! Controllers run beside and aren't counted: they carry nothing. [`Mesh`] is one cluster with a tunnel from node to node,
//! [`Federated`] two clusters with a gateway between them.

mod federated;
mod host;

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use testbed::manifest::{self, Workload};
use testbed::{ports, wait};

pub use self::federated::{Federated, THROUGH_GATEWAY};
use self::host::{Host, weft};
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
    near: Host,
    far: Host,
    _controller: Host,
    _directory: TempDir,
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
        name: &'static str,
        node_flags: &[String],
        ground: &'a Ground,
        origin: u16,
        protocol: &str,
    ) -> Result<Self, String> {
        let directory = TempDir::with_prefix("weft-mesh-").unwrap();
        let place = directory.path();
        let mut controller = Host::new("c1", "controller", place, ground, Side::Far);
        controller.tell(&["--cluster", "bench", "--trust-domain", "bench.example"]);
        controller.tell(&["--gateway", "127.0.0.1:9"]); // there is none, and nobody asks for it
        controller.start(ground);
        controller.wait_ready(ground);
        let node_flags: Vec<&str> = node_flags.iter().map(String::as_str).collect();
        let [near, far] = [("n1", Side::Near), ("n2", Side::Far)].map(|(name, side)| {
            let mut node = Host::new(name, "node", place, ground, side);
            node.join("node");
            node.tell(&node_flags);
            node.start(ground);
            node
        });
        near.wait_ready(ground);
        far.wait_ready(ground);
        let entry = entry(ground);
        let yaml = [
            manifest::service("bench", "origin", protocol),
            origin_at("n2", origin),
            caller_at("n1", entry, AUTHORITY),
            POLICY.to_owned(),
        ];
        apply(place, &yaml.concat())?;
        Ok(Self {
            name,
            ground,
            entry,
            near,
            far,
            _controller: controller,
            _directory: directory,
        })
    }

    /// Waits until an application at the near side is answered through both nodes.
    ///
    /// # Errors
    /// What was heard instead.
    pub fn wait_serving(&self, spoken: Spoken) -> Result<(), String> {
        wait_serving(self.ground, &self.way(), spoken)
    }

    /// Ends the caller's node and starts it again; how long it takes until it is ready.
    pub fn restart_near(&mut self) -> Duration {
        self.near.terminate();
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

fn entry(ground: &Ground) -> SocketAddr {
    ([127, 0, 0, 1], ground.on(Side::Near, ports::free)).into()
}

fn origin_at(node: &str, port: u16) -> String {
    let workload = Workload {
        namespace: "bench",
        name: "origin",
        node,
        serves: &[("origin", port)],
        ..Workload::default()
    };
    // as often as by default, not as often as tests want it
    workload.yaml().replace("every: 200ms", "every: 1s")
}

fn caller_at(node: &str, entry: SocketAddr, host: &str) -> String {
    let workload = Workload {
        namespace: "bench",
        name: "caller",
        node,
        listeners: &[(entry.port(), host)],
        ..Workload::default()
    };
    workload.yaml()
}

fn apply(place: &Path, yaml: &str) -> Result<(), String> {
    weft(place, &["apply", "-f", "-", "--wait=30s"], yaml).map(drop)
}

fn wait_serving(ground: &Ground, way: &Way<'_>, spoken: Spoken) -> Result<(), String> {
    let mut last = String::new();
    let served = wait::poll(wait::GENEROUS, || {
        let answer = ground.on(Side::Near, || load::probe(way.entry, spoken));
        last = format!("{answer:?}");
        answer.ok()
    });
    served.ok_or_else(|| {
        let tails: Vec<String> = way.proxies.iter().map(|proxy| proxy.tail()).collect();
        format!("doesn't serve: {last}\n{}", tails.join("\n"))
    })
}
