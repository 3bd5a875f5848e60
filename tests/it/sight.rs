//! What operators see: metrics, readiness, one log line per request.

use std::io::Write;
use std::process::{Command, Stdio};

use testbed::federation::WEST_PAYMENTS;
use testbed::{Federation, http, not_run, wait};

#[test]
fn metrics_of_every_process_please_promtool() {
    let federation = Federation::start();
    let Some(promtool) = not_run::tool("promtool") else {
        return not_run(
            "sight::metrics_of_every_process_please_promtool",
            "not installed: promtool",
        );
    };
    for host in federation.east.hosts().chain(federation.west.hosts()) {
        let scrape = host.metrics();
        assert!(
            scrape.samples().len() > 3,
            "{}: {}",
            host.name,
            scrape.text()
        );
        let mut child = Command::new(&promtool)
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(scrape.text().as_bytes())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(
            output.status.success(),
            "{}: {}{}",
            host.name,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[test]
fn every_process_says_that_it_lives_and_is_ready() {
    let federation = Federation::start();
    for host in federation.east.hosts() {
        let address = host.metrics_address().unwrap();
        for path in ["/livez", "/readyz"] {
            assert_eq!(
                http::get(address, "localhost", path).unwrap().status,
                200,
                "{} {path}",
                host.name
            );
        }
        assert_eq!(
            http::get(address, "localhost", "/nothing").unwrap().status,
            404
        );
    }
}

/// Requests are counted at both ends, by source, destination and peer; a gateway counts packets and holds no request at all.
#[test]
fn requests_and_packets_are_counted() {
    let federation = Federation::start();
    let before = federation.east.nodes_metric("weft_requests_total", &[]);
    for _ in 0..25 {
        assert_eq!(
            http::get(federation.listener, WEST_PAYMENTS, "/")
                .unwrap()
                .status,
            200
        );
    }
    wait::until("25 requests are counted", wait::GENEROUS, || {
        let counted = federation.east.nodes_metric("weft_requests_total", &[]) - before;
        (counted >= 25.0).then_some(())
    });
    let gateway = federation.west.gateway.metrics();
    assert!(gateway.sum("weft_gateway_packets_total", &[("direction", "in")]) > 0.0);
    assert!(gateway.sum("weft_gateway_bytes_total", &[]) > 0.0);
    let requests =
        gateway.sum("weft_requests_total", &[]) + gateway.sum("weft_handshakes_total", &[]);
    assert!(
        requests < 3.0,
        "a gateway is a party to nothing but its own link to the controller, yet counts {requests}"
    );
}

/// One line per request at each end, with both identities, the number of attempts and the deciding policy; P-18: no secret in any log.
#[test]
fn each_request_leaves_one_line_in_each_log() {
    let federation = Federation::start();
    let path = "/find-me-in-the-log";
    assert_eq!(
        http::get(federation.listener, WEST_PAYMENTS, path)
            .unwrap()
            .status,
        200
    );
    let record = |cluster: &testbed::Cluster| {
        let records = wait::until("the request is in the log", wait::GENEROUS, || {
            let found: Vec<_> = cluster.nodes[0]
                .access_log()
                .into_iter()
                .filter(|line| line["path"] == path)
                .collect();
            (!found.is_empty()).then_some(found)
        });
        assert_eq!(records.len(), 1, "{records:#?}");
        let record = records[0].clone();
        assert_eq!(
            record["source"], "spiffe://east.example/ns/shop/sa/cart",
            "{record:#}"
        );
        assert_eq!(
            record["destination"], "spiffe://west.example/ns/shop/sa/payments",
            "{record:#}"
        );
        assert_eq!(record["status"], 200, "{record:#}");
        record
    };
    let sent = record(&federation.east);
    assert_eq!(
        (sent["peer"].as_str(), sent["attempts"].as_u64()),
        (Some("west"), Some(1)),
        "{sent:#}"
    );
    let served = record(&federation.west);
    assert!(
        served["policy"]
            .as_str()
            .is_some_and(|policy| policy.starts_with("shop/payments")),
        "{served:#}"
    );
    for host in federation.east.hosts().chain(federation.west.hosts()) {
        let log = host.process().log();
        for secret in ["weft-token-v1.", "weft-invitation-v1.", "PRIVATE KEY"] {
            assert!(
                !log.contains(secret),
                "{} wrote {secret} to its log",
                host.name
            );
        }
    }
}
