//! What `weft up` starts with: controller, gateway and node of one machine.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use protocol::name::{ClusterName, HostPort, Label, Locality, TrustDomain};
use serde::{Deserialize, Serialize};

use super::{Check, controller, defaults, listen};
use crate::failure::Failure;

/// As typed, and as a data directory remembers it for the next start.
#[derive(Clone, Debug, Default, clap::Args, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Raw {
    /// The cluster's name.
    #[arg(long, env = "WEFT_CLUSTER", value_name = "NAME")]
    pub(crate) cluster: Option<String>,
    /// The trust domain that its authority signs for.
    #[arg(long, env = "WEFT_TRUST_DOMAIN", value_name = "DOMAIN")]
    pub(crate) trust_domain: Option<String>,
    /// Where other clusters reach this one's gateway [default: 127.0.0.1 and the gateway's port].
    #[arg(long, env = "WEFT_ADVERTISE", value_name = "HOST:PORT")]
    pub(crate) advertise: Option<String>,
    /// Where other hosts of this cluster reach this machine [default: 127.0.0.1, so there are none].
    #[arg(long, env = "WEFT_HOST", value_name = "HOST")]
    pub(crate) host: Option<String>,
    /// The node's name [default: the machine's].
    #[arg(long, env = "WEFT_NAME", value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Where this machine is.
    #[arg(long, env = "WEFT_LOCALITY", value_name = "CLOUD/REGION/ZONE")]
    pub(crate) locality: Option<String>,
    /// The gateway's UDP address, the one to open [default: 0.0.0.0:4433].
    #[arg(long, env = "WEFT_GATEWAY_LISTEN", value_name = "ADDRESS:PORT")]
    pub(crate) gateway_listen: Option<String>,
    /// The node's UDP address [default: 0.0.0.0:4434].
    #[arg(long, env = "WEFT_NODE_LISTEN", value_name = "ADDRESS:PORT")]
    pub(crate) node_listen: Option<String>,
    /// The controller's UDP address [default: 0.0.0.0:4435].
    #[arg(long, env = "WEFT_CONTROLLER_LISTEN", value_name = "ADDRESS:PORT")]
    pub(crate) controller_listen: Option<String>,
    /// How long a workload's SVID lives [default: 1h].
    #[arg(long, env = "WEFT_SVID_LIFETIME", value_name = "DURATION")]
    pub(crate) svid_lifetime: Option<String>,
    /// TCP address of /metrics, /livez and /readyz, or `off` [default: 127.0.0.1:9464].
    #[arg(long, env = "WEFT_METRICS", value_name = "ADDRESS:PORT")]
    pub(crate) metrics: Option<String>,
}

/// As believed. Every port is settled.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) data_dir: PathBuf,
    pub(crate) cluster: ClusterName,
    pub(crate) trust_domain: TrustDomain,
    pub(crate) advertise: HostPort,
    pub(crate) host: String,
    pub(crate) name: Label,
    pub(crate) locality: Option<Locality>,
    pub(crate) gateway_listen: SocketAddr,
    pub(crate) node_listen: SocketAddr,
    pub(crate) controller_listen: SocketAddr,
    pub(crate) svid_lifetime: Duration,
    pub(crate) metrics: Option<SocketAddr>,
}

impl Settings {
    /// How a part of this machine is reached inside the cluster.
    pub(crate) fn inside(&self, listen: SocketAddr) -> HostPort {
        HostPort {
            host: self.host.clone(),
            port: listen.port(),
        }
    }
}

/// Raw → checked.
pub(crate) fn check(raw: &Raw, data_dir: PathBuf) -> Result<Settings, Failure> {
    let mut check = Check::default();
    let cluster = check.required("--cluster", raw.cluster.as_deref(), ClusterName::parse);
    let trust_domain = check.required(
        "--trust-domain",
        raw.trust_domain.as_deref(),
        TrustDomain::parse,
    );
    let advertise = check.optional("--advertise", raw.advertise.as_deref(), HostPort::parse);
    let host = check.optional("--host", raw.host.as_deref(), |host| {
        HostPort::parse(&format!("{host}:1")).map(|parsed| parsed.host)
    });
    let name = check.optional("--name", raw.name.as_deref(), Label::parse);
    let locality = check.optional("--locality", raw.locality.as_deref(), Locality::parse);
    let gateway_listen = listen::settled(
        &mut check,
        "--gateway-listen",
        raw.gateway_listen.as_deref(),
        defaults::GATEWAY_PORT,
    );
    let node_listen = listen::settled(
        &mut check,
        "--node-listen",
        raw.node_listen.as_deref(),
        defaults::NODE_PORT,
    );
    let controller_listen = listen::settled(
        &mut check,
        "--controller-listen",
        raw.controller_listen.as_deref(),
        defaults::CONTROLLER_PORT,
    );
    let svid_lifetime = controller::svid_lifetime(&mut check, raw.svid_lifetime.as_deref());
    let metrics = check.optional("--metrics", raw.metrics.as_deref(), listen::parse_metrics);
    let settings = match (cluster, trust_domain) {
        (Some(cluster), Some(trust_domain)) => Some(Settings {
            data_dir,
            cluster,
            trust_domain,
            advertise: advertise.unwrap_or_else(|| HostPort {
                host: LOOPBACK.to_owned(),
                port: gateway_listen.port(),
            }),
            host: host.unwrap_or_else(|| LOOPBACK.to_owned()),
            name: name.unwrap_or_else(listen::host_label),
            locality,
            gateway_listen,
            node_listen,
            controller_listen,
            svid_lifetime,
            metrics: metrics.unwrap_or(Some(defaults::METRICS)),
        }),
        _ => None,
    };
    check.finish("up", settings)
}

const LOOPBACK: &str = "127.0.0.1";
