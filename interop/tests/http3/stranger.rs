//! A caller that is no Weft node: software of others with an SVID, which dials a node's `open` HTTP/3 port.
#![allow(dead_code, reason = "each of the tests uses a part")]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use testbed::binary::Weft;
use testbed::cluster::{Cluster, ClusterSpec};
use testbed::manifest::{self, Workload};
use testbed::{ports, wait};

/// By which name the stranger knows the service.
pub(crate) const HOST: &str = "payments.shop.svc.cluster.local";
/// Whom it expects there.
pub(crate) const PAYMENTS: &str = "spiffe://west.example/ns/shop/sa/payments";

/// One cluster whose node has an open port, and files with what the stranger shows and believes.
#[derive(Debug)]
pub(crate) struct Stranger {
    /// The cluster.
    pub(crate) west: Cluster,
    /// The open port.
    pub(crate) open: SocketAddr,
    /// The trust domain's root certificate.
    pub(crate) root: PathBuf,
    directory: TempDir,
}

impl Stranger {
    /// Starts the cluster with a server at `server_port` behind `shop/payments`; the stranger is `shop/cart`.
    pub(crate) fn before(server_port: u16, protocol: &str) -> Self {
        let open = SocketAddr::from(([127, 0, 0, 1], ports::free()));
        let mut spec = ClusterSpec::named("west");
        spec.node_flags = vec!["--h3-listen".to_owned(), open.to_string()];
        let west = Cluster::start(&spec);
        let serving = Workload {
            namespace: "shop",
            name: "payments",
            node: "n1",
            serves: &[("payments", server_port)],
            ..Workload::default()
        };
        let caller = Workload {
            namespace: "shop",
            name: "cart",
            node: "n1",
            listeners: &[(ports::free(), "payments.shop")],
            ..Workload::default()
        };
        let service = manifest::service("shop", "payments", protocol);
        west.apply(&[service, serving.yaml(), caller.yaml()].concat());
        let directory = TempDir::with_prefix("weft-stranger-").unwrap();
        let root = directory.path().join("root.pem");
        let authority = west.controller.directory.join("authority/root.pem");
        std::fs::write(&root, certificates(&authority)).unwrap();
        let stranger = Self {
            west,
            open,
            root,
            directory,
        };
        wait::until("the SVIDs are there", wait::GENEROUS, || {
            let held = ["cart", "payments"].map(|name| stranger.svid(name).exists());
            (held == [true; 2]).then_some(())
        });
        stranger
    }

    /// The file with a workload's key and chain.
    pub(crate) fn svid(&self, name: &str) -> PathBuf {
        svid_of(&self.west, 0, name)
    }

    /// A copy of the scripts' directory to run in.
    pub(crate) fn script(&self, python: &Path, name: &str) -> Command {
        copy_scripts(self.directory.path());
        let mut command = Command::new(python);
        command
            .current_dir(self.directory.path())
            .args(["-u", name]);
        command
    }

    /// Runs a scenario of `python/h3_client.py`.
    #[track_caller]
    pub(crate) fn scenario(&self, python: &Path, scenario: &str) {
        let mut command = self.script(python, "h3_client.py");
        command.args([&self.open.port().to_string(), HOST]);
        command.args([self.svid("cart"), self.root.clone()]);
        let output = command.args([PAYMENTS, scenario]).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "scenario {scenario} failed:\n{errors}"
        );
    }
}

/// The file with key and chain of a workload at a node.
pub(crate) fn svid_of(cluster: &Cluster, node: usize, name: &str) -> PathBuf {
    let workloads = cluster.nodes[node].directory.join("workloads");
    workloads.join(format!("ns+shop+sa+{name}/svid.pem"))
}

/// The certificates in a file that may hold a key too.
pub(crate) fn certificates(file: &Path) -> String {
    let text = std::fs::read_to_string(file).unwrap();
    let blocks = text.split_inclusive("-----END CERTIFICATE-----");
    blocks
        .filter_map(|block| Some(&block[block.find("-----BEGIN CERTIFICATE-----")?..]))
        .map(|block| format!("{block}\n"))
        .collect()
}

/// Puts the HTTP/3 scripts into a directory.
pub(crate) fn copy_scripts(place: &Path) {
    for file in [
        "h3_svid.py",
        "h3_client.py",
        "h3_server.py",
        "h3_named_svid.py",
    ] {
        let source = Weft::source_tree().join("interop/python").join(file);
        std::fs::copy(source, place.join(file)).unwrap();
    }
}
