//! `weft up`: controller, gateway and node of one machine in one process, each on its own thread, enrolled over the same API
//! that every host uses.

mod detach;
mod parts;
mod remembered;

use std::path::PathBuf;
use std::process::ExitCode;

use protocol::name::ClusterName;

use super::Global;
use super::part::Part;
use super::process::Process;
use crate::data_dir;
use crate::failure::Failure;
use crate::output;
use crate::settings;
use crate::settings::up::{self, Raw, Settings};

/// Bring a cluster up on this machine: controller, gateway and node in one process
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  weft up --cluster west --trust-domain west.example --advertise gw.west.example:4433
  weft up --cluster west --detach            goes on with the state that is there, in the background
  weft up --cluster b --trust-domain b.example --gateway-listen 5433 --node-listen 5434 --controller-listen 5435 --metrics 0")]
pub(crate) struct UpArgs {
    #[command(flatten)]
    raw: Raw,
    /// Settings file (JSON), below flags and environment.
    #[arg(long, env = "WEFT_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Go on in the background; return when it is ready. Logs are in DIR/up.log.
    #[arg(long)]
    detach: bool,
}

/// Runs until told to stop.
pub(crate) async fn run(args: UpArgs, global: &Global) -> Result<ExitCode, Failure> {
    let (raw, dir) = settle(&args, global)?;
    if args.detach {
        // What can be seen to be wrong is said here, not in a log.
        up::check(&raw, dir.clone())?;
        return detach::run(&dir, &raw);
    }
    detach::leave_the_terminal_if_asked()?;
    let settings = up::check(&raw, dir)?;
    let process = Process::begin(
        &parts::ports(&settings),
        &settings.data_dir,
        settings.metrics,
        global,
    )
    .await?;
    let settings = Settings {
        data_dir: process.data_dir.path().to_owned(),
        ..settings
    };
    remembered::write(&settings.data_dir, &raw, &settings)?;
    let parts = start(&process, &settings).await?;
    serve(process, parts, &settings).await
}

/// Flags and environment over the file over what the data directory remembers.
fn settle(args: &UpArgs, global: &Global) -> Result<(Raw, PathBuf), Failure> {
    let typed = match &args.config {
        Some(path) => settings::over(&args.raw, &settings::read_file(path)?)?,
        None => args.raw.clone(),
    };
    let dir = match (&global.data_dir, &typed.cluster) {
        (Some(dir), _) => dir.clone(),
        (None, Some(cluster)) => data_dir::default_for(
            ClusterName::parse(cluster)
                .map_err(Failure::usage)?
                .as_str(),
        )?,
        (None, None) => {
            return Err(Failure::usage("which cluster is to come up?")
                .hint("weft up --cluster west --trust-domain west.example"));
        }
    };
    Ok((remembered::beneath(typed, &dir)?, dir))
}

async fn start(process: &Process, settings: &Settings) -> Result<Vec<Part>, Failure> {
    let context = parts::context(
        settings,
        process.data_dir.part("controller")?.join("weft.sock"),
    );
    let mut controller = parts::controller(process, settings).await?;
    controller.until_ready().await?;
    let mut gateway = parts::gateway(process, settings, &context).await?;
    gateway.until_ready().await?;
    let mut node = parts::node(process, settings, &context).await?;
    node.until_ready().await?;
    context.save()?;
    Ok(vec![controller, gateway, node])
}

async fn serve(
    process: Process,
    mut parts: Vec<Part>,
    settings: &Settings,
) -> Result<ExitCode, Failure> {
    let addresses: Vec<_> = parts.iter().map(|part| (part.name, part.address)).collect();
    process.write_addresses("gateway", &addresses)?;
    let line = ready_line(settings, &process);
    process.announce(&line);
    detach::tell_ready(&line)?;
    let failure = tokio::select! {
        () = process.stop() => None,
        failure = first_failure(&mut parts) => Some(failure),
    };
    if failure.is_none() {
        output::note("draining; once more to end at once");
    }
    // What depends on another ends before it: node, gateway, controller.
    while let Some(part) = parts.pop() {
        let name = part.name;
        if let Err(error) = part.stop().await {
            tracing::warn!(part = name, reason = error.render(false), "ended badly");
        }
    }
    failure.map_or(Ok(ExitCode::SUCCESS), Err)
}

async fn first_failure(parts: &mut [Part]) -> Failure {
    let running = parts.iter_mut().map(|part| Box::pin(part.failure()));
    futures_util::future::select_all(running).await.0
}

fn ready_line(settings: &Settings, process: &Process) -> String {
    format!(
        "READY cluster {}  trust {}  node {}  gateway udp {} (others dial {}){}",
        settings.cluster,
        settings.trust_domain,
        settings.name,
        settings.gateway_listen,
        settings.advertise,
        process.metrics_note(),
    )
}
