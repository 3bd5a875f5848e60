//! `weft peer remove`: takes trust back, then forgets the peer.

use std::process::ExitCode;

use protocol::name::ClusterName;
use protocol::wire::v1::{ChangeReply, RemovePeerRequest};

use crate::api::refused;
use crate::commands::Global;
use crate::commands::change::{Batch, ChangeFlags};
use crate::failure::Failure;
use crate::output;

/// Take trust back from a peer and forget it: record, imports, exports to it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  weft peer remove west --dry-run
  weft peer remove west --wait       returns when every node in touch stopped trusting it")]
pub(crate) struct RemoveArgs {
    /// The peer.
    cluster: ClusterName,
    #[command(flatten)]
    flags: ChangeFlags,
}

/// Runs the command.
pub(crate) async fn run(args: RemoveArgs, global: &Global) -> Result<ExitCode, Failure> {
    let name = args.cluster.to_string();
    let mut api = global.api().await?;
    let request = RemovePeerRequest {
        cluster: name.clone(),
        dry_run: args.flags.dry_run,
    };
    let reply = api
        .client
        .remove_peer(request)
        .await
        .map_err(|status| refused(&format!("peer {name} was not removed"), &status))?
        .into_inner();
    let mut batch = Batch::default();
    batch.changed("Peer", &name, &reply, args.flags.dry_run);
    if !args.flags.dry_run {
        output::note(&removed(&reply));
    }
    batch.finish(&mut api, args.flags, global.output).await?;
    Ok(ExitCode::SUCCESS)
}

/// How far the removal has got: nodes out of touch hear of it when they are back, or stop trusting when the bundle's lease ends (P-8).
fn removed(reply: &ChangeReply) -> String {
    format!(
        "removed trust on {}/{} nodes",
        reply.acknowledged, reply.nodes
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_stopped_trusting_is_counted() {
        let reply = ChangeReply {
            acknowledged: 2,
            nodes: 3,
            ..ChangeReply::default()
        };
        assert_eq!(removed(&reply), "removed trust on 2/3 nodes");
    }
}
