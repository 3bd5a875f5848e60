//! `weft node`: the data plane of one host, as a process.

use std::path::PathBuf;
use std::process::ExitCode;

use mesh_node::node::{Node, NodeSettings};

use super::Global;
use super::process::{Process, UdpPort};
use crate::failure::Failure;
use crate::settings::host::{self, Kind, Raw};
use crate::settings::{self, secret_file};

/// Run a node: carries what the workloads of this host say and hear
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  weft token create > token                         (where the controller is)
  weft node --join token --locality aws/eu-west-1/a
  weft node                                         (it has joined before)")]
pub(crate) struct NodeArgs {
    #[command(flatten)]
    raw: Raw,
    /// Settings file (JSON), below flags and environment.
    #[arg(long, env = "WEFT_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Runs until told to stop.
pub(crate) async fn run(args: NodeArgs, global: &Global) -> Result<ExitCode, Failure> {
    let raw = match &args.config {
        Some(path) => settings::over(&args.raw, &settings::read_file(path)?)?,
        None => args.raw,
    };
    let settings = host::check(Kind::Node, &raw, global.data_dir.clone())?;
    let port = UdpPort {
        name: "node",
        flag: "--listen",
        address: settings.listen,
    };
    let process = Process::begin(&[port], &settings.data_dir, settings.metrics, global).await?;
    let name = settings.name.clone();
    let node = Node::start(NodeSettings {
        data_dir: process.data_dir.path().to_owned(),
        name: settings.name,
        bind: settings.listen,
        advertise: Some(settings.advertise),
        locality: settings.locality,
        join: settings.join,
        controller: settings.controller,
        limits: settings.limits,
        sockets: process.sockets.clone(),
        shards: settings.shards,
        http3: settings.http3,
    })
    .await
    .map_err(|error| secret_file::not_joined("node", &error))?;
    let address = node.local_addr();
    process.watch("node", node.ready());
    process.write_addresses("node", &[("node", address)])?;
    process.announce_when(
        node.ready(),
        format!("READY node {name}  udp {address}{}", process.metrics_note()),
    );
    node.run(process.stop())
        .await
        .map_err(|error| Failure::new("the node has failed").caused_by(&error))?;
    Ok(ExitCode::SUCCESS)
}
