//! What a host of the data plane starts with: a node or a gateway.

use std::net::SocketAddr;
use std::path::PathBuf;

use protocol::invitation::JoinToken;
use protocol::name::{HostPort, Label, Locality};
use serde::{Deserialize, Serialize};

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
    pub(crate) metrics: Option<SocketAddr>,
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
    let metrics = check.optional("--metrics", raw.metrics.as_deref(), listen::parse_metrics);
    let settings = Settings {
        data_dir: data_dir.map_or_else(|| data_dir::default_for(kind.word()), Ok)?,
        join: None,
        controller,
        name,
        listen,
        advertise: advertise.unwrap_or_else(|| listen::reachable(listen)),
        locality,
        metrics: metrics.unwrap_or(Some(defaults::METRICS)),
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
