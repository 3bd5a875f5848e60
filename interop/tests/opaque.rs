//! What isn't HTTP: PostgreSQL, Redis and half-closed connections over TCP, DNS and statsd over UDP.
//!
//! Each client runs against its server directly first: what it asks for can be had.

use std::process::Command;

use interop::Crossing;
use interop::crossing::Encoding;
use interop::script::{ScriptServer, run_client};
use interop::servers::{self, Server};
use testbed::not_run::{missing_tools, not_run};
use testbed::{python, wait};

/// Runs a client directly and through the mesh.
fn cross(
    server: u16,
    protocol: &str,
    probe: fn(u16) -> bool,
    client: &str,
    modules: &[&str],
) -> Crossing {
    run_client(client, modules, &[&server.to_string()]);
    let crossing = Crossing::carrying(server, protocol, Encoding::Weft1, probe);
    run_client(client, modules, &[&crossing.port.to_string()]);
    crossing
}

/// Why the test can't run, if it can't; or the server.
fn prepared(
    name: &str,
    modules: &[&str],
    server: fn() -> Result<Server, String>,
) -> Option<Server> {
    match python::with_modules(modules).and_then(|_| server()) {
        Ok(server) => Some(server),
        Err(reason) => {
            not_run(name, &reason);
            None
        }
    }
}

#[test]
fn postgresql_crosses() {
    let Some(server) = prepared("postgresql_crosses", &["psycopg"], Server::postgres) else {
        return;
    };
    let crossing = cross(
        server.port,
        "tcp",
        servers::postgres_answers,
        "postgres_client.py",
        &["psycopg"],
    );
    if let Some(missing) = missing_tools(&["pgbench"]) {
        return not_run("postgresql_crosses: pgbench", &missing);
    }
    for arguments in [["-i", "-s1", "-q"], ["-c4", "-j2", "-t50"]] {
        let output = Command::new("pgbench")
            .args([
                "-h",
                "127.0.0.1",
                "-U",
                "weft",
                "-p",
                &crossing.port.to_string(),
            ])
            .args(arguments)
            .arg("postgres")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "pgbench {arguments:?}: {said}");
    }
}

#[test]
fn redis_crosses() {
    let Some(server) = prepared("redis_crosses", &["redis"], Server::redis) else {
        return;
    };
    cross(
        server.port,
        "tcp",
        servers::redis_answers,
        "redis_client.py",
        &["redis"],
    );
}

/// Half-closes and resets arrive as what they are, in both directions.
#[test]
fn halves_and_resets_cross() {
    match ScriptServer::start("halves_server.py", &[]) {
        Ok(server) => drop(cross(
            server.port,
            "tcp",
            servers::greets,
            "halves_client.py",
            &[],
        )),
        Err(reason) => not_run("halves_and_resets_cross", &reason),
    }
}

#[test]
fn dns_crosses() {
    let Some(server) = prepared("dns_crosses", &["dns"], Server::dns) else {
        return;
    };
    cross(
        server.port,
        "udp",
        servers::dns_answers,
        "dns_client.py",
        &["dns"],
    );
}

#[test]
fn dns_crosses_over_h3() {
    let Some(server) = prepared("dns_crosses_over_h3", &["dns"], Server::dns) else {
        return;
    };
    let crossing = Crossing::carrying(server.port, "udp", Encoding::H3, servers::dns_answers);
    run_client("dns_client.py", &["dns"], &[&crossing.port.to_string()]);
}

/// What statsd has counted in all its intervals is what was sent, or nearly: nothing promises a packet its arrival.
#[test]
fn statsd_crosses() {
    const PACKETS: u64 = 1000;
    let Some(server) = prepared("statsd_crosses", &["statsd"], Server::statsd) else {
        return;
    };
    let send = |port: u16| {
        run_client(
            "statsd_client.py",
            &["statsd"],
            &[&port.to_string(), &PACKETS.to_string()],
        );
    };
    // A packet may be lost where a machine is busy; none is counted twice.
    let counted = |sent: u64| {
        wait::until("statsd has counted what arrived", wait::GENEROUS, || {
            let arrived = counts(&server.log(), "weft.requests");
            (arrived * 10 >= sent * PACKETS * 9).then_some(())
        });
        let log = server.log();
        for (name, all) in [("weft.requests", PACKETS), ("weft.piped", 30)] {
            assert!(counts(&log, name) <= sent * all, "{name} was counted twice");
        }
    };
    send(server.port);
    counted(1);
    let crossing = Crossing::carrying(server.port, "udp", Encoding::Weft1, |port| {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        drop(socket.send_to(b"weft.probe:1|c", ("127.0.0.1", port)));
        counts(&server.log(), "weft.probe") > 0
    });
    send(crossing.port);
    counted(2);
}

/// The sum of a counter over all that statsd has flushed to its log; what it says of rates has the same names.
fn counts(log: &str, name: &str) -> u64 {
    let flushed = log.split("counters: {").skip(1);
    let counters = flushed.filter_map(|rest| {
        let counters = &rest[..rest.find('}')?];
        let (_, number) = counters.split_once(&format!("'{name}': "))?;
        let end = number.find(|letter: char| !letter.is_ascii_digit())?;
        number[..end].parse::<u64>().ok()
    });
    counters.sum()
}
