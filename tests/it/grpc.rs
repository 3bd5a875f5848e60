//! Long gRPC streams of Python's grpcio through two nodes and a gateway that is killed and started again.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use testbed::federation::{FederationSpec, WEST_PAYMENTS};
use testbed::manifest::Workload;
use testbed::{Federation, Process, Weft, not_run, ports, wait};

const STREAMS_OF_EACH_KIND: usize = 20;

#[test]
fn killed_gateway_that_returns_resets_no_stream() {
    let Some((mut federation, mut server, mut client)) =
        streams("killed_gateway_that_returns_resets_no_stream")
    else {
        return;
    };
    for _ in 0..2 {
        federation.west.kill_gateway();
        federation.west.start_gateway();
        grows(&client, &federation);
    }
    let report = finish(&mut client);
    assert_eq!(report["broken"], Value::Array(Vec::new()), "{report:#}");
    assert_eq!(report["disordered"], 0, "{report:#}");
    assert_eq!(report["open"], 2 * STREAMS_OF_EACH_KIND, "{report:#}");
    server.terminate();
}

/// The twin that shows that the test above can fail.
#[test]
fn killed_gateway_that_stays_dead_breaks_streams() {
    let Some((mut federation, _server, mut client)) =
        streams("killed_gateway_that_stays_dead_breaks_streams")
    else {
        return;
    };
    federation.west.kill_gateway();
    // a tunnel notices within its idle time, and tells the streams
    wait::until("streams break", wait::GENEROUS * 2, || {
        (client.log().matches("BROKEN").count() >= STREAMS_OF_EACH_KIND).then_some(())
    });
    let report = finish(&mut client);
    let broken = report["broken"].as_array().unwrap().len();
    assert!(broken >= STREAMS_OF_EACH_KIND, "{report:#}");
}

fn streams(name: &str) -> Option<(Federation, Process, Process)> {
    let python = match testbed::python::with_modules(&["grpc"]) {
        Ok(python) => python,
        Err(reason) => {
            not_run(&format!("grpc::{name}"), &reason);
            return None;
        }
    };
    let federation = Federation::unexported(&FederationSpec::default());
    let port = ports::free();
    let log = |name: &str| federation.east.file(name);
    let server = Process::spawn(
        "gRPC server",
        script(&python, "server.py", &[&port.to_string()]),
        &log("grpc-server.log"),
    );
    wait::until("the gRPC server serves", wait::GENEROUS, || {
        server.log().contains("SERVING").then_some(())
    });
    federation.west.apply(
        &(testbed::manifest::service("shop", "ticks", "grpc")
            + &Workload {
                namespace: "shop",
                name: "ticks",
                node: "n1",
                serves: &[("ticks", port)],
                ..Workload::default()
            }
            .yaml()),
    );
    federation.west.weft_ok(&[
        "service",
        "export",
        "shop/ticks",
        "--to",
        "east",
        "--allow",
        "shop/watch",
    ]);
    let listener = ports::free();
    let host = WEST_PAYMENTS.replace("payments", "ticks");
    federation.east.apply(
        &Workload {
            namespace: "shop",
            name: "watch",
            node: "n1",
            listeners: &[(listener, &host)],
            ..Workload::default()
        }
        .yaml(),
    );
    wait_listed(&federation, "ticks");
    let client = Process::spawn(
        "gRPC client",
        script(
            &python,
            "client.py",
            &[
                &listener.to_string(),
                &host,
                &STREAMS_OF_EACH_KIND.to_string(),
            ],
        ),
        &log("grpc-client.log"),
    );
    let open = wait::poll(wait::GENEROUS, || {
        client.log().contains("OPEN").then_some(())
    });
    assert!(
        open.is_some(),
        "the streams don't open\n{}\n{}",
        client.tail(),
        federation.east.nodes[0].process().tail()
    );
    Some((federation, server, client))
}

/// Waits until east knows of an endpoint of west's service.
fn wait_listed(federation: &Federation, service: &str) {
    wait::until(&format!("east imports {service}"), wait::GENEROUS, || {
        let status = federation.east.weft_ok(&["status", "-o", "json"]);
        status.contains(service).then_some(())
    });
}

/// Waits until bytes flow through the gateway anew.
fn grows(client: &Process, federation: &Federation) {
    let bytes = || {
        federation
            .west
            .gateway
            .metrics()
            .sum("weft_gateway_bytes_total", &[])
    };
    let before = bytes();
    let grown = wait::poll(wait::GENEROUS, || {
        (bytes() > before + 20_000.0).then_some(())
    });
    assert!(
        grown.is_some(),
        "nothing flows through the new gateway\n{}",
        client.tail()
    );
}

fn finish(client: &mut Process) -> Value {
    let status = client.terminate();
    assert!(status.success(), "{status}\n{}", client.tail());
    let log = client.log();
    let line = log.lines().find_map(|line| line.strip_prefix("REPORT "));
    serde_json::from_str(line.expect("the client reports")).unwrap()
}

fn script(python: &Path, name: &str, arguments: &[&str]) -> Command {
    let file = Weft::source_tree().join("tests/it/grpc").join(name);
    let mut command = Command::new(python);
    command
        .arg("-u")
        .arg(file)
        .args(arguments)
        .env_remove("http_proxy")
        .env_remove("https_proxy");
    command
}
