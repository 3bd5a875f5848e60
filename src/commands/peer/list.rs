//! `weft peer list`: the peers and how they are.

use std::process::ExitCode;

use protocol::wire::v1::ListPeersRequest;

use crate::api::refused;
use crate::commands::Global;
use crate::commands::status::peers;
use crate::failure::Failure;
use crate::output::{self, Answer, age};

/// List peers
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  weft peer list\n  weft peer list -o json")]
pub(crate) struct ListArgs {}

/// Runs the command.
pub(crate) async fn run(_: ListArgs, global: &Global) -> Result<ExitCode, Failure> {
    let mut api = global.api().await?;
    let reply = api
        .client
        .list_peers(ListPeersRequest {})
        .await
        .map_err(|status| refused("peers can't be listed", &status))?
        .into_inner();
    if reply.peers.is_empty() {
        output::note("no peers. Try: weft peer invite NAME");
    }
    Answer {
        kind: "PeerList",
        items: reply.peers.iter().map(peers::item).collect(),
        names: reply
            .peers
            .iter()
            .map(|peer| format!("peer/{}", peer.cluster))
            .collect(),
        table: peers::table(&reply.peers, age::now_unix()),
        wide: Some(peers::wide(&reply.peers, age::now_unix())),
    }
    .print(global.output)?;
    Ok(ExitCode::SUCCESS)
}
