//! The peers, a line each.

use std::time::Duration;

use protocol::wire::v1::PeerStatus;
use serde_json::{Value, json};

use super::EXPIRES_SOON;
use crate::output::{age, table};

/// News older than this is called stale.
const FRESH: Duration = Duration::from_secs(30);
const HEADER: [&str; 8] = [
    "PEER",
    "STATE",
    "TUNNELS",
    "RTT",
    "CATALOG",
    "LEASE",
    "TRUST",
    "LAST CHANGE",
];
const HEADER_WIDE: [&str; 10] = [
    "PEER",
    "STATE",
    "TUNNELS",
    "RTT",
    "CATALOG",
    "LEASE",
    "TRUST",
    "LAST CHANGE",
    "TRUST DOMAIN",
    "GATEWAYS",
];

/// The table of `status` and `peer list`.
pub(crate) fn table(peers: &[PeerStatus], now_unix: u64) -> String {
    table::columns(
        &HEADER,
        &peers
            .iter()
            .map(|peer| row(peer, now_unix))
            .collect::<Vec<_>>(),
    )
}

/// The same with names and addresses.
pub(crate) fn wide(peers: &[PeerStatus], now_unix: u64) -> String {
    let row = |peer: &PeerStatus| {
        let mut row = row(peer, now_unix);
        row.extend([peer.trust_domain.clone(), peer.gateways.join(",")]);
        row
    };
    table::columns(&HEADER_WIDE, &peers.iter().map(row).collect::<Vec<_>>())
}

fn row(peer: &PeerStatus, now_unix: u64) -> Vec<String> {
    let catalog_age = Duration::from_millis(peer.catalog_age_millis);
    let catalog = if peer.state == "PENDING" {
        "-".to_owned()
    } else if peer.state == "STALE" || catalog_age > FRESH {
        format!("stale {}, {} svc", age::short(catalog_age), peer.services)
    } else {
        format!("fresh, {} svc", peer.services)
    };
    let last = match peer.reason.as_str() {
        "" => age::since(peer.changed_at, now_unix),
        reason => format!("{} {reason}", age::since(peer.changed_at, now_unix)),
    };
    vec![
        peer.cluster.clone(),
        peer.state.clone(),
        format!("{} ({} gw)", peer.tunnels, peer.gateways.len()),
        if peer.rtt_micros == 0 {
            "-".to_owned()
        } else {
            age::short(Duration::from_micros(peer.rtt_micros))
        },
        catalog,
        if peer.lease_left_millis == 0 {
            "-".to_owned()
        } else {
            age::short(Duration::from_millis(peer.lease_left_millis))
        },
        format!(
            "exp {}",
            age::until(peer.root_expires_at, now_unix, EXPIRES_SOON)
        ),
        last,
    ]
}

/// One peer as JSON.
pub(crate) fn item(peer: &PeerStatus) -> Value {
    json!({
        "cluster": peer.cluster, "trustDomain": peer.trust_domain, "state": peer.state, "reason": peer.reason,
        "tunnels": peer.tunnels, "rttMicros": peer.rtt_micros, "services": peer.services,
        "catalogAgeMillis": peer.catalog_age_millis, "leaseLeftMillis": peer.lease_left_millis,
        "rootExpiresAt": peer.root_expires_at, "gateways": peer.gateways, "changedAt": peer.changed_at,
    })
}
