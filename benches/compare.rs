//! Direct, Weft and a pair of Envoys, in turn: HTTP/1.1 closed loop and gRPC unary.
//!
//! `cargo build --release && cargo bench -p benches --bench compare [-- ROUNDS SECONDS]`
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench fails by panicking, and prints"
)]

use std::process::Command;

use benches::envoy::EnvoyPair;
use benches::load::{h2load, wrk};
use benches::path::Path;
use benches::round;
use interop::Crossing;
use interop::crossing::AUTHORITY;
use interop::nginx::Nginx;
use testbed::binary::Weft;
use testbed::{Process, ports, wait};

const CALLS: u32 = 20_000;

fn main() {
    let numbers: Vec<u32> = std::env::args()
        .skip(1)
        .filter_map(|argument| argument.parse().ok())
        .collect();
    let (rounds, seconds) = (
        numbers.first().map_or(5, |rounds| *rounds as usize),
        numbers.get(1).copied().unwrap_or(5),
    );
    println!("{}", machine());
    http1(rounds, seconds);
    grpc(rounds);
}

fn http1(rounds: usize, seconds: u32) {
    let nginx = Nginx::start().expect("nginx is installed");
    let crossing = Crossing::to(nginx.port, "http");
    let envoys = EnvoyPair::start(nginx.port, false);
    let paths = paths(nginx.port, &crossing, envoys.as_ref());
    round::run(
        "HTTP/1.1, 64 connections, closed loop (wrk, nginx)",
        rounds,
        &paths,
        |path| wrk(path.port, path.authority, seconds),
    );
}

fn grpc(rounds: usize) {
    let directory = tempfile::TempDir::with_prefix("weft-bench-").unwrap();
    let body = directory.path().join("sale");
    // A gRPC message: uncompressed, 7 bytes: field 1 is the id "bench", and nothing else.
    std::fs::write(&body, b"\0\0\0\0\x07\x0a\x05bench").unwrap();
    let port = ports::free();
    let mut command = Weft::command();
    command
        .args([
            "demo-app",
            "grpc",
            "--port",
            &port.to_string(),
            "--cluster",
            "west",
            "--instance",
            "1",
            "--records",
        ])
        .arg(directory.path().join("records"));
    let _origin = Process::spawn("till", command, &directory.path().join("till.log"));
    wait::until("the origin listens", wait::GENEROUS, || {
        std::net::TcpStream::connect(("127.0.0.1", port)).ok()
    });
    let crossing = Crossing::to(port, "grpc");
    let envoys = EnvoyPair::start(port, true);
    let paths = paths(port, &crossing, envoys.as_ref());
    round::run(
        "gRPC unary, 8 connections of 8 streams (h2load, tonic)",
        rounds,
        &paths,
        |path| h2load(path.port, path.authority, &body, CALLS),
    );
}

fn paths<'a>(origin: u16, crossing: &'a Crossing, envoys: Option<&'a EnvoyPair>) -> Vec<Path<'a>> {
    let weft = [
        &crossing.east.nodes[0],
        &crossing.west.gateway,
        &crossing.west.nodes[0],
    ];
    let mut paths = vec![
        Path {
            name: "direct",
            port: origin,
            authority: AUTHORITY,
            proxies: Vec::new(),
        },
        Path {
            name: "Weft, two nodes and a gateway",
            port: crossing.port,
            authority: AUTHORITY,
            proxies: weft.map(testbed::cluster::Host::process).to_vec(),
        },
    ];
    match envoys {
        Some(pair) => paths.push(Path {
            name: "Envoy pair, HTTP/2 mTLS",
            port: pair.port,
            authority: AUTHORITY,
            proxies: pair.processes.iter().collect(),
        }),
        None => println!("NOT RUN: Envoy isn't in .venv (./test makes it)"),
    }
    paths
}

fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .unwrap_or(": unknown");
    let cores = cpu
        .lines()
        .filter(|line| line.starts_with("processor"))
        .count();
    let kernel = Command::new("uname")
        .arg("-sr")
        .output()
        .map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned());
    format!(
        "{cores} cores of{}, {}",
        model
            .trim_start_matches([' ', '\t', ':'])
            .split('\t')
            .next_back()
            .map_or(String::new(), |model| format!(" {model}")),
        kernel.unwrap_or_default()
    )
}
