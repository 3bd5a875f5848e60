//! Two federated clusters: the caller in `east` at the near side, the origin in `west` at the far side, west's gateway on the way.

use std::net::SocketAddr;
use std::path::Path;

use tempfile::TempDir;
use testbed::{manifest, wait};

use super::host::{Host, weft};
use super::{apply, caller_at, entry, origin_at, wait_serving};
use crate::ground::{Ground, Side};
use crate::peers::Spoken;
use crate::way::Way;

/// As the report names it.
pub const THROUGH_GATEWAY: &str = "Weft through a gateway";

/// By this name east calls west's origin.
const EXPORTED: &str = "origin.bench.svc.west.clusterset.local";

/// Both clusters, running.
#[derive(Debug)]
pub struct Federated<'a> {
    ground: &'a Ground,
    entry: SocketAddr,
    west: Cluster,
    east: Cluster,
    _directory: TempDir,
}

#[derive(Debug)]
struct Cluster {
    node: Host,
    gateway: Host,
    _controller: Host,
}

impl<'a> Federated<'a> {
    /// Starts both, federates them, and exports the origin with leave for the caller.
    ///
    /// # Errors
    /// What a cluster says against it.
    pub fn start(ground: &'a Ground, origin: u16, protocol: &str) -> Result<Self, String> {
        let directory = TempDir::with_prefix("weft-federated-").unwrap();
        let places = ["west", "east"].map(|name| directory.path().join(name));
        let [west, east] = &places;
        let federated = Self {
            ground,
            entry: entry(ground),
            west: Cluster::start("west", west, ground, Side::Far),
            east: Cluster::start("east", east, ground, Side::Near),
            _directory: directory,
        };
        let invitation = weft(east, &["peer", "invite", "west", "--expires", "15m"], "")?;
        let mut words = invitation.split_whitespace();
        let invitation = words.rfind(|word| word.starts_with("weft-invitation-"));
        let invitation = format!("{}\n", invitation.ok_or("no invitation")?);
        weft(west, &["peer", "join", "-f", "-", "--yes"], &invitation)?;
        let peers_ready = |place: &Path| {
            let peers = weft(place, &["peer", "list"], "").ok()?;
            peers.contains("READY").then_some(())
        };
        for place in &places {
            wait::until("peers are READY", wait::GENEROUS, || peers_ready(place));
        }
        let service = manifest::service("bench", "origin", protocol);
        apply(west, &(service + &origin_at("n1", origin)))?;
        apply(east, &caller_at("n1", federated.entry, EXPORTED))?;
        let export = "service export bench/origin --to east --allow bench/caller --wait=30s";
        weft(west, &export.split(' ').collect::<Vec<_>>(), "")?;
        Ok(federated)
    }

    /// Waits until an application at the near side is answered.
    ///
    /// # Errors
    /// What was heard instead.
    pub fn wait_serving(&self, spoken: Spoken) -> Result<(), String> {
        wait_serving(self.ground, &self.way(), spoken)
    }

    /// The way: east's node, west's gateway, west's node.
    pub fn way(&self) -> Way<'_> {
        let hosts = [&self.east.node, &self.west.gateway, &self.west.node];
        Way {
            name: THROUGH_GATEWAY,
            entry: self.entry,
            proxies: hosts.map(Host::process).to_vec(),
        }
    }
}

impl Cluster {
    fn start(name: &str, place: &Path, ground: &Ground, side: Side) -> Self {
        std::fs::create_dir(place).unwrap();
        let mut gateway = Host::new("g1", "gateway", place, ground, side);
        let mut node = Host::new("n1", "node", place, ground, side);
        let mut controller = Host::new("c1", "controller", place, ground, side);
        let domain = format!("{name}.example");
        controller.tell(&["--cluster", name, "--trust-domain", &domain]);
        controller.tell(&["--gateway", &gateway.udp.to_string()]);
        controller.start(ground);
        controller.wait_ready(ground);
        for (host, role) in [(&mut gateway, "gateway"), (&mut node, "node")] {
            host.join(role);
            host.start(ground);
            host.wait_ready(ground);
        }
        Self {
            node,
            gateway,
            _controller: controller,
        }
    }
}
