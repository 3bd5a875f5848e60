//! The TCP path: bytes that no proxy looks into.

use crate::bench::Bench;
use crate::load::wrk;
use crate::origin::Nginx;
use crate::peers::{Peer, Spoken};
use crate::report::{Metric, Table};
use crate::rounds;
use crate::stand::Stand;

/// Small messages.
pub(super) fn small(bench: &Bench, name: &str) -> Table {
    let mut table = bench.table(
        name,
        "TCP, small messages",
        "wrk with 64 connections in a closed loop and nginx; the proxies carry bytes (Weft: a service of protocol `tcp`)",
        &[Metric::Rate, Metric::P50, Metric::P99, Metric::Cpu],
    );
    let nginx = match Nginx::start(&bench.ground) {
        Ok(nginx) => nginx,
        Err(why) => {
            table.not_run.push(format!("all: {why}"));
            return table;
        }
    };
    let peers = [Peer::EnvoyTcp, Peer::HaproxyTcp];
    let stand = Stand::raise(bench, nginx.port, "tcp", Spoken::Http1, &peers);
    let ways = stand.ways(&mut table);
    rounds::run(&mut table, &bench.options, &ways, |way, time| {
        wrk(&bench.ground, way.entry, "/", time)
    });
    table
}
