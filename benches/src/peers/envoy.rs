//! Envoy from PyPI.

use std::path::{Path, PathBuf};
use std::process::Command;

use testbed::Weft;

use super::{Leg, Peer, Spoken};
use crate::certificates::Certificates;

const TLS: &str = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3";
const QUIC: &str = "type.googleapis.com/envoy.extensions.transport_sockets.quic.v3";
const NETWORK: &str = "type.googleapis.com/envoy.extensions.filters.network";
const ROUTER: &str = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router";
const OPTIONS: &str = "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/// `.venv/bin/envoy`.
///
/// # Errors
/// When it isn't there.
pub fn program() -> Result<PathBuf, String> {
    let program = Weft::source_tree().join(".venv/bin/envoy");
    if program.exists() {
        Ok(program)
    } else {
        Err("Envoy isn't in .venv (./test makes it)".to_owned())
    }
}

/// With one worker.
pub fn command(program: &Path, file: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg("-c").arg(file);
    command.args(["--concurrency", "1", "--use-dynamic-base-id", "-l", "warn"]);
    command
}

/// One proxy of a pair.
pub fn configuration(peer: Peer, leg: &Leg, certificates: &Certificates) -> String {
    let http3 = peer == Peer::EnvoyHttp3;
    let tcp = peer == Peer::EnvoyTcp;
    let (listener, cluster) = if leg.near {
        (String::new(), socket(certificates, true, http3, tcp))
    } else {
        (socket(certificates, false, http3, tcp), String::new())
    };
    let udp = http3 && !leg.near;
    let protocol = if udp { "protocol: UDP, " } else { "" };
    let quic = if udp {
        "\n    udp_listener_config: {quic_options: {}, downstream_socket_config: {prefer_gro: true}}"
    } else {
        ""
    };
    let filter = if tcp {
        format!(
            "{{name: tcp, typed_config: {{\"@type\": {NETWORK}.tcp_proxy.v3.TcpProxy, stat_prefix: in, cluster: up}}}}"
        )
    } else {
        manager(udp)
    };
    let options = if tcp {
        String::new()
    } else {
        let spoken = match (leg.near, http3, leg.spoken) {
            (true, true, _) => "http3_protocol_options: {}",
            (true, false, _) | (false, _, Spoken::Http2) => "http2_protocol_options: {}",
            (false, _, _) => "http_protocol_options: {}",
        };
        format!(
            "\n    typed_extension_protocol_options: {{{}: {{\"@type\": {OPTIONS}, explicit_http_config: {{{spoken}}}}}}}",
            OPTIONS.trim_start_matches("type.googleapis.com/")
        )
    };
    format!(
        "static_resources:
  listeners:
  - address: {{socket_address: {{{protocol}address: {}, port_value: {}}}}}{quic}
    filter_chains:
    - filters: [{filter}]{listener}
  clusters:
  - name: up
    connect_timeout: 5s
    circuit_breakers: {{thresholds: [{{max_connections: 100000, max_pending_requests: 100000, max_requests: 100000}}]}}{options}{cluster}
    load_assignment: {{cluster_name: up, endpoints: [{{lb_endpoints: [{{endpoint: {{address: {{socket_address: {{address: {}, port_value: {}}}}}}}}}]}}]}}
",
        leg.listen.ip(),
        leg.listen.port(),
        leg.upstream.ip(),
        leg.upstream.port()
    )
}

fn manager(http3: bool) -> String {
    let codec = if http3 { "HTTP3" } else { "AUTO" };
    format!(
        "{{name: http, typed_config: {{\"@type\": {NETWORK}.http_connection_manager.v3.HttpConnectionManager, stat_prefix: in, codec_type: {codec}, \
         route_config: {{virtual_hosts: [{{name: all, domains: [\"*\"], routes: [{{match: {{prefix: /}}, route: {{cluster: up, timeout: 0s}}}}]}}]}}, \
         http_filters: [{{name: router, typed_config: {{\"@type\": {ROUTER}}}}}]}}}}"
    )
}

/// TLS 1.3 with a certificate on both sides, over TCP or inside QUIC; indented for where it goes.
fn socket(certificates: &Certificates, client: bool, quic: bool, tcp: bool) -> String {
    let alpn = match (tcp, quic) {
        (true, _) => "",
        (_, true) => "alpn_protocols: [h3], ",
        _ => "alpn_protocols: [h2], ",
    };
    let common = format!(
        "common_tls_context: {{{alpn}tls_params: {{tls_minimum_protocol_version: TLSv1_3, tls_maximum_protocol_version: TLSv1_3}}, \
         tls_certificates: [{{certificate_chain: {{filename: {}}}, private_key: {{filename: {}}}}}], \
         validation_context: {{trusted_ca: {{filename: {}}}}}}}",
        certificates.file("side.pem").display(),
        certificates.file("side.key").display(),
        certificates.file("ca.pem").display()
    );
    let (stream, key, own) = if client {
        ("Upstream", "upstream", "sni: side, ")
    } else {
        (
            "Downstream",
            "downstream",
            "require_client_certificate: true, ",
        )
    };
    let context = format!("\"@type\": {TLS}.{stream}TlsContext, {own}{common}");
    let context = if quic {
        let inner = context.split_once(", ").map_or("", |(_, inner)| inner);
        format!("\"@type\": {QUIC}.Quic{stream}Transport, {key}_tls_context: {{{inner}}}")
    } else {
        context
    };
    let indent = if client { "    " } else { "      " };
    let name = if quic { "quic" } else { "tls" };
    format!(
        "\n{indent}transport_socket: {{name: envoy.transport_sockets.{name}, typed_config: {{{context}}}}}"
    )
}
