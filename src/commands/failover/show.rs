//! `weft failover show`: the policies, and where requests go at the moment.

use std::process::ExitCode;

use protocol::wire::v1::StatusRequest;
use serde_json::json;

use crate::api::refused;
use crate::commands::change::full_name;
use crate::commands::status::failovers;
use crate::commands::{Global, get};
use crate::failure::Failure;
use crate::output::{self, Answer};

/// Show failover policies and where requests go
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  weft failover show\n  weft failover show shop/payments -o json\n  weft get failoverpolicy -o yaml"
)]
pub(crate) struct ShowArgs {
    /// Only this service: NAMESPACE/NAME.
    service: Option<String>,
}

/// Runs the command.
pub(crate) async fn run(args: ShowArgs, global: &Global) -> Result<ExitCode, Failure> {
    let only = args
        .service
        .as_deref()
        .map(|name| global.service(name))
        .transpose()?
        .map(|name| name.to_string());
    let wanted = |service: &str| only.as_deref().is_none_or(|only| only == service);
    let mut api = global.api().await?;
    let status = api
        .client
        .status(StatusRequest {})
        .await
        .map_err(|status| refused("failover can't be shown", &status))?
        .into_inner();
    let mut policies = get::fetch(&mut api, "FailoverPolicy", "", "").await?;
    policies.retain(|policy| wanted(&full_name(&policy.namespace, &policy.name)));
    let mut live = status.failovers;
    live.retain(|line| wanted(&line.service));
    if policies.is_empty() && live.is_empty() {
        output::note(
            "no failover policy. Try: weft failover set NAMESPACE/NAME --prefer local --then peer:NAME",
        );
    }
    let texts: String = policies
        .iter()
        .map(|policy| format!("---\n{}\n", policy.yaml.trim_end()))
        .collect();
    Answer {
        kind: "FailoverList",
        items: live.iter().map(failovers::item).chain(policies.iter().map(|policy| json!({
            "policy": full_name(&policy.namespace, &policy.name), "resource": get::tree(policy),
        }))).collect(),
        names: policies.iter().map(|policy| format!("failoverpolicy/{}", full_name(&policy.namespace, &policy.name))).collect(),
        table: failovers::lines(&live) + &texts,
        wide: Some(failovers::by_node(&live) + &texts),
    }
    .print(global.output)?;
    Ok(ExitCode::SUCCESS)
}
