//! `weft delete`: takes a resource away.

use std::process::ExitCode;

use protocol::wire::v1::DeleteRequest;

use super::Global;
use super::change::{Batch, ChangeFlags};
use super::get;
use crate::failure::Failure;

/// Delete a resource
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  weft delete failoverpolicy shop/payments --wait
  weft delete workload cart -n shop --dry-run")]
pub(crate) struct DeleteArgs {
    /// The kind, as for `weft get`.
    kind: String,
    /// NAMESPACE/NAME, or NAME in the namespace of -n.
    name: String,
    #[command(flatten)]
    flags: ChangeFlags,
}

/// Runs the command.
pub(crate) async fn run(args: DeleteArgs, global: &Global) -> Result<ExitCode, Failure> {
    let kind = get::kind(&args.kind)?.to_owned();
    let name = global.service(&args.name)?;
    let mut api = global.api().await?;
    let what = DeleteRequest {
        kind,
        namespace: name.namespace.to_string(),
        name: name.name.to_string(),
        dry_run: args.flags.dry_run,
    };
    let mut batch = Batch::default();
    batch.delete(&mut api, what, args.flags).await?;
    batch.finish(&mut api, args.flags, global.output).await?;
    Ok(ExitCode::SUCCESS)
}
