//! Memory: of proxies that do nothing, and with thousands of connections that do nothing.

use crate::bench::Bench;
use crate::cost;
use crate::load::Held;
use crate::origin::Nginx;
use crate::peers::{Peer, Spoken};
use crate::report::{Metric, Table};
use crate::stand::Stand;
use crate::way::Way;

/// As many as two processes with a limit of 20,000 files can hold in and out.
const CONNECTIONS: u32 = 9_500;
const FEW: u32 = 50;

/// Idle, and with 9,500 connections of HTTP/1.1 that asked once.
pub(super) fn run(bench: &Bench, name: &str) -> Table {
    let count = if bench.options.short {
        FEW
    } else {
        CONNECTIONS
    };
    let mut table = bench.table(
        name,
        "Memory",
        &format!("Resident memory of the larger of the two proxies when just started, and with {count} HTTP/1.1 connections that asked once; what each connection costs both together"),
        &[Metric::Memory, Metric::MemoryLoaded, Metric::MemoryEach],
    );
    let nginx = match Nginx::start(&bench.ground) {
        Ok(nginx) => nginx,
        Err(why) => {
            table.not_run.push(format!("all: {why}"));
            return table;
        }
    };
    let peers = [Peer::EnvoyHttp2, Peer::HaproxyHttp2, Peer::HaproxyTcp];
    let stand = Stand::raise(bench, nginx.port, "http", Spoken::Http1, &peers);
    let ways = stand.ways(&mut table);
    table.taken.rounds = 1;
    for way in ways.iter().filter(|way| !way.proxies.is_empty()) {
        let before = resident(way);
        table.note(way.name, Metric::Memory, largest(&before));
        let words = ["idle", &way.entry.to_string(), &count.to_string()];
        let _held = Held::start(&bench.ground, &words.map(str::to_owned));
        let after = resident(way);
        let more = after.iter().sum::<f64>() - before.iter().sum::<f64>();
        table.note(way.name, Metric::MemoryLoaded, largest(&after));
        table.note(
            way.name,
            Metric::MemoryEach,
            more * 1024.0 / f64::from(count),
        );
        eprintln!("  {}: {before:.1?} MiB, then {after:.1?}", way.name);
    }
    table
}

fn resident(way: &Way<'_>) -> Vec<f64> {
    let proxies = way.proxies.iter();
    proxies.map(|proxy| cost::resident_mib(proxy)).collect()
}

fn largest(sizes: &[f64]) -> f64 {
    sizes.iter().copied().fold(0.0, f64::max)
}
