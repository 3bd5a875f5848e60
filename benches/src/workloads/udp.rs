//! UDP packets, each sent back.

use crate::bench::Bench;
use crate::generate::origin::Kind;
use crate::load::own;
use crate::origin::Origin;
use crate::peers::Spoken;
use crate::report::{Metric, Table};
use crate::rounds;
use crate::stand::Stand;

/// 8 flows of 16 packets in flight. No peer carries UDP over mutual TLS, so Weft stands beside the direct way alone.
pub(super) fn run(bench: &Bench, name: &str) -> Table {
    let mut table = bench.table(
        name,
        "UDP packets",
        "Our generator with 8 flows of 16 packets of 200 bytes in flight, our origin sends each back (Weft: a service of protocol `udp`)",
        &[
            Metric::Rate,
            Metric::P50,
            Metric::P99,
            Metric::Lost,
            Metric::Cpu,
        ],
    );
    let origin = Origin::start(&bench.ground, Kind::Packets);
    let stand = Stand::raise(bench, origin.port, "udp", Spoken::Packets, &[]);
    let ways = stand.ways(&mut table);
    rounds::run(&mut table, &bench.options, &ways, |way, time| {
        let words = [
            "packets".to_owned(),
            way.entry.to_string(),
            time.as_secs_f64().to_string(),
            "200".to_owned(),
        ];
        own(&bench.ground, &words)
    });
    table
}
