//! A Weft node that speaks HTTP/3 to others calls a server that isn't Weft: aioquic with an SVID, at a node's place.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may end by panicking, and says what it saw"
)]

#[path = "http3/stranger.rs"]
mod stranger;

use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use stranger::{certificates, copy_scripts, svid_of};
use tempfile::TempDir;
use testbed::app::App;
use testbed::cluster::{Cluster, ClusterSpec};
use testbed::http::{Connection, Request};
use testbed::manifest::{self, Workload};
use testbed::not_run::not_run;
use testbed::{Process, http, ports, python, wait};

const HOST: &str = "payments.shop.svc.cluster.local";

#[test]
fn a_node_calls_an_http3_server_with_an_svid() {
    let python = match python::with_modules(&["aioquic", "cryptography"]) {
        Ok(python) => python,
        Err(reason) => return not_run("a_node_calls_an_http3_server_with_an_svid", &reason),
    };
    let mut spec = ClusterSpec::named("west").nodes(2);
    spec.node_flags = vec!["--encoding".to_owned(), "h3".to_owned()];
    let mut west = Cluster::start(&spec);
    let app = App::start("weft");
    let listener = SocketAddr::from(([127, 0, 0, 1], ports::free()));
    declare(&west, "http", app.port, listener.port());
    let get = |path: &str| http::get(listener, HOST, path);
    // Between two Weft nodes by HTTP/3 first.
    wait::until("node calls node", wait::GENEROUS, || {
        (get("/").ok()?.status == 200).then_some(())
    });
    assert_eq!(get("/bytes/500000").unwrap().body.len(), 500_000);
    // Now somebody else stands where node n2 stood, with the same SVID; no controller says otherwise.
    west.controller.kill();
    west.nodes[1].terminate();
    let server = Server::start(&python, &west);
    wait::until("node calls aioquic", wait::GENEROUS, || {
        get("/").ok()?.header("x-caller").map(drop)
    });
    let caller = "spiffe://west.example/ns/shop/sa/cart";
    let answer = get("/some/path?x=1").unwrap();
    assert_eq!(answer.header("x-caller"), Some(caller));
    assert_eq!(answer.header("x-path"), Some("/some/path?x=1"));
    assert_eq!(answer.header("x-authority"), Some(HOST));
    let body = vec![b'x'; 300_000];
    let mut connection = Connection::open(listener, wait::GENEROUS).unwrap();
    let request = Request {
        method: "POST",
        target: "/echo",
        host: HOST,
        body: &body,
        ..Request::default()
    };
    assert_eq!(connection.send(&request).unwrap().body, body);
    drop(server);
}

#[test]
fn a_node_asks_an_http3_server_for_udp() {
    let python = match python::with_modules(&["aioquic", "cryptography"]) {
        Ok(python) => python,
        Err(reason) => return not_run("a_node_asks_an_http3_server_for_udp", &reason),
    };
    let mut spec = ClusterSpec::named("west").nodes(2);
    spec.node_flags = vec!["--encoding".to_owned(), "h3".to_owned()];
    let mut west = Cluster::start(&spec);
    let listener = SocketAddr::from(([127, 0, 0, 1], ports::free()));
    // Nobody listens behind node n2: what answers later is aioquic, a udp_server of its own.
    declare(&west, "udp", ports::free(), listener.port());
    wait::until("the SVID is there", wait::GENEROUS, || {
        svid_of(&west, 1, "payments").exists().then_some(())
    });
    west.controller.kill();
    west.nodes[1].terminate();
    let server = Server::start(&python, &west);
    for length in [1usize, 500, 1_100, 9_000] {
        let packet = vec![b'x'; length];
        let answer = wait::until("a packet comes back", wait::GENEROUS, || {
            let socket = UdpSocket::bind("127.0.0.1:0").ok()?;
            socket.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
            socket.send_to(&packet, listener).ok()?;
            let mut buffer = [0; 65_536];
            let (length, _) = socket.recv_from(&mut buffer).ok()?;
            Some(buffer[..length].to_vec())
        });
        assert_eq!(answer, packet, "{length}");
    }
    drop(server);
}

/// Who calls, who is called, and on which nodes.
fn declare(west: &Cluster, protocol: &str, app: u16, listener: u16) {
    let serving = Workload {
        namespace: "shop",
        name: "payments",
        node: "n2",
        serves: &[("payments", app)],
        ..Workload::default()
    };
    let calling = Workload {
        namespace: "shop",
        name: "cart",
        node: "n1",
        listeners: &[(listener, HOST)],
        ..Workload::default()
    };
    let service = manifest::service("shop", "payments", protocol);
    west.apply(&[service, serving.yaml(), calling.yaml()].concat());
}

/// aioquic at the address of node n2.
struct Server {
    _process: Process,
    _directory: TempDir,
}

impl Server {
    fn start(python: &Path, west: &Cluster) -> Self {
        let directory = TempDir::with_prefix("weft-h3-server-").unwrap();
        let place = directory.path();
        copy_scripts(place);
        let root = place.join("root.pem");
        let authority = west.controller.directory.join("authority/root.pem");
        std::fs::write(&root, certificates(&authority)).unwrap();
        let mut command = Command::new(python);
        command.current_dir(place).args(["-u", "h3_server.py"]);
        command.arg(west.nodes[1].udp.port().to_string());
        command.arg(svid_of(west, 1, "payments")).arg(&root);
        let process = Process::spawn("h3_server.py", command, &place.join("server.log"));
        wait::until("aioquic serves", wait::GENEROUS, || {
            process.log().contains("ready").then_some(())
        });
        Self {
            _process: process,
            _directory: directory,
        }
    }
}
