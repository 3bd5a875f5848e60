//! `weft peer invite`: prints a single-use invitation on stdout.

use std::process::ExitCode;
use std::time::Duration;

use protocol::name::{ClusterName, TrustDomain};
use protocol::wire::v1::InvitePeerRequest;
use serde_json::json;

use crate::api::refused;
use crate::commands::Global;
use crate::failure::Failure;
use crate::output::{self, Answer, Format, age};
use crate::settings::duration;

/// Invite a cluster to federate: prints one line, good once
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  weft peer invite west --expires 15m        hand the line to whoever runs west; they type: weft peer join
  weft peer invite west --trust-domain west.example > invitation")]
pub(crate) struct InviteArgs {
    /// What the invited cluster is called.
    cluster: ClusterName,
    /// The only trust domain that may use it: who else gets hold of the line and calls itself CLUSTER is refused [default: any].
    #[arg(long, value_name = "TRUST-DOMAIN")]
    trust_domain: Option<TrustDomain>,
    /// How long it is good.
    #[arg(long, value_name = "DURATION", default_value = "15m", value_parser = duration::parse)]
    expires: Duration,
    /// Say what would be made; make nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Runs the command.
pub(crate) async fn run(args: InviteArgs, global: &Global) -> Result<ExitCode, Failure> {
    let (cluster, good_for) = (args.cluster, age::short(args.expires));
    if args.dry_run {
        let context = global.context()?;
        output::print(&format!(
            "would invite {cluster} to federate with {}, good once, for {good_for}\n",
            context.name
        ))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut api = global.api().await?;
    let request = InvitePeerRequest {
        cluster: cluster.to_string(),
        expires_seconds: args.expires.as_secs().max(1),
        trust_domain: args
            .trust_domain
            .map_or_else(String::new, |trust_domain| trust_domain.to_string()),
    };
    let reply = api
        .client
        .invite_peer(request)
        .await
        .map_err(|status| refused(&format!("{cluster} was not invited"), &status))?
        .into_inner();
    Answer {
        kind: "InvitationList",
        items: vec![json!({
            "cluster": cluster, "id": reply.id, "invitation": reply.invitation, "expiresAt": reply.expires_at, "phrase": reply.phrase,
        })],
        names: vec![reply.id],
        table: reply.invitation,
        wide: None,
    }
    .print(global.output)?;
    if matches!(global.output, Format::Table | Format::Wide) {
        output::note(&format!(
            "good once, for {good_for}; hand it over in secret. {cluster} will see this phrase: {}",
            reply.phrase
        ));
    }
    Ok(ExitCode::SUCCESS)
}
