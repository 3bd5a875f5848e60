//! `weft service`: which services peers see.

mod export;
mod exported;
mod list;
mod unexport;

use std::process::ExitCode;

use super::Global;
use crate::failure::Failure;

/// Show services to peers, or stop to
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  weft service export shop/payments --to east --allow shop/cart
  weft service list
  weft service unexport shop/payments")]
pub(crate) struct ServiceArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    Export(export::ExportArgs),
    Unexport(unexport::UnexportArgs),
    List(list::ListArgs),
}

/// Runs the command.
pub(crate) async fn run(args: ServiceArgs, global: &Global) -> Result<ExitCode, Failure> {
    match args.verb {
        Verb::Export(args) => export::run(args, global).await,
        Verb::Unexport(args) => unexport::run(args, global).await,
        Verb::List(args) => list::run(args, global).await,
    }
}
