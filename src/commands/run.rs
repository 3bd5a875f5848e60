//! `weft run`: a program as a workload, for as long as it runs: declared, given its proxy variables, taken back at its end.

mod child;
mod declare;

use std::ffi::OsString;
use std::process::ExitCode;

use protocol::name::Label;

use self::child::{Child, Signals};
use self::declare::Declared;
use super::Global;
use crate::failure::Failure;
use crate::output;

/// Run a program as a workload of the node on this machine
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  weft run --service shop/cart --port 8080 -- ./cart --listen 127.0.0.1:8080
  weft run --service shop/cart -- curl http://payments.shop/health      it only calls, so it needs no port
  weft run --service shop/till --port 9090 --protocol grpc -- ./till")]
pub(crate) struct RunArgs {
    /// The service that it is an instance of: NAMESPACE/NAME.
    #[arg(long, value_name = "NAMESPACE/NAME")]
    service: String,
    /// The port on 127.0.0.1 that the program serves on; without it, it only calls.
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// As whom it calls [default: called like the service].
    #[arg(long, value_name = "NAME")]
    service_account: Option<Label>,
    /// What the service speaks; only needed where the service is not declared yet [default: http].
    #[arg(long, value_enum, value_name = "PROTOCOL")]
    protocol: Option<declare::Protocol>,
    /// The workload's own name [default: SERVICE-NODE-PORT].
    #[arg(long, value_name = "NAME")]
    name: Option<Label>,
    /// The node that it runs beside [default: this machine's].
    #[arg(long, value_name = "NAME")]
    node: Option<Label>,
    /// The program and its arguments.
    #[arg(last = true, required = true, value_name = "PROGRAM")]
    command: Vec<OsString>,
}

/// Runs the command.
pub(crate) async fn run(args: RunArgs, global: &Global) -> Result<ExitCode, Failure> {
    let wanted = declare::wanted(&args, global)?;
    let mut api = global.api().await?;
    // From here on a signal must not leave the workload behind.
    let mut signals = Signals::listen()?;
    let declared = wanted.declare(&mut api, global).await?;
    let started = tokio::select! {
        started = beside(&mut api, &declared, &args.command) => started,
        _ = signals.next() => Err(Failure::interrupted()),
    };
    let outcome = match started {
        Ok(child) => child.run(&mut signals).await,
        Err(failure) => Err(failure),
    };
    if let Err(failure) = declared.take_back(global).await {
        output::note(&failure.render(output::colour_on_stderr()));
    }
    outcome
}

/// Waits for the node, then starts the program.
async fn beside(
    api: &mut crate::api::Api,
    declared: &Declared,
    command: &[OsString],
) -> Result<Child, Failure> {
    declared.until_acknowledged(api).await?;
    let proxy = declared.proxy_url();
    output::note(&format!(
        "{} runs beside node {}; its calls go through {proxy}",
        declared.service, declared.node
    ));
    Child::spawn(command, &proxy)
}
