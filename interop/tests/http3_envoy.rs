//! Envoy with an SVID calls a Weft service over HTTP/3, on a node's own port.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may end by panicking, and says what it saw"
)]

#[path = "http3/stranger.rs"]
mod stranger;

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use interop::grpc::PythonGrpc;
use stranger::{HOST, PAYMENTS, Stranger, certificates};
use tempfile::TempDir;
use testbed::app::App;
use testbed::binary::Weft;
use testbed::not_run::not_run;
use testbed::{Process, http, ports, python, wait};

/// A running Envoy, which listens in the clear and calls by HTTP/3.
struct Envoy {
    listener: SocketAddr,
    _process: Process,
    _directory: TempDir,
}

fn binary() -> Result<PathBuf, String> {
    let envoy = Weft::source_tree().join(".venv/bin/envoy");
    let found = envoy.exists().then_some(envoy);
    found.ok_or_else(|| "no Envoy: ./test takes it from PyPI".to_owned())
}

impl Envoy {
    fn start(binary: &Path, stranger: &Stranger) -> Self {
        let directory = TempDir::with_prefix("weft-envoy-").unwrap();
        let place = directory.path();
        let port = ports::free();
        let file = place.join("envoy.yaml");
        std::fs::write(&file, settings(stranger, place, port)).unwrap();
        let mut command = Command::new(binary);
        command.arg("-c").arg(&file);
        command.args(["--concurrency", "1", "--use-dynamic-base-id", "-l", "warn"]);
        let process = Process::spawn("envoy", command, &place.join("envoy.log"));
        let listener = SocketAddr::from(([127, 0, 0, 1], port));
        wait::until("Envoy reaches the service", wait::GENEROUS, || {
            let answer = http::get(listener, HOST, "/").ok()?;
            (answer.status != 503 || answer.header("grpc-status").is_some()).then_some(())
        });
        Self {
            listener,
            _process: process,
            _directory: directory,
        }
    }
}

fn settings(stranger: &Stranger, place: &Path, port: u16) -> String {
    let svid = std::fs::read_to_string(stranger.svid("cart")).unwrap();
    let (chain, key) = (place.join("chain.pem"), place.join("key.pem"));
    std::fs::write(&chain, certificates(&stranger.svid("cart"))).unwrap();
    let key_begins = svid.find("-----BEGIN PRIVATE KEY-----").unwrap();
    let key_ends = svid.find("-----END PRIVATE KEY-----").unwrap() + 25;
    std::fs::write(&key, format!("{}\n", &svid[key_begins..key_ends])).unwrap();
    let mut yaml = String::new();
    let types = "type.googleapis.com/envoy.extensions";
    write!(
        yaml,
        "static_resources:
  listeners:
  - address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          \"@type\": {types}.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: in
          route_config:
            virtual_hosts:
            - name: all
              domains: [\"*\"]
              routes:
              - match: {{prefix: /}}
                route: {{cluster: weft, host_rewrite_literal: {HOST}, timeout: 0s}}
          http_filters:
          - name: router
            typed_config: {{\"@type\": {types}.filters.http.router.v3.Router}}
  clusters:
  - name: weft
    type: STATIC
    load_assignment:
      cluster_name: weft
      endpoints:
      - lb_endpoints:
        - endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {open}}}}}}}
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        \"@type\": {types}.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: {{http3_protocol_options: {{}}}}
    transport_socket:
      name: envoy.transport_sockets.quic
      typed_config:
        \"@type\": {types}.transport_sockets.quic.v3.QuicUpstreamTransport
        upstream_tls_context:
          sni: {HOST}
          common_tls_context:
            tls_certificates:
            - certificate_chain: {{filename: {chain}}}
              private_key: {{filename: {key}}}
            validation_context:
              trusted_ca: {{filename: {root}}}
              match_typed_subject_alt_names:
              - {{san_type: URI, matcher: {{exact: \"{PAYMENTS}\"}}}}
",
        open = stranger.open.port(),
        chain = chain.display(),
        key = key.display(),
        root = stranger.root.display(),
    )
    .unwrap();
    yaml
}

/// Envoy's QUIC client takes no certificate without the host's name, whatever URI it shows. Weft gives SVIDs none, so this one is made
/// as an issuer of one's own would: the node takes it up from its disk.
fn name_the_host(python: &Path, stranger: &mut Stranger) {
    stranger.west.nodes[0].kill();
    let mut command = stranger.script(python, "h3_named_svid.py");
    command.arg(stranger.west.controller.directory.join("authority"));
    let status = command.arg(stranger.svid("payments")).arg(HOST).status();
    assert!(status.unwrap().success(), "the SVID is issued anew");
    stranger.west.nodes[0].start();
    stranger.west.nodes[0].wait_ready();
}

/// The interpreter and Envoy; `Err` says what is missing.
fn partners() -> Result<(PathBuf, PathBuf), String> {
    Ok((
        python::with_modules(&["aioquic", "cryptography"])?,
        binary()?,
    ))
}

#[test]
fn envoy_calls_a_service_over_http3() {
    let (python, binary) = match partners() {
        Ok(partners) => partners,
        Err(reason) => return not_run("envoy_calls_a_service_over_http3", &reason),
    };
    let app = App::start("payments");
    let mut stranger = Stranger::before(app.port, "http");
    name_the_host(&python, &mut stranger);
    let envoy = Envoy::start(&binary, &stranger);
    for length in [0, 1, 1_000, 1_000_000] {
        let answer = http::get(envoy.listener, HOST, &format!("/bytes/{length}")).unwrap();
        assert_eq!((answer.status, answer.body.len()), (200, length));
    }
    assert_eq!(
        http::get(envoy.listener, HOST, "/status/418")
            .unwrap()
            .status,
        418
    );
    let caller = "x-spiffe-caller: spiffe://west.example/ns/shop/sa/cart";
    let heads = app.heads();
    assert!(
        heads
            .iter()
            .all(|head| head.to_ascii_lowercase().contains(caller)),
        "{heads:?}"
    );
}

#[test]
fn grpc_crosses_envoy_and_http3() {
    let (python, binary) = match partners() {
        Ok(partners) => partners,
        Err(reason) => return not_run("grpc_crosses_envoy_and_http3", &reason),
    };
    let grpc = match PythonGrpc::start() {
        Ok(grpc) => grpc,
        Err(reason) => return not_run("grpc_crosses_envoy_and_http3", &reason),
    };
    let mut stranger = Stranger::before(grpc.port, "grpc");
    name_the_host(&python, &mut stranger);
    let envoy = Envoy::start(&binary, &stranger);
    // Not "errors": Envoy tells no head alone from a head with an empty body on HTTP/3, so gRPC sees no status in it. What the node
    // sends is seen by aioquic in `http3.rs`.
    for scenario in ["kinds", "metadata", "large", "concurrent", "cancellation"] {
        println!("{scenario}");
        grpc.scenario(envoy.listener.port(), HOST, scenario);
    }
}
