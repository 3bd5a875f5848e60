//! Where the requests of each service go: here, or away.

use std::collections::BTreeMap;

use protocol::wire::v1::FailoverStatus;
use serde_json::{Value, json};

use crate::output::table;

/// One line for each service, over all nodes that use it.
pub(crate) fn lines(failovers: &[FailoverStatus]) -> String {
    let mut services: BTreeMap<&str, Vec<&FailoverStatus>> = BTreeMap::new();
    for failover in failovers {
        services
            .entry(&failover.service)
            .or_default()
            .push(failover);
    }
    services
        .into_iter()
        .map(|(service, nodes)| line(service, &nodes))
        .collect()
}

fn line(service: &str, nodes: &[&FailoverStatus]) -> String {
    let count = u32::try_from(nodes.len()).map_or(1.0, f64::from);
    let away = nodes
        .iter()
        .map(|node| node.share_away.clamp(0.0, 1.0))
        .sum::<f64>()
        / count;
    let cap = match nodes.iter().map(|node| node.spill_max_percent).max() {
        Some(percent @ 1..=99) => format!(" (max {percent}%)"),
        _ => String::new(),
    };
    format!(
        "FAILOVER {service}  local {}  spilled {}{cap}{}\n",
        percent(1.0 - away),
        percent(away),
        places(nodes)
    )
}

/// The places in use, where they are not just this cluster.
fn places(nodes: &[&FailoverStatus]) -> String {
    let mut places: Vec<_> = nodes
        .iter()
        .map(|node| node.place.as_str())
        .filter(|place| !place.is_empty())
        .collect();
    places.sort_unstable();
    places.dedup();
    if places.is_empty() || places == ["local"] {
        String::new()
    } else {
        format!("  at {}", places.join(", "))
    }
}

fn percent(share: f64) -> String {
    format!("{:.0}%", share * 100.0)
}

/// One line for each service and node.
pub(crate) fn by_node(failovers: &[FailoverStatus]) -> String {
    let row = |failover: &FailoverStatus| {
        vec![
            failover.service.clone(),
            failover.node.clone(),
            failover.place.clone(),
            percent(failover.share_away),
            format!("{}%", failover.spill_max_percent),
        ]
    };
    let text = table::columns(
        &["FAILOVER", "NODE", "PLACE", "AWAY", "MAX"],
        &failovers.iter().map(row).collect::<Vec<_>>(),
    );
    if text.is_empty() { text } else { text + "\n" }
}

/// One as JSON.
pub(crate) fn item(failover: &FailoverStatus) -> Value {
    json!({
        "service": failover.service, "node": failover.node, "place": failover.place,
        "shareAway": failover.share_away, "spillMaxPercent": failover.spill_max_percent,
    })
}
