//! HTTP/1.1: closed loop, fixed rate, larger bodies, a connection for each request.

use crate::bench::Bench;
use crate::load::{own, wrk};
use crate::origin::Nginx;
use crate::peers::{Peer, Spoken};
use crate::report::{Metric, Table};
use crate::rounds;
use crate::stand::Stand;

const CLOSED: [Metric; 4] = [Metric::Rate, Metric::P50, Metric::P99, Metric::Cpu];

/// 64 connections, 128 bytes.
pub(super) fn small(bench: &Bench, name: &str) -> Table {
    let table = bench.table(
        name,
        "HTTP/1.1, small requests",
        "wrk with 64 connections in a closed loop, nginx answers with 128 bytes",
        &CLOSED,
    );
    let peers = [
        Peer::EnvoyHttp2,
        Peer::EnvoyHttp3,
        Peer::EnvoyTcp,
        Peer::HaproxyHttp2,
        Peer::HaproxyTcp,
    ];
    closed(bench, table, "/", &peers)
}

/// The same with 64 KiB.
pub(super) fn large(bench: &Bench, name: &str) -> Table {
    let table = bench.table(
        name,
        "HTTP/1.1, bodies of 64 KiB",
        "wrk with 64 connections in a closed loop, nginx answers with a file of 64 KiB",
        &CLOSED,
    );
    let peers = [
        Peer::EnvoyHttp2,
        Peer::EnvoyTcp,
        Peer::HaproxyHttp2,
        Peer::HaproxyTcp,
    ];
    closed(bench, table, "/large", &peers)
}

fn closed(bench: &Bench, table: Table, path: &str, peers: &[Peer]) -> Table {
    with_nginx(bench, table, peers, |table, stand| {
        let ways = stand.ways(table);
        rounds::run(table, &bench.options, &ways, |way, time| {
            wrk(&bench.ground, way.entry, path, time)
        });
    })
}

/// As many requests a second as the name says.
pub(super) fn rate(bench: &Bench, name: &str) -> Table {
    let rate = name.trim_start_matches("rate-");
    let table = bench.table(
        name,
        &format!("HTTP/1.1 at {rate} requests a second"),
        "Our generator with 64 connections in an open loop: each request has its moment and its latency counts from there \
         (coordinated omission avoided). Added: over the direct way in the same round",
        &[
            Metric::P50,
            Metric::P99,
            Metric::P999,
            Metric::AddedP50,
            Metric::AddedP99,
            Metric::AddedP999,
            Metric::Cpu,
        ],
    );
    let peers = [
        Peer::EnvoyHttp2,
        Peer::EnvoyTcp,
        Peer::HaproxyHttp2,
        Peer::HaproxyTcp,
    ];
    with_nginx(bench, table, &peers, |table, stand| {
        let ways = stand.ways(table);
        rounds::run(table, &bench.options, &ways, |way, time| {
            let seconds = time.as_secs_f64();
            let words = [
                "open",
                &way.entry.to_string(),
                rate,
                &seconds.to_string(),
                "64",
            ];
            own(&bench.ground, &words.map(str::to_owned))
        });
    })
}

/// One new TCP connection for each request.
pub(super) fn connect(bench: &Bench, name: &str) -> Table {
    let table = bench.table(
        name,
        "A new TCP connection for each request",
        "Our generator with 32 callers in a closed loop: connect, one HTTP/1.1 request with `Connection: close`, read to its end",
        &CLOSED,
    );
    let peers = [
        Peer::EnvoyHttp2,
        Peer::EnvoyTcp,
        Peer::HaproxyHttp2,
        Peer::HaproxyTcp,
    ];
    with_nginx(bench, table, &peers, |table, stand| {
        let ways = stand.ways(table);
        rounds::run(table, &bench.options, &ways, |way, time| {
            let seconds = time.as_secs_f64();
            let words = [
                "connect",
                &way.entry.to_string(),
                &seconds.to_string(),
                "32",
            ];
            own(&bench.ground, &words.map(str::to_owned))
        });
    })
}

fn with_nginx(
    bench: &Bench,
    mut table: Table,
    peers: &[Peer],
    work: impl FnOnce(&mut Table, &Stand<'_>),
) -> Table {
    match Nginx::start(&bench.ground) {
        Ok(nginx) => {
            let stand = Stand::raise(bench, nginx.port, "http", Spoken::Http1, peers);
            work(&mut table, &stand);
        }
        Err(why) => table.not_run.push(format!("all: {why}")),
    }
    table
}
