//! `weft allow`: writes an `AuthorizationPolicy` that lets callers in.

pub(crate) mod allowed;

use std::process::ExitCode;

use super::Global;
use super::change::{self, ChangeFlags};
use super::manifest::caller::Caller;
use super::manifest::{self, Allow};
use crate::failure::Failure;
use crate::output;

/// Let callers in to a service
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  weft allow shop/payments --from peer:east/shop/cart
  weft allow shop/payments --from shop/cart --method GET --path '/charge/*' --dry-run")]
pub(crate) struct AllowArgs {
    /// The service: NAMESPACE/NAME.
    service: String,
    /// A caller: NAMESPACE/ACCOUNT, peer:NAME, peer:NAME/NAMESPACE/ACCOUNT or spiffe://…; can be given again.
    #[arg(long, required = true, value_name = "CALLER")]
    from: Vec<Caller>,
    /// Only with this method; can be given again.
    #[arg(long = "method", value_name = "METHOD")]
    methods: Vec<String>,
    /// Only to this path (/exact or /below/*); can be given again.
    #[arg(long = "path", value_name = "PATH")]
    paths: Vec<String>,
    #[command(flatten)]
    flags: ChangeFlags,
}

/// Runs the command.
pub(crate) async fn run(args: AllowArgs, global: &Global) -> Result<ExitCode, Failure> {
    let service = global.service(&args.service)?;
    let policies: Vec<_> = args
        .from
        .iter()
        .map(|caller| {
            let name = manifest::allow_name(&service, caller);
            let callers = std::slice::from_ref(caller);
            Allow {
                name,
                service: &service,
                callers,
                methods: &args.methods,
                paths: &args.paths,
            }
            .yaml()
        })
        .collect();
    let mut api = global.api().await?;
    let open_before = allowed::policies(&mut api, &service).await?.is_empty();
    change::put(
        &mut api,
        &policies.join("---\n"),
        "weft allow",
        args.flags,
        global,
    )
    .await?;
    if open_before && !args.flags.dry_run {
        output::note(&allowed::closed_to_others(&service));
    }
    Ok(ExitCode::SUCCESS)
}
