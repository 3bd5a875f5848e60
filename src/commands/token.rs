//! `weft token`: what lets a host join.

mod create;

use std::process::ExitCode;

use super::Global;
use crate::failure::Failure;

/// Make join tokens for hosts
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  weft token create > token")]
pub(crate) struct TokenArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    Create(create::CreateArgs),
}

/// Runs the command.
pub(crate) async fn run(args: TokenArgs, global: &Global) -> Result<ExitCode, Failure> {
    match args.verb {
        Verb::Create(args) => create::run(args, global).await,
    }
}
