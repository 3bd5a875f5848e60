//! A pair of Envoys as the baseline: plain HTTP in, HTTP/2 over mutual TLS between them, plain HTTP out.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use testbed::binary::Weft;
use testbed::{Process, ports, wait};

/// Two running Envoys.
#[derive(Debug)]
pub struct EnvoyPair {
    /// Where load goes in.
    pub port: u16,
    /// The one beside the caller, and the one beside the origin.
    pub processes: [Process; 2],
    _directory: TempDir,
}

impl EnvoyPair {
    /// Starts them before the origin at `origin`; `None` where there is no Envoy.
    #[must_use]
    pub fn start(origin: u16, origin_speaks_http2: bool) -> Option<Self> {
        let program = Weft::source_tree().join(".venv/bin/envoy");
        if !program.exists() {
            return None;
        }
        let directory = TempDir::with_prefix("weft-envoy-").unwrap();
        let place = directory.path();
        certificates(place);
        let (inlet, between) = (ports::free(), ports::free());
        let sides = [
            (
                "a",
                configuration(inlet, "", between, &client_tls(place), true),
            ),
            (
                "b",
                configuration(between, &server_tls(place), origin, "", origin_speaks_http2),
            ),
        ];
        let processes = sides.map(|(name, yaml)| {
            let file = place.join(format!("{name}.yaml"));
            std::fs::write(&file, yaml).unwrap();
            let mut command = Command::new(&program);
            command.arg("-c").arg(&file).args([
                "--concurrency",
                "1",
                "--use-dynamic-base-id",
                "-l",
                "warn",
            ]);
            Process::spawn(name, command, &place.join(format!("{name}.log")))
        });
        let last = std::cell::RefCell::new(String::new());
        let served = wait::poll(std::time::Duration::from_secs(10), || {
            let answer = testbed::http::get(([127, 0, 0, 1], inlet).into(), "origin", "/");
            *last.borrow_mut() = format!("{answer:?}");
            // A gRPC origin answers what isn't gRPC with an error of its own.
            (answer.ok()?.status == 200 || origin_speaks_http2).then_some(())
        });
        let [a, b] = &processes;
        assert!(
            served.is_some(),
            "the Envoys answer {}\n{}\n{}",
            last.borrow(),
            a.tail(),
            b.tail()
        );
        Some(Self {
            port: inlet,
            processes,
            _directory: directory,
        })
    }
}

/// A CA and a P-256 certificate for both sides, by the `openssl` program.
fn certificates(place: &Path) {
    let run = |arguments: &[&str]| {
        let output = Command::new("openssl")
            .current_dir(place)
            .args(arguments)
            .output()
            .expect("openssl is installed");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    let key = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
    ];
    run(&[
        &[
            "req", "-x509", "-subj", "/CN=ca", "-days", "2", "-keyout", "ca.key", "-out", "ca.pem",
        ],
        &key[..],
    ]
    .concat());
    run(&[
        &[
            "req", "-subj", "/CN=side", "-keyout", "side.key", "-out", "side.csr",
        ],
        &key[..],
    ]
    .concat());
    run(&[
        "x509",
        "-req",
        "-in",
        "side.csr",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-days",
        "2",
        "-out",
        "side.pem",
    ]);
}

fn client_tls(place: &Path) -> String {
    transport(place, "UpstreamTlsContext", "")
}

fn server_tls(place: &Path) -> String {
    transport(
        place,
        "DownstreamTlsContext",
        "require_client_certificate: true, ",
    )
}

fn transport(place: &Path, kind: &str, more: &str) -> String {
    let place = place.display();
    format!(
        "transport_socket: {{name: tls, typed_config: {{\"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.{kind}, {more}\
         common_tls_context: {{alpn_protocols: [h2], tls_params: {{tls_minimum_protocol_version: TLSv1_3, tls_maximum_protocol_version: TLSv1_3}}, \
         tls_certificates: [{{certificate_chain: {{filename: {place}/side.pem}}, private_key: {{filename: {place}/side.key}}}}], \
         validation_context: {{trusted_ca: {{filename: {place}/ca.pem}}}}}}}}}}"
    )
}

fn configuration(
    port: u16,
    listener_tls: &str,
    upstream: u16,
    upstream_tls: &str,
    upstream_http2: bool,
) -> String {
    let protocol = if upstream_http2 {
        "http2_protocol_options: {}"
    } else {
        "http_protocol_options: {}"
    };
    format!(
        "static_resources:
  listeners:
  - address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}
    filter_chains:
    - filters:
      - name: hcm
        typed_config:
          \"@type\": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: in
          codec_type: AUTO
          route_config: {{virtual_hosts: [{{name: all, domains: [\"*\"], routes: [{{match: {{prefix: /}}, route: {{cluster: up, timeout: 0s}}}}]}}]}}
          http_filters: [{{name: router, typed_config: {{\"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}}}]
      {listener_tls}
  clusters:
  - name: up
    connect_timeout: 5s
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        \"@type\": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: {{{protocol}}}
    {upstream_tls}
    load_assignment: {{cluster_name: up, endpoints: [{{lb_endpoints: [{{endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {upstream}}}}}}}}}]}}]}}
"
    )
}
