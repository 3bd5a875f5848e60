//! `weft failover`: where requests go when a place is lost.

mod set;
mod show;

use std::process::ExitCode;

use super::Global;
use crate::failure::Failure;

/// Say where requests go when a place is lost
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  weft failover set shop/payments --prefer local --then peer:west
  weft failover show")]
pub(crate) struct FailoverArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    Set(set::SetArgs),
    Show(show::ShowArgs),
}

/// Runs the command.
pub(crate) async fn run(args: FailoverArgs, global: &Global) -> Result<ExitCode, Failure> {
    match args.verb {
        Verb::Set(args) => set::run(args, global).await,
        Verb::Show(args) => show::run(args, global).await,
    }
}
