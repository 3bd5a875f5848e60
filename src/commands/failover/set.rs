//! `weft failover set`: writes a `FailoverPolicy`.

use std::process::ExitCode;

use crate::commands::Global;
use crate::commands::change::{self, ChangeFlags};
use crate::commands::manifest::Failover;
use crate::commands::manifest::place::{Failback, Place, percent};
use crate::failure::Failure;

/// Set the order of places for a service, and how to leave them and come back
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  weft failover set shop/payments --prefer local --then peer:west --spill-max 40% --failback 10,50,100/30s
  weft failover set shop/payments --prefer zone --then local --then peer:west=80,cloud:gcp=20 --leave-healthy-below 50% --dry-run")]
pub(crate) struct SetArgs {
    /// The service: NAMESPACE/NAME.
    service: String,
    /// The first place: local, zone, region, peer:NAME, cloud:NAME, or several with weights.
    #[arg(long, value_name = "PLACE")]
    prefer: Place,
    /// The next place; can be given again.
    #[arg(long, value_name = "PLACE")]
    then: Vec<Place>,
    /// Leave a place when fewer of its endpoints are healthy.
    #[arg(long, value_name = "SHARE", value_parser = percent)]
    leave_healthy_below: Option<u8>,
    /// Leave an endpoint after so many errors in a row.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    consecutive_errors: Option<u32>,
    /// Send no more than this share of the requests that arise here away.
    #[arg(long, value_name = "SHARE", value_parser = percent)]
    spill_max: Option<u8>,
    /// How traffic comes back: shares, and how long each lasts.
    #[arg(long, value_name = "STEPS/DURATION")]
    failback: Option<Failback>,
    #[command(flatten)]
    flags: ChangeFlags,
}

/// Runs the command.
pub(crate) async fn run(args: SetArgs, global: &Global) -> Result<ExitCode, Failure> {
    let service = global.service(&args.service)?;
    let places: Vec<_> = std::iter::once(args.prefer).chain(args.then).collect();
    let policy = Failover {
        service: &service,
        places: &places,
        leave_healthy_below: args.leave_healthy_below,
        consecutive_errors: args.consecutive_errors,
        spill_max: args.spill_max,
        failback: args.failback.as_ref(),
    };
    let manifest = policy.yaml();
    let mut api = global.api().await?;
    change::put(&mut api, &manifest, "weft failover set", args.flags, global).await?;
    Ok(ExitCode::SUCCESS)
}
