//! The clap tree and the dispatch: one variant per command, in the file of that name.

mod allow;
mod apply;
mod change;
mod controller;
mod delete;
pub(crate) mod demo;
mod down;
mod failover;
mod gateway;
mod get;
mod manifest;
mod node;
mod part;
mod peer;
mod process;
mod run;
mod service;
mod status;
mod token;
mod up;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use protocol::name::{Label, ServiceName};

use crate::api::Api;
use crate::context::{self, Context};
use crate::failure::Failure;
use crate::output::Format;
use crate::settings::{defaults, listen};
use crate::telemetry::{self, LogFormat};

/// A QUIC-native userspace service mesh with multi-cluster federation.
#[derive(Debug, Parser)]
#[command(
    name = "weft",
    version,
    propagate_version = true,
    max_term_width = 110,
    after_help = "\
Examples:
  weft demo                                                 two federated clusters, traffic, a failover
  weft up --cluster west --trust-domain west.example        a cluster on this machine
  weft status                                               how it is"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Which cluster's controller to talk to, where several are known.
    #[arg(
        long,
        global = true,
        env = "WEFT_CONTEXT",
        value_name = "NAME",
        help_heading = "Everywhere"
    )]
    pub(crate) context: Option<String>,
    /// Where the state lies [default: /var/lib/weft/… for root, else $XDG_STATE_HOME/weft/…].
    #[arg(
        long,
        global = true,
        env = "WEFT_DATA_DIR",
        value_name = "DIR",
        help_heading = "Everywhere"
    )]
    pub(crate) data_dir: Option<PathBuf>,
    /// The namespace of names without one [default: default].
    #[arg(
        short,
        long,
        global = true,
        value_name = "NAME",
        help_heading = "Everywhere"
    )]
    pub(crate) namespace: Option<Label>,
    /// How to print data.
    #[arg(
        short,
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "FORMAT",
        help_heading = "Everywhere"
    )]
    pub(crate) output: Format,
    /// Don't colour (NO_COLOR does the same).
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub(crate) no_color: bool,
    /// How to write logs.
    #[arg(
        long,
        global = true,
        env = "WEFT_LOG_FORMAT",
        value_enum,
        default_value_t,
        value_name = "FORMAT",
        help_heading = "Everywhere"
    )]
    pub(crate) log_format: LogFormat,
}

impl Global {
    /// The context that is meant.
    pub(crate) fn context(&self) -> Result<Context, Failure> {
        context::choose(self.data_dir.as_deref(), self.context.as_deref())
    }

    /// The controller of the context that is meant.
    pub(crate) async fn api(&self) -> Result<Api, Failure> {
        Api::connect(&self.context()?).await
    }

    /// The namespace of a name without one.
    pub(crate) fn namespace(&self) -> Label {
        self.namespace
            .clone()
            .unwrap_or_else(|| listen::label_from(defaults::NAMESPACE))
    }

    /// A service named `NS/NAME`, or `NAME` in the namespace of `-n`.
    pub(crate) fn service(&self, text: &str) -> Result<ServiceName, Failure> {
        let full = if text.contains('/') {
            text.to_owned()
        } else {
            format!("{}/{text}", self.namespace())
        };
        ServiceName::parse(&full)
            .map_err(|error| Failure::usage(error).hint("NAMESPACE/NAME, as in shop/payments"))
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::DemoArgs),
    Up(up::UpArgs),
    Down(down::DownArgs),
    Controller(controller::ControllerArgs),
    Gateway(gateway::GatewayArgs),
    Node(node::NodeArgs),
    Run(run::RunArgs),
    Token(token::TokenArgs),
    Peer(peer::PeerArgs),
    Service(service::ServiceArgs),
    Failover(failover::FailoverArgs),
    Allow(allow::AllowArgs),
    Apply(apply::ApplyArgs),
    Get(get::GetArgs),
    Delete(delete::DeleteArgs),
    Status(status::StatusArgs),
    #[command(hide = true)]
    DemoApp(demo::app::AppArgs),
}

impl Cli {
    /// Whether this process stays and serves, rather than asking, or starting a program of the user's.
    pub(crate) const fn serves(&self) -> bool {
        matches!(
            self.command,
            Command::Up(_) | Command::Controller(_) | Command::Gateway(_) | Command::Node(_)
        )
    }
}

/// Runs what was asked for.
pub(crate) async fn run(cli: Cli) -> Result<ExitCode, Failure> {
    if !cli.serves() {
        telemetry::logs(cli.global.log_format, "warn")?;
    }
    let Cli { global, command } = cli;
    match command {
        Command::Demo(args) => demo::run(args, global.output).await,
        Command::DemoApp(args) => demo::app::run(args).await,
        Command::Up(args) => up::run(args, &global).await,
        Command::Down(args) => down::run(args, &global).await,
        Command::Controller(args) => controller::run(args, &global).await,
        Command::Gateway(args) => gateway::run(args, &global).await,
        Command::Node(args) => node::run(args, &global).await,
        Command::Run(args) => run::run(args, &global).await,
        Command::Token(args) => token::run(args, &global).await,
        Command::Peer(args) => peer::run(args, &global).await,
        Command::Service(args) => service::run(args, &global).await,
        Command::Failover(args) => failover::run(args, &global).await,
        Command::Allow(args) => allow::run(args, &global).await,
        Command::Apply(args) => apply::run(args, &global).await,
        Command::Get(args) => get::run(args, &global).await,
        Command::Delete(args) => delete::run(args, &global).await,
        Command::Status(args) => status::run(args, &global).await,
    }
}

#[cfg(test)]
mod tests;
