//! What a host of the data plane starts with: a node or a gateway.

use std::net::SocketAddr;
use std::num::NonZeroU8;
use std::path::PathBuf;

use mesh_node::node::{self, Http3};
use protocol::invitation::JoinToken;
use protocol::name::{HostPort, Label, Locality};
use serde::{Deserialize, Serialize};
use tunnel::Limits;

use super::{Check, defaults, listen, secret_file};
use crate::data_dir;
use crate::failure::Failure;

/// Which of the two.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// A sealed gateway.
    Gateway,
    /// A node.
    Node,
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Node => "node",
        }
    }

    const fn port(self) -> u16 {
        match self {
            Self::Gateway => defaults::GATEWAY_PORT,
            Self::Node => defaults::NODE_PORT,
        }
    }
}

/// As typed.
#[derive(Clone, Debug, Default, clap::Args, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Raw {
    /// File with a join token, or - for stdin; needed once.
    #[arg(long, env = "WEFT_JOIN", value_name = "FILE")]
    pub(crate) join: Option<String>,
    /// Where the controller is, if not where the token says.
    #[arg(long, env = "WEFT_CONTROLLER", value_name = "HOST:PORT")]
    pub(crate) controller: Option<String>,
    /// This host's name in the cluster [default: the machine's].
    #[arg(long, env = "WEFT_NAME", value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// UDP address to listen on [default: 0.0.0.0, port 4433 for a gateway, 4434 for a node].
    #[arg(long, env = "WEFT_LISTEN", value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<String>,
    /// Where others reach that port: other clusters a gateway's, this cluster a node's [default: this machine's address].
    #[arg(long, env = "WEFT_ADVERTISE", value_name = "HOST:PORT")]
    pub(crate) advertise: Option<String>,
    /// Where this host is.
    #[arg(long, env = "WEFT_LOCALITY", value_name = "CLOUD/REGION/ZONE")]
    pub(crate) locality: Option<String>,
    /// Who decides how much a node's tunnels have on their way: `delivery` bears lost packets, `cubic` yields to each [default: delivery].
    #[arg(long, env = "WEFT_CONGESTION", value_name = "CONTROLLER")]
    pub(crate) congestion: Option<String>,
    /// UDP address for HTTP/3 callers that aren't Weft nodes and have an SVID; a node's, none unless given.
    #[arg(long, env = "WEFT_H3_LISTEN", value_name = "ADDRESS:PORT")]
    pub(crate) h3_listen: Option<String>,
    /// What a node speaks to other nodes, weft/1 or h3 [default: weft/1].
    #[arg(long, env = "WEFT_ENCODING", value_name = "ENCODING")]
    pub(crate) encoding: Option<String>,
    /// Threads of a node that carry requests [default: 1 where there are two cores or fewer, else one for each core].
    #[arg(long, env = "WEFT_SHARDS", value_name = "NUMBER")]
    pub(crate) shards: Option<String>,
    /// TCP address of /metrics, /livez and /readyz, or `off` [default: 127.0.0.1:9464].
    #[arg(long, env = "WEFT_METRICS", value_name = "ADDRESS:PORT")]
    pub(crate) metrics: Option<String>,
}

/// As believed.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) data_dir: PathBuf,
    pub(crate) join: Option<JoinToken>,
    pub(crate) controller: Option<HostPort>,
    pub(crate) name: Label,
    pub(crate) listen: SocketAddr,
    pub(crate) advertise: HostPort,
    pub(crate) locality: Option<Locality>,
    pub(crate) limits: Limits,
    pub(crate) metrics: Option<SocketAddr>,
    pub(crate) shards: NonZeroU8,
    pub(crate) http3: Http3,
}

/// Raw → checked; reads the token last, when all else is right.
pub(crate) fn check(kind: Kind, raw: &Raw, data_dir: Option<PathBuf>) -> Result<Settings, Failure> {
    let mut check = Check::default();
    let controller = check.optional("--controller", raw.controller.as_deref(), HostPort::parse);
    let name = check
        .optional("--name", raw.name.as_deref(), Label::parse)
        .unwrap_or_else(listen::host_label);
    let listen = listen::settled(&mut check, "--listen", raw.listen.as_deref(), kind.port());
    let advertise = check.optional("--advertise", raw.advertise.as_deref(), HostPort::parse);
    let locality = check.optional("--locality", raw.locality.as_deref(), Locality::parse);
    let congestion = check.optional("--congestion", raw.congestion.as_deref(), str::parse);
    if let (Kind::Gateway, Some(_)) = (kind, congestion) {
        check.problem("--congestion", "is for nodes: a gateway only passes on");
    }
    let shards = check.optional("--shards", raw.shards.as_deref(), str::parse);
    if let (Kind::Gateway, Some(_)) = (kind, shards) {
        check.problem("--shards", "is for nodes: a gateway has one thread");
    }
    let metrics = check.optional("--metrics", raw.metrics.as_deref(), listen::parse_metrics);
    let http3 = Http3 {
        listen: check.optional("--h3-listen", raw.h3_listen.as_deref(), listen::parse),
        between_nodes: check
            .optional("--encoding", raw.encoding.as_deref(), speaks_h3)
            .unwrap_or_default(),
    };
    let is_asked = raw.h3_listen.is_some() || raw.encoding.is_some();
    if is_asked && matches!(kind, Kind::Gateway) {
        check.problem(
            "--h3-listen, --encoding",
            "a gateway reads nothing: these are a node's",
        );
    }
    let settings = Settings {
        data_dir: data_dir.map_or_else(|| data_dir::default_for(kind.word()), Ok)?,
        join: None,
        controller,
        name,
        listen,
        advertise: advertise.unwrap_or_else(|| listen::reachable(listen)),
        locality,
        limits: Limits {
            congestion: congestion.unwrap_or_default(),
            ..Limits::default()
        },
        metrics: metrics.unwrap_or(Some(defaults::METRICS)),
        shards: shards.unwrap_or_else(node::default_shards),
        http3,
    };
    let settings = check.finish(kind.word(), Some(settings))?;
    Ok(Settings {
        join: raw
            .join
            .as_deref()
            .map(secret_file::join_token)
            .transpose()?,
        ..settings
    })
}

/// Whether the encoding named is HTTP/3.
fn speaks_h3(name: &str) -> Result<bool, &'static str> {
    match name {
        "weft/1" => Ok(false),
        "h3" => Ok(true),
        _ => Err("write weft/1 or h3"),
    }
}
