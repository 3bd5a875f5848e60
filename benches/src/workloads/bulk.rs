//! Bulk: as many bytes as pass.

use crate::bench::Bench;
use crate::generate::origin::Kind;
use crate::load::own;
use crate::origin::Origin;
use crate::peers::{Peer, Spoken};
use crate::report::{Metric, Table};
use crate::rounds;
use crate::stand::Stand;

/// Over as many connections as the name says.
pub(super) fn run(bench: &Bench, name: &str) -> Table {
    let streams = name.trim_start_matches("bulk-");
    let plural = if streams == "1" { "" } else { "s" };
    let mut table = bench.table(
        name,
        &format!("Bulk, {streams} TCP connection{plural}"),
        "Our generator reads, our origin sends without end; the proxies carry bytes (Weft: a service of protocol `tcp`)",
        &[Metric::Gbits, Metric::CpuPerGb],
    );
    let origin = Origin::start(&bench.ground, Kind::Source);
    let peers = [Peer::EnvoyTcp, Peer::HaproxyTcp];
    let stand = Stand::raise(bench, origin.port, "tcp", Spoken::Bytes, &peers);
    let ways = stand.ways(&mut table);
    rounds::run(&mut table, &bench.options, &ways, |way, time| {
        let words = [
            "bulk".to_owned(),
            way.entry.to_string(),
            time.as_secs_f64().to_string(),
            streams.to_owned(),
        ];
        own(&bench.ground, &words)
    });
    table
}
