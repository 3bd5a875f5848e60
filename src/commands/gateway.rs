//! `weft gateway`: a sealed gateway, as a process.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::process::ExitCode;

use mesh_node::gateway::{FlowLimits, Gateway, GatewaySettings};
use protocol::forward::InitialRate;

use super::Global;
use super::process::{Process, UdpPort};
use crate::failure::Failure;
use crate::settings::host::{self, Kind, Raw};
use crate::settings::{self, secret_file};
use crate::shutdown;

/// Run a sealed gateway: routes packets between clusters, opens none
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  weft token create --role gateway > token          (where the controller is)
  weft gateway --join token --advertise gw.west.example:4433
  weft gateway --join - < token")]
pub(crate) struct GatewayArgs {
    #[command(flatten)]
    raw: Raw,
    /// Settings file (JSON), below flags and environment.
    #[arg(long, env = "WEFT_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Runs until told to stop.
pub(crate) async fn run(args: GatewayArgs, global: &Global) -> Result<ExitCode, Failure> {
    let raw = match &args.config {
        Some(path) => settings::over(&args.raw, &settings::read_file(path)?)?,
        None => args.raw,
    };
    let settings = host::check(Kind::Gateway, &raw, global.data_dir.clone())?;
    let port = UdpPort {
        name: "gateway",
        flag: "--listen",
        address: settings.listen,
    };
    let process = Process::begin(&[port], &settings.data_dir, settings.metrics, global).await?;
    let name = settings.name.clone();
    let gateway = Gateway::start(GatewaySettings {
        data_dir: process.data_dir.path().to_owned(),
        name: settings.name,
        bind: settings.listen,
        inner_bind: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        advertise: Some(settings.advertise),
        locality: settings.locality,
        join: settings.join,
        controller: settings.controller,
        flows: FlowLimits::default(),
        initials: InitialRate::default(),
        sockets: process.sockets.clone(),
    })
    .await
    .map_err(|error| secret_file::not_joined("gateway", &error))?;
    let address = gateway.local_addr();
    process.watch("gateway", gateway.ready());
    process.write_addresses("gateway", &[("gateway", address)])?;
    process.announce_when(
        gateway.ready(),
        format!(
            "READY gateway {name}  udp {address}{}",
            process.metrics_note()
        ),
    );
    gateway.run(shutdown::token(process.stop())).await;
    Ok(ExitCode::SUCCESS)
}
