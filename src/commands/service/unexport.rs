//! `weft service unexport`: hides a service from peers, and takes back the policies that `export --allow` wrote for them.

use std::process::ExitCode;

use protocol::name::ServiceName;
use protocol::resource::ExportTo;
use protocol::wire::v1::DeleteRequest;

use super::exported;
use crate::api::Api;
use crate::commands::Global;
use crate::commands::change::{Batch, ChangeFlags};
use crate::commands::{get, manifest};
use crate::failure::Failure;
use crate::output;

/// Hide a service from peers
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  weft service unexport shop/payments --wait
  weft service unexport shop/payments --from east")]
pub(crate) struct UnexportArgs {
    /// The service: NAMESPACE/NAME.
    service: String,
    /// Only from these peers. Without it, from all.
    #[arg(long, value_name = "PEER,…", value_parser = exported::parse)]
    from: Option<ExportTo>,
    #[command(flatten)]
    flags: ChangeFlags,
}

/// Runs the command.
pub(crate) async fn run(args: UnexportArgs, global: &Global) -> Result<ExitCode, Failure> {
    let service = global.service(&args.service)?;
    let mut api = global.api().await?;
    let Some(seen_by) = exported::to(&mut api, &service).await? else {
        output::note(&format!("{service} is not exported"));
        return Ok(ExitCode::SUCCESS);
    };
    let (left, gone) = exported::without(&seen_by, args.from.clone())?;
    let policies = policies_for(&mut api, &service, &gone).await?;
    let mut batch = Batch::default();
    // What is seen goes first: a policy without an export lets nobody find the way.
    match left {
        None => {
            batch
                .delete(
                    &mut api,
                    named(&service, "ServiceExport", service.name.as_str()),
                    args.flags,
                )
                .await?
        }
        Some(left) => {
            let text = manifest::export(&service, &left);
            batch
                .put(&mut api, &text, "weft service unexport", args.flags, global)
                .await?;
        }
    }
    for policy in policies {
        batch
            .delete(
                &mut api,
                named(&service, "AuthorizationPolicy", &policy),
                args.flags,
            )
            .await?;
    }
    batch.finish(&mut api, args.flags, global.output).await?;
    Ok(ExitCode::SUCCESS)
}

/// The policies that `export --allow` wrote for these peers.
async fn policies_for(
    api: &mut Api,
    service: &ServiceName,
    gone: &ExportTo,
) -> Result<Vec<String>, Failure> {
    let prefixes: Vec<_> = exported::named(gone)
        .map(|peer| format!("{}{peer}-", manifest::allow_prefix(service)))
        .collect();
    let policies = get::fetch(api, "AuthorizationPolicy", service.namespace.as_str(), "").await?;
    let ours = |name: &String| prefixes.iter().any(|prefix| name.starts_with(prefix));
    Ok(policies
        .into_iter()
        .map(|policy| policy.name)
        .filter(ours)
        .collect())
}

fn named(service: &ServiceName, kind: &str, name: &str) -> DeleteRequest {
    DeleteRequest {
        kind: kind.to_owned(),
        namespace: service.namespace.to_string(),
        name: name.to_owned(),
        dry_run: false,
    }
}
