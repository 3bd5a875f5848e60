//! What a controller starts with.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use protocol::name::{ClusterName, HostPort, Label, TrustDomain};
use serde::{Deserialize, Serialize};

use super::{Check, defaults, duration, listen};
use crate::data_dir;
use crate::failure::Failure;

/// As typed.
#[derive(Clone, Debug, Default, clap::Args, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Raw {
    /// The cluster's name.
    #[arg(long, env = "WEFT_CLUSTER", value_name = "NAME")]
    pub(crate) cluster: Option<String>,
    /// The trust domain that its authority signs for.
    #[arg(long, env = "WEFT_TRUST_DOMAIN", value_name = "DOMAIN")]
    pub(crate) trust_domain: Option<String>,
    /// UDP address to listen on [default: 0.0.0.0:4435].
    #[arg(long, env = "WEFT_LISTEN", value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<String>,
    /// Where hosts of this cluster reach this controller [default: this machine's address].
    #[arg(long, env = "WEFT_ADVERTISE", value_name = "HOST:PORT")]
    pub(crate) advertise: Option<String>,
    /// Where other clusters reach this cluster's gateways; once for each.
    #[arg(
        long = "gateway",
        env = "WEFT_GATEWAYS",
        value_delimiter = ',',
        value_name = "HOST:PORT"
    )]
    pub(crate) gateways: Vec<String>,
    /// This controller's name [default: c1].
    #[arg(long, env = "WEFT_NAME", value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// How long a workload's SVID lives [default: 1h].
    #[arg(long, env = "WEFT_SVID_LIFETIME", value_name = "DURATION")]
    pub(crate) svid_lifetime: Option<String>,
    /// How long this cluster's catalog holds at its peers without news, at most 10m [default: 30s].
    #[arg(long, env = "WEFT_CATALOG_LEASE", value_name = "DURATION")]
    pub(crate) catalog_lease: Option<String>,
    /// TCP address of /metrics, /livez and /readyz, or `off` [default: 127.0.0.1:9464].
    #[arg(long, env = "WEFT_METRICS", value_name = "ADDRESS:PORT")]
    pub(crate) metrics: Option<String>,
}

/// As believed.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) data_dir: PathBuf,
    pub(crate) cluster: ClusterName,
    pub(crate) trust_domain: TrustDomain,
    pub(crate) listen: SocketAddr,
    pub(crate) advertise: HostPort,
    pub(crate) gateways: Vec<HostPort>,
    pub(crate) name: Label,
    pub(crate) svid_lifetime: Duration,
    pub(crate) catalog_lease: Duration,
    pub(crate) metrics: Option<SocketAddr>,
}

/// Raw → checked.
pub(crate) fn check(raw: &Raw, data_dir: Option<PathBuf>) -> Result<Settings, Failure> {
    let mut check = Check::default();
    let cluster = check.required("--cluster", raw.cluster.as_deref(), ClusterName::parse);
    let trust_domain = check.required(
        "--trust-domain",
        raw.trust_domain.as_deref(),
        TrustDomain::parse,
    );
    let listen = listen::settled(
        &mut check,
        "--listen",
        raw.listen.as_deref(),
        defaults::CONTROLLER_PORT,
    );
    let advertise = check.optional("--advertise", raw.advertise.as_deref(), HostPort::parse);
    let gateways = raw
        .gateways
        .iter()
        .filter_map(|g| check.optional("--gateway", Some(g), HostPort::parse))
        .collect();
    let name = check.optional("--name", raw.name.as_deref(), Label::parse);
    let svid_lifetime = svid_lifetime(&mut check, raw.svid_lifetime.as_deref());
    let catalog_lease = check.optional(
        "--catalog-lease",
        raw.catalog_lease.as_deref(),
        duration::parse,
    );
    if catalog_lease.is_some_and(|lease| lease > defaults::CATALOG_LEASE_MOST) {
        check.problem("--catalog-lease", "is at most 10m");
    }
    let metrics = check.optional("--metrics", raw.metrics.as_deref(), listen::parse_metrics);
    let settings = match (cluster, trust_domain) {
        (Some(cluster), Some(trust_domain)) => Some(Settings {
            data_dir: data_dir.map_or_else(|| data_dir::default_for(cluster.as_str()), Ok)?,
            cluster,
            trust_domain,
            listen,
            advertise: advertise.unwrap_or_else(|| listen::reachable(listen)),
            gateways,
            name: name.unwrap_or_else(|| listen::label_from(defaults::CONTROLLER_NAME)),
            svid_lifetime,
            catalog_lease: catalog_lease.unwrap_or(defaults::CATALOG_LEASE),
            metrics: metrics.unwrap_or(Some(defaults::METRICS)),
        }),
        _ => None,
    };
    check.finish("controller", settings)
}

/// A lifetime that an authority may sign for.
pub(crate) fn svid_lifetime(check: &mut Check, raw: Option<&str>) -> Duration {
    let lifetime = check
        .optional("--svid-lifetime", raw, duration::parse)
        .unwrap_or(defaults::SVID_LIFETIME);
    if !(defaults::SVID_LIFETIME_LEAST..=defaults::SVID_LIFETIME_MOST).contains(&lifetime) {
        check.problem("--svid-lifetime", "is from 10s to 24h");
    }
    lifetime
}
