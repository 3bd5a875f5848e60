//! `weft controller`: the control plane of one cluster, as a process.

use std::path::PathBuf;
use std::process::ExitCode;

use federation::{Controller, ControllerSettings};
use tunnel::Sockets;

use super::Global;
use super::process::{Process, UdpPort};
use crate::context::Context;
use crate::failure::Failure;
use crate::settings;
use crate::settings::controller::{self, Raw, Settings};

/// Run a controller: authority, catalog, configuration, peers
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  weft controller --cluster west --trust-domain west.example --gateway gw.west.example:4433
  weft controller --cluster west --trust-domain west.example --data-dir /var/lib/weft/west --listen 10.0.0.5:4435")]
pub(crate) struct ControllerArgs {
    #[command(flatten)]
    raw: Raw,
    /// Settings file (JSON), below flags and environment.
    #[arg(long, env = "WEFT_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Runs until told to stop.
pub(crate) async fn run(args: ControllerArgs, global: &Global) -> Result<ExitCode, Failure> {
    let raw = match &args.config {
        Some(path) => settings::over(&args.raw, &settings::read_file(path)?)?,
        None => args.raw,
    };
    let settings = controller::check(&raw, global.data_dir.clone())?;
    let port = UdpPort {
        name: "controller",
        flag: "--listen",
        address: settings.listen,
    };
    let process = Process::begin(&[port], &settings.data_dir, settings.metrics, global).await?;
    let dir = process.data_dir.path().to_owned();
    let controller = start(&settings, dir.clone(), process.sockets.clone()).await?;
    let address = controller.local_addr();
    process.watch("controller", controller.ready());
    process.write_addresses("controller", &[("controller", address)])?;
    Context::new(
        settings.cluster.to_string(),
        dir.join("weft.sock"),
        None,
        dir,
    )
    .save()?;
    let note = process.metrics_note();
    process.announce_when(
        controller.ready(),
        format!(
            "READY controller {} of {}  udp {address}{note}",
            settings.name, settings.cluster
        ),
    );
    controller
        .run(process.stop())
        .await
        .map_err(|error| Failure::new("the controller ended").caused_by(&error))?;
    Ok(ExitCode::SUCCESS)
}

async fn start(
    settings: &Settings,
    data_dir: PathBuf,
    sockets: Sockets,
) -> Result<Controller, Failure> {
    let start = ControllerSettings {
        data_dir,
        cluster: settings.cluster.clone(),
        trust_domain: settings.trust_domain.clone(),
        bind: settings.listen,
        advertise: settings.advertise.clone(),
        gateways: settings.gateways.clone(),
        name: settings.name.clone(),
        svid_lifetime: settings.svid_lifetime,
        catalog_lease: settings.catalog_lease,
        sockets,
    };
    Controller::start(start)
        .await
        .map_err(|error| Failure::new("the controller can't start").caused_by(&error))
}
