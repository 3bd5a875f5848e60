//! `weft service list`: the services of this cluster, and who sees them.

use std::collections::BTreeMap;
use std::process::ExitCode;

use protocol::wire::v1::{EndpointStatus, StatusRequest};
use serde_json::json;

use super::exported;
use crate::api::refused;
use crate::commands::change::full_name;
use crate::commands::{Global, get};
use crate::failure::Failure;
use crate::output::{Answer, table};

/// List services: endpoints here and at peers, and which peers see them
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  weft service list\n  weft service list -n shop -o json")]
pub(crate) struct ListArgs {}

/// One line of the list.
#[derive(Debug, Default)]
struct Line {
    healthy: usize,
    endpoints: usize,
    imported_from: Vec<String>,
    exported_to: String,
}

/// Runs the command.
pub(crate) async fn run(_: ListArgs, global: &Global) -> Result<ExitCode, Failure> {
    let mut api = global.api().await?;
    let status = api
        .client
        .status(StatusRequest {})
        .await
        .map_err(|status| refused("services can't be listed", &status))?
        .into_inner();
    let mut lines: BTreeMap<String, Line> = BTreeMap::new();
    for service in get::fetch(&mut api, "Service", "", "").await? {
        lines
            .entry(full_name(&service.namespace, &service.name))
            .or_default();
    }
    for export in get::fetch(&mut api, "ServiceExport", "", "").await? {
        let line = lines
            .entry(full_name(&export.namespace, &export.name))
            .or_default();
        line.exported_to = exported::parsed(&export)?.to_string();
    }
    count(&mut lines, &status.endpoints);
    if let Some(namespace) = &global.namespace {
        lines.retain(|name, _| name.split('/').next() == Some(namespace.as_str()));
    }
    answer(&lines).print(global.output)?;
    Ok(ExitCode::SUCCESS)
}

fn count(lines: &mut BTreeMap<String, Line>, endpoints: &[EndpointStatus]) {
    for endpoint in endpoints {
        let line = lines.entry(endpoint.service.clone()).or_default();
        line.endpoints += 1;
        line.healthy += usize::from(endpoint.healthy);
        if !endpoint.peer.is_empty() && !line.imported_from.contains(&endpoint.peer) {
            line.imported_from.push(endpoint.peer.clone());
        }
    }
}

fn answer(lines: &BTreeMap<String, Line>) -> Answer {
    let or_none = |names: &str| {
        if names.is_empty() {
            "-".to_owned()
        } else {
            names.to_owned()
        }
    };
    let row = |(name, line): (&String, &Line)| {
        vec![
            name.clone(),
            format!("{}/{}", line.healthy, line.endpoints),
            or_none(&line.imported_from.join(",")),
            or_none(&line.exported_to),
        ]
    };
    let item = |(name, line): (&String, &Line)| {
        json!({
            "service": name, "healthy": line.healthy, "endpoints": line.endpoints,
            "importedFrom": line.imported_from, "exportedTo": line.exported_to,
        })
    };
    Answer {
        kind: "ServiceList",
        items: lines.iter().map(item).collect(),
        names: lines.keys().map(|name| format!("service/{name}")).collect(),
        table: table::columns(
            &["SERVICE", "HEALTHY", "IMPORTED FROM", "EXPORTED TO"],
            &lines.iter().map(row).collect::<Vec<_>>(),
        ),
        wide: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Format;

    #[test]
    fn a_service_shows_health_and_who_sees_it() {
        let endpoint = |peer: &str, healthy| EndpointStatus {
            service: "shop/payments".into(),
            peer: peer.into(),
            healthy,
            ..EndpointStatus::default()
        };
        let mut lines = BTreeMap::new();
        lines.insert(
            "shop/cart".to_owned(),
            Line {
                exported_to: "apac,east".into(),
                ..Line::default()
            },
        );
        count(
            &mut lines,
            &[
                endpoint("", true),
                endpoint("", false),
                endpoint("west", true),
            ],
        );
        insta::assert_snapshot!(answer(&lines).render(Format::Table), @r"
        SERVICE        HEALTHY  IMPORTED FROM  EXPORTED TO
        shop/cart      0/0      -              apac,east
        shop/payments  2/3      west           -
        ");
    }
}
