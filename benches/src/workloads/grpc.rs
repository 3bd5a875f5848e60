//! gRPC: calls, and messages within calls.

use crate::bench::Bench;
use crate::generate::origin::Kind;
use crate::load::{h2load, own};
use crate::origin::Origin;
use crate::peers::{Peer, Spoken};
use crate::report::{Metric, Table};
use crate::rounds;
use crate::stand::Stand;

const PEERS: [Peer; 3] = [Peer::EnvoyHttp2, Peer::EnvoyHttp3, Peer::HaproxyHttp2];

/// Unary calls.
pub(super) fn unary(bench: &Bench, name: &str) -> Table {
    let mut table = bench.table(
        name,
        "gRPC, unary calls",
        "h2load with 8 connections of 8 streams in a closed loop, messages of 100 bytes",
        &[Metric::Rate, Metric::Mean, Metric::Cpu],
    );
    if let Some(why) = testbed::not_run::missing_tools(&["h2load"]) {
        table.not_run.push(format!("all: {why}"));
        return table;
    }
    let origin = Origin::start(&bench.ground, Kind::Grpc);
    let stand = Stand::raise(bench, origin.port, "grpc", Spoken::Http2, &PEERS);
    let ways = stand.ways(&mut table);
    rounds::run(&mut table, &bench.options, &ways, |way, time| {
        h2load(&bench.ground, way.entry, time)
    });
    table
}

/// Messages in long calls.
pub(super) fn stream(bench: &Bench, name: &str) -> Table {
    let mut table = bench.table(
        name,
        "gRPC, streaming",
        "Our generator with 8 connections of 8 calls, in each of which a message of 100 bytes goes forth and back at a time; a request here is a message and its answer",
        &[Metric::Rate, Metric::P50, Metric::P99, Metric::Cpu],
    );
    let origin = Origin::start(&bench.ground, Kind::Grpc);
    let stand = Stand::raise(bench, origin.port, "grpc", Spoken::Http2, &PEERS);
    let ways = stand.ways(&mut table);
    rounds::run(&mut table, &bench.options, &ways, |way, time| {
        let words = [
            "stream".to_owned(),
            way.entry.to_string(),
            time.as_secs_f64().to_string(),
        ];
        own(&bench.ground, &words)
    });
    table
}
