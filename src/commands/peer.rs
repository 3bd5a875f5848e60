//! `weft peer`: federate with another cluster.

mod invite;
mod join;
mod list;
mod remove;

use std::process::ExitCode;

use super::Global;
use crate::failure::Failure;

/// Federate with other clusters
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  east$ weft peer invite west
  west$ weft peer join
  weft peer list")]
pub(crate) struct PeerArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    Invite(invite::InviteArgs),
    Join(join::JoinArgs),
    List(list::ListArgs),
    Remove(remove::RemoveArgs),
}

/// Runs the command.
pub(crate) async fn run(args: PeerArgs, global: &Global) -> Result<ExitCode, Failure> {
    match args.verb {
        Verb::Invite(args) => invite::run(args, global).await,
        Verb::Join(args) => join::run(args, global).await,
        Verb::List(args) => list::run(args, global).await,
        Verb::Remove(args) => remove::run(args, global).await,
    }
}
