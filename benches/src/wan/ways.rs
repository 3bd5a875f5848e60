//! The ways over the long link.

use crate::certificates::Certificates;
use crate::ground::Ground;
use crate::peers::{Pair, Peer, Spoken};
use crate::tcp_pair::{Carried, TcpPair};
use crate::way::Way;
use crate::weft::Mesh;

use super::workload::Workload;

/// The transport alone, with the kernel's BBR: what Weft is measured against.
pub const HTTP2_BBR: &str = "HTTP/2 over TLS/TCP, BBR";
/// The same with `TCP_NOTSENT_LOWAT`, which no mesh sets: the best that TCP can do.
pub const HTTP2_BBR_SHORT: &str = "HTTP/2, BBR, NOTSENT_LOWAT";
/// As meshes have it, with Cubic.
pub const HTTP2_CUBIC: &str = "HTTP/2 over TLS/TCP, Cubic";
/// Bytes over TLS over TCP, with BBR.
pub const PIPE_BBR: &str = "TLS/TCP, BBR";
/// The same with Cubic.
pub const PIPE_CUBIC: &str = "TLS/TCP, Cubic";

/// All that was started, and what wasn't.
#[derive(Debug)]
pub struct Ways<'a> {
    meshes: Vec<Mesh<'a>>,
    pairs: Vec<(Carried, TcpPair)>,
    envoy: Option<Pair>,
    /// Ways that are missing, each with the reason.
    pub not_run: Vec<String>,
}

impl<'a> Ways<'a> {
    /// Starts all that this machine can.
    ///
    /// # Errors
    /// When Weft itself doesn't start.
    pub fn start(
        ground: &'a Ground,
        certificates: Option<&Certificates>,
        origin: u16,
        variants: &'a [Variant],
        envoy: bool,
    ) -> Result<Self, String> {
        let mut ways = Self {
            meshes: Vec::new(),
            pairs: Vec::new(),
            envoy: None,
            not_run: Vec::new(),
        };
        for variant in variants {
            let mesh = Mesh::start_as(variant.name, &variant.node_flags, ground, origin, "http")?;
            mesh.wait_serving(Spoken::Http1)?;
            ways.meshes.push(mesh);
        }
        let kinds = [
            (HTTP2_BBR, Carried::Http2, "bbr"),
            (HTTP2_BBR_SHORT, Carried::Http2Short, "bbr"),
            (HTTP2_CUBIC, Carried::Http2, "cubic"),
            (PIPE_BBR, Carried::Pipe, "bbr"),
            (PIPE_CUBIC, Carried::Pipe, "cubic"),
        ];
        for (name, carried, congestion) in kinds {
            let started = certificates
                .ok_or_else(|| "openssl isn't installed".to_owned())
                .and_then(|made| TcpPair::start(name, carried, congestion, ground, made, origin));
            match started {
                Ok(pair) => ways.pairs.push((carried, pair)),
                Err(reason) => ways.not_run.push(format!("{name}: {reason}")),
            }
        }
        if envoy {
            match Pair::start(
                Peer::EnvoyHttp2,
                ground,
                certificates,
                origin,
                Spoken::Http1,
            ) {
                Ok(pair) => ways.envoy = Some(pair),
                Err(reason) => ways.not_run.push(format!("{}: {reason}", Peer::EnvoyHttp2)),
            }
        }
        Ok(ways)
    }

    /// Those that a workload compares: bytes alone can't multiplex.
    #[must_use]
    pub fn of(&self, workload: Workload) -> Vec<Way<'_>> {
        let carried = match workload {
            Workload::Bulk => [Carried::Pipe, Carried::Http2].as_slice(),
            _ => [Carried::Http2, Carried::Http2Short].as_slice(),
        };
        let pairs = self.pairs.iter().filter(|(kind, _)| carried.contains(kind));
        let meshes = self.meshes.iter().map(Mesh::way);
        meshes
            .chain(pairs.map(|(_, pair)| pair.way()))
            .chain(self.envoy.iter().map(Pair::way))
            .collect()
    }
}

/// Weft with other settings of its nodes.
#[derive(Debug, Clone)]
pub struct Variant {
    /// As the report names it.
    pub name: &'static str,
    /// What its nodes are told beside.
    pub node_flags: Vec<String>,
}
