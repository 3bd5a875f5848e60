//! All ways before one origin, running side by side.

use std::net::SocketAddr;

use crate::bench::Bench;
use crate::peers::{Pair, Peer, Spoken};
use crate::report::{DIRECT, Table, WEFT};
use crate::way::Way;
use crate::weft::{Federated, Mesh, THROUGH_GATEWAY};

/// Direct, Weft, and peers.
#[derive(Debug)]
pub struct Stand<'a> {
    direct: SocketAddr,
    mesh: Option<Mesh<'a>>,
    federated: Option<Federated<'a>>,
    pairs: Vec<Pair>,
    missing: Vec<String>,
}

impl<'a> Stand<'a> {
    /// Starts Weft with a service of this protocol, and the peers; what can't run is noted.
    pub fn raise(
        bench: &'a Bench,
        origin: u16,
        protocol: &str,
        spoken: Spoken,
        peers: &[Peer],
    ) -> Self {
        let ground = &bench.ground;
        let mut missing = Vec::new();
        let mesh = Mesh::start(ground, origin, protocol)
            .and_then(|mesh| mesh.wait_serving(spoken).map(|()| mesh));
        let mut note = |name: &str, why: String| missing.push(format!("{name}: {why}"));
        let mesh = mesh.map_err(|why| note(WEFT, why)).ok();
        let federated = bench.options.gateway.then(|| {
            let started = Federated::start(ground, origin, protocol)
                .and_then(|federated| federated.wait_serving(spoken).map(|()| federated));
            started.map_err(|why| note(THROUGH_GATEWAY, why)).ok()
        });
        let pairs = peers.iter().filter_map(|peer| {
            let pair = Pair::start(*peer, ground, bench.certificates.as_ref(), origin, spoken);
            pair.map_err(|why| missing.push(format!("{peer}: {why}")))
                .ok()
        });
        Self {
            direct: ground.socket(crate::ground::Side::Far, origin),
            pairs: pairs.collect(),
            mesh,
            federated: federated.flatten(),
            missing,
        }
    }

    /// The ways; those that are missing are noted in the table.
    pub fn ways(&self, table: &mut Table) -> Vec<Way<'_>> {
        for missing in &self.missing {
            eprintln!("NOT RUN: {}: {missing}", table.name);
            table.not_run.push(missing.clone());
        }
        let direct = Way {
            name: DIRECT,
            entry: self.direct,
            proxies: Vec::new(),
        };
        let mesh = self.mesh.iter().map(Mesh::way);
        let federated = self.federated.iter().map(Federated::way);
        let pairs = self.pairs.iter().map(Pair::way);
        let ours = mesh.chain(federated);
        [direct].into_iter().chain(ours).chain(pairs).collect()
    }
}
