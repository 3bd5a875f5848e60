//! `weft status`: the cluster, its peers, and where requests go.

pub(crate) mod failovers;
mod hosts;
pub(crate) mod peers;

use std::process::ExitCode;
use std::time::Duration;

use protocol::wire::v1::{StatusReply, StatusRequest};
use serde_json::{Value, json};

use super::Global;
use crate::api::refused;
use crate::failure::Failure;
use crate::output::{Answer, age};

/// Show how the cluster, its peers and its failovers are
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  weft status
  weft status -o wide                 hosts and endpoints too
  weft status -o json --fail-on-warning")]
pub(crate) struct StatusArgs {
    /// Exit with 3 when something works but needs looking at.
    #[arg(long)]
    fail_on_warning: bool,
}

/// A root or certificate that ends sooner is marked.
pub(crate) const EXPIRES_SOON: Duration = Duration::from_secs(60 * 86_400);
/// The exit code of `--fail-on-warning`.
const WARNING: u8 = crate::failure::Exit::Warning.number();

/// Runs the command.
pub(crate) async fn run(args: StatusArgs, global: &Global) -> Result<ExitCode, Failure> {
    let mut api = global.api().await?;
    let reply = api
        .client
        .status(StatusRequest {})
        .await
        .map_err(|status| refused("no status", &status))?
        .into_inner();
    let warned = !warnings(&reply).is_empty();
    answer(&reply, age::now_unix()).print(global.output)?;
    Ok(if warned && args.fail_on_warning {
        ExitCode::from(WARNING)
    } else {
        ExitCode::SUCCESS
    })
}

fn answer(reply: &StatusReply, now_unix: u64) -> Answer {
    let head = head(reply, now_unix);
    let warnings: String = warnings(reply)
        .iter()
        .map(|warning| format!("! {warning}\n"))
        .collect();
    let failovers = failovers::lines(&reply.failovers);
    let narrow = [
        head.clone(),
        peers::table(&reply.peers, now_unix),
        failovers,
        warnings.clone(),
    ];
    let wide = [
        head,
        hosts::table(&reply.hosts),
        peers::wide(&reply.peers, now_unix),
        failovers::by_node(&reply.failovers),
        hosts::endpoints(&reply.endpoints),
        warnings,
    ];
    Answer {
        kind: "StatusList",
        items: vec![item(reply)],
        names: vec![format!("cluster/{}", reply.cluster)],
        table: blocks(narrow),
        wide: Some(blocks(wide)),
    }
}

fn blocks(parts: impl IntoIterator<Item = String>) -> String {
    parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .map(|part| format!("{}\n", part.trim_end()))
        .collect()
}

fn head(reply: &StatusReply, now_unix: u64) -> String {
    let leader = reply
        .controllers
        .iter()
        .find(|controller| controller.leader)
        .map_or("none", |controller| &controller.name);
    let nodes = hosts::of_role(&reply.hosts, "node");
    let in_sync = nodes
        .iter()
        .filter(|node| hosts::in_sync(node, reply.version))
        .count();
    format!(
        "CLUSTER {}  trust {}  root expires {}  controllers {count}/{count} (leader {leader})  nodes {in_sync}/{} in sync (version {})",
        reply.cluster,
        reply.trust_domain,
        age::until(reply.root_expires_at, now_unix, EXPIRES_SOON),
        nodes.len(),
        reply.version,
        count = reply.controllers.len(),
    )
}

/// What works but needs looking at.
fn warnings(reply: &StatusReply) -> Vec<String> {
    let hosts = reply
        .hosts
        .iter()
        .filter_map(|host| hosts::warning(host, reply.version));
    let peers = reply
        .peers
        .iter()
        .filter(|peer| peer.state != "READY")
        .map(|peer| {
            let reason = if peer.reason.is_empty() {
                "no reason known"
            } else {
                &peer.reason
            };
            format!("peer {} is {}: {reason}", peer.cluster, peer.state)
        });
    hosts.chain(peers).collect()
}

fn item(reply: &StatusReply) -> Value {
    json!({
        "cluster": reply.cluster,
        "trustDomain": reply.trust_domain,
        "version": reply.version,
        "rootExpiresAt": reply.root_expires_at,
        "controllers": reply.controllers.iter().map(|c| json!({"name": c.name, "leader": c.leader})).collect::<Vec<_>>(),
        "hosts": reply.hosts.iter().map(hosts::item).collect::<Vec<_>>(),
        "peers": reply.peers.iter().map(peers::item).collect::<Vec<_>>(),
        "failovers": reply.failovers.iter().map(failovers::item).collect::<Vec<_>>(),
        "endpoints": reply.endpoints.iter().map(hosts::endpoint_item).collect::<Vec<_>>(),
        "warnings": warnings(reply),
    })
}

#[cfg(test)]
mod tests;
