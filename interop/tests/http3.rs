//! aioquic with an SVID calls a Weft service on a node's own port; a Weft node calls aioquic.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may end by panicking, and says what it saw"
)]

#[path = "http3/stranger.rs"]
mod stranger;

use std::net::UdpSocket;

use interop::grpc::PythonGrpc;
use stranger::Stranger;
use testbed::app::App;
use testbed::not_run::not_run;
use testbed::{manifest, python};

const MODULES: [&str; 2] = ["aioquic", "cryptography"];

#[test]
fn an_http3_client_with_an_svid_is_a_citizen() {
    let python = match python::with_modules(&MODULES) {
        Ok(python) => python,
        Err(reason) => return not_run("an_http3_client_with_an_svid_is_a_citizen", &reason),
    };
    let app = App::start("payments");
    let stranger = Stranger::before(app.port, "http");
    for scenario in ["ordinary", "many", "ambiguous", "elsewhere", "nameless"] {
        println!("{scenario}");
        stranger.scenario(&python, scenario);
    }
    // P-14: the app hears who called from the mesh alone.
    let heads = app.heads();
    let asked = heads.iter().find(|head| head.starts_with("POST /asked"));
    let asked = asked.unwrap().to_ascii_lowercase();
    assert!(asked.contains("x-mine: kept"), "{asked}");
    assert!(
        asked.contains("x-spiffe-caller: spiffe://west.example/ns/shop/sa/cart"),
        "{asked}"
    );
    assert!(!asked.contains("spiffe://a/root"), "{asked}");
    // Policies are those of every other caller.
    let others = ("shop", "somebody-else");
    stranger
        .west
        .apply(&manifest::allow("shop", "payments", "local", others).replace("peer: local, ", ""));
    stranger.scenario(&python, "denied");
}

#[test]
fn grpc_over_http3_keeps_its_trailers_and_streams() {
    let name = "grpc_over_http3_keeps_its_trailers_and_streams";
    let python = match python::with_modules(&MODULES) {
        Ok(python) => python,
        Err(reason) => return not_run(name, &reason),
    };
    let grpc = match PythonGrpc::start() {
        Ok(grpc) => grpc,
        Err(reason) => return not_run(name, &reason),
    };
    let stranger = Stranger::before(grpc.port, "grpc");
    stranger.scenario(&python, "grpc");
}

#[test]
fn connect_udp_carries_packets_of_every_size() {
    let python = match python::with_modules(&MODULES) {
        Ok(python) => python,
        Err(reason) => return not_run("connect_udp_carries_packets_of_every_size", &reason),
    };
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    // Ends with the test's process.
    std::thread::spawn(move || {
        let mut packet = [0; 65_536];
        while let Ok((length, from)) = socket.recv_from(&mut packet) {
            socket.send_to(&packet[..length], from).unwrap();
        }
    });
    let stranger = Stranger::before(port, "udp");
    stranger.scenario(&python, "udp");
}
