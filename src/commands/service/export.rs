//! `weft service export`: shows a service to peers, and with `--allow` lets some of their callers in.

use std::process::ExitCode;

use protocol::name::ServiceName;
use protocol::resource::ExportTo;

use super::exported;
use crate::api::Api;
use crate::commands::Global;
use crate::commands::allow::allowed;
use crate::commands::change::{self, ChangeFlags};
use crate::commands::manifest::caller::Caller;
use crate::commands::manifest::{self, Allow};
use crate::failure::Failure;
use crate::output;

/// Show a service to peers
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  weft service export shop/payments --to east --allow shop/cart
  weft service export shop/payments --to east --dry-run")]
pub(crate) struct ExportArgs {
    /// The service: NAMESPACE/NAME.
    service: String,
    /// The peers, or '*' for all. Those that see it already go on seeing it.
    #[arg(long, required = true, value_name = "PEER,…", value_parser = exported::parse)]
    to: ExportTo,
    /// Let these callers of each peer in: NAMESPACE/ACCOUNT; can be given again.
    #[arg(long, value_name = "NAMESPACE/ACCOUNT")]
    allow: Vec<Caller>,
    #[command(flatten)]
    flags: ChangeFlags,
}

/// Runs the command.
pub(crate) async fn run(args: ExportArgs, global: &Global) -> Result<ExitCode, Failure> {
    let service = global.service(&args.service)?;
    let mut api = global.api().await?;
    let to = exported::union(exported::to(&mut api, &service).await?, args.to.clone());
    let mut text = manifest::export(&service, &to);
    for policy in policies(&service, &args) {
        text.push_str("---\n");
        text.push_str(&policy);
    }
    let open_before = allowed::policies(&mut api, &service).await?.is_empty();
    change::put(&mut api, &text, "weft service export", args.flags, global).await?;
    if args.flags.dry_run {
        return Ok(ExitCode::SUCCESS);
    }
    if open_before && !args.allow.is_empty() {
        output::note(&allowed::closed_to_others(&service));
    }
    say_who_is_not_let_in(&mut api, &service, &args.to).await?;
    Ok(ExitCode::SUCCESS)
}

fn policies(service: &ServiceName, args: &ExportArgs) -> Vec<String> {
    let pairs = exported::named(&args.to).flat_map(|peer| {
        args.allow
            .iter()
            .map(move |caller| caller.clone().of_peer(peer))
    });
    pairs
        .map(|caller| {
            let name = manifest::allow_name(service, &caller);
            Allow {
                name,
                service,
                callers: &[caller],
                methods: &[],
                paths: &[],
            }
            .yaml()
        })
        .collect()
}

/// Exporting lets nobody in: that is a policy's to do, and easily forgotten.
async fn say_who_is_not_let_in(
    api: &mut Api,
    service: &ServiceName,
    to: &ExportTo,
) -> Result<(), Failure> {
    let policies = allowed::policies(api, service).await?;
    for peer in exported::named(to).filter(|peer| !allowed::lets_in(&policies, peer)) {
        output::note(&format!(
            "{peer} sees {service}, but no policy lets any of its callers in yet. Try: weft allow {service} --from peer:{peer}/NAMESPACE/ACCOUNT"
        ));
    }
    Ok(())
}
